package dynamic_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/rewrite/dynamic"
)

func TestABodyIsClearedThatSurelyMakesNothing(t *testing.T) {
	t.Parallel()
	const relations, attributes, anything = 1, 2, 4
	for name, tc := range map[string]struct {
		body string
		want int // what its names may reach
	}{
		"an audit of one table":                 {`BEGIN EXECUTE 'INSERT INTO audit VALUES ($1)' USING new; RETURN new; END`, 0},
		"an audit whose table is computed":      {`BEGIN EXECUTE format('INSERT INTO audit_%s VALUES ($1.*)', TG_TABLE_NAME) USING new; RETURN new; END`, relations},
		"one that is quoted":                    {`BEGIN EXECUTE format('INSERT INTO %I VALUES ($1.*)', 'audit_' || TG_TABLE_NAME) USING new; RETURN new; END`, relations},
		"one with a schema":                     {`BEGIN EXECUTE format('INSERT INTO %I.%I SELECT $1.*', TG_TABLE_SCHEMA, TG_TABLE_NAME || '_audit') USING new; RETURN new; END`, relations},
		"one by signs":                          {`BEGIN EXECUTE 'INSERT INTO ' || TG_RELNAME || '_audit SELECT ($1).*' USING old; RETURN old; END`, relations},
		"what is analyzed":                      {`BEGIN EXECUTE 'ANALYZE'; END`, -1},
		"a table by its regclass":               {`BEGIN EXECUTE format('DELETE FROM %s WHERE id = $1', TG_RELID::regclass) USING old.id; RETURN old; END`, relations},
		"a count":                               {`DECLARE n int; BEGIN EXECUTE 'SELECT count(*) FROM ' || quote_ident(t) INTO n; RETURN n; END`, relations},
		"a count, and nothing else":             {`DECLARE n int; BEGIN EXECUTE 'SELECT count(*) FROM public.' || quote_ident(t) || ' WHERE a = ' || quote_literal(v) INTO STRICT n; RETURN n; END`, relations},
		"a NOTIFY":                              {`BEGIN EXECUTE 'NOTIFY changes, ' || quote_literal(new.id::text); RETURN new; END`, 0},
		"a NOTIFY of a computed channel":        {`BEGIN EXECUTE format('NOTIFY %I, %L', ch, v); RETURN new; END`, 0},
		"a REFRESH":                             {`BEGIN EXECUTE 'REFRESH MATERIALIZED VIEW CONCURRENTLY totals'; RETURN NULL; END`, 0},
		"a REFRESH of any":                      {`BEGIN EXECUTE format('REFRESH MATERIALIZED VIEW %I', v); END`, relations},
		"a TRUNCATE":                            {`BEGIN EXECUTE 'TRUNCATE staging'; END`, 0},
		"a column of the row":                   {`DECLARE x text; BEGIN EXECUTE format('SELECT ($1).%I::text', c) INTO x USING new; RETURN new; END`, attributes},
		"a column of a table":                   {`BEGIN EXECUTE format('SELECT t.%I FROM things t', c); END`, attributes},
		"a column by itself":                    {`BEGIN EXECUTE format('UPDATE things SET %I = %L WHERE %I = $1', a, b, c); END`, 0},
		"a list of columns":                     {`BEGIN EXECUTE format('INSERT INTO things (%I, b) VALUES (%L, 1)', a, b); END`, 0},
		"a function":                            {`BEGIN EXECUTE format('SELECT %I(1)', f); END`, anything},
		"a procedure":                           {`BEGIN EXECUTE format('CALL %I()', f); END`, anything},
		"a type":                                {`BEGIN EXECUTE format('SELECT %L::%I', v, ty); END`, anything},
		"a function in FROM":                    {`BEGIN EXECUTE format('SELECT * FROM %I(1)', f); END`, anything},
		"a loop":                                {`DECLARE r record; BEGIN FOR r IN EXECUTE 'SELECT * FROM things WHERE a = $1' USING 1 LOOP NULL; END LOOP; END`, 0},
		"a query that is returned":              {`BEGIN RETURN QUERY EXECUTE 'SELECT a FROM things'; END`, 0},
		"a cursor":                              {`DECLARE c refcursor; BEGIN OPEN c FOR EXECUTE 'SELECT a FROM things'; END`, 0},
		"a variable":                            {`DECLARE q text; BEGIN q := 'INSERT INTO ' || quote_ident(TG_TABLE_NAME || '_log') || ' VALUES ($1.*)'; EXECUTE q USING new; RETURN new; END`, relations},
		"a variable with one of two texts":      {`DECLARE q text; BEGIN IF TG_OP = 'DELETE' THEN q = 'DELETE FROM a'; ELSE q := 'INSERT INTO a VALUES (1)'; END IF; EXECUTE q; RETURN new; END`, 0},
		"a variable of a variable":              {`DECLARE t text := quote_ident('x' || TG_ARGV[0]); q text DEFAULT format('SELECT 1 FROM %s', t); BEGIN EXECUTE q; END`, relations},
		"what an operation is called":           {`BEGIN EXECUTE format('INSERT INTO log (%s) VALUES (1)', lower(TG_OP)); END`, -1},
		"an operation":                          {`BEGIN EXECUTE 'INSERT INTO log_' || TG_OP || ' VALUES (1)'; RETURN new; END`, relations},
		"two statements":                        {`BEGIN EXECUTE 'DELETE FROM a; INSERT INTO a VALUES (1)'; END`, 0},
		"words in a comment":                    {`BEGIN /* create */ RETURN new; -- execute it, then drop it` + "\n END", 0},
		"a word in what is raised":              {`BEGIN RAISE EXCEPTION 'cannot drop % here', TG_TABLE_NAME; END`, 0},
		"a temporary table beside it":           {`BEGIN CREATE TEMP TABLE x (a int) ON COMMIT DROP; EXECUTE 'SELECT 1'; DROP TABLE x; END`, 0},
		"a table":                               {`BEGIN EXECUTE 'CREATE TABLE fixed (a int)'; END`, -1},
		"a table of a query":                    {`BEGIN EXECUTE 'SELECT 1 AS a INTO kept'; END`, -1},
		"a table beside it":                     {`BEGIN CREATE TABLE x (a int); EXECUTE 'SELECT 1'; END`, -1},
		"a view that is dropped":                {`BEGIN EXECUTE 'DROP VIEW v'; END`, -1},
		"a table that is dropped":               {`BEGIN EXECUTE 'DROP TAB' || 'LE v'; END`, -1},
		"a second statement":                    {`BEGIN EXECUTE 'DELETE FROM a; ALTER TABLE a ADD b int'; END`, -1},
		"a block":                               {`BEGIN EXECUTE 'DO $x$ BEGIN PERFORM run(); END $x$'; END`, -1},
		"a prepared statement":                  {`BEGIN EXECUTE 'EXECUTE p'; END`, -1},
		"triggers that were put off":            {`BEGIN EXECUTE 'SET CONSTRAINTS ALL IMMEDIATE'; END`, -1},
		"a program":                             {`BEGIN EXECUTE 'COPY a FROM PROGRAM ''x'''; END`, -1},
		"an argument":                           {`BEGIN EXECUTE q; END`, -1},
		"$1":                                    {`BEGIN EXECUTE $1; END`, -1},
		"a column":                              {`BEGIN EXECUTE new.job; RETURN new; END`, -1},
		"a value with no quotes":                {`BEGIN EXECUTE format('INSERT INTO a VALUES (%s)', new.id); RETURN new; END`, -1},
		"a value with quotes of the text's":     {`BEGIN EXECUTE 'INSERT INTO a VALUES (''' || new.id || ''')'; RETURN new; END`, -1},
		"a quoted value in quotes":              {`BEGIN EXECUTE format('INSERT INTO a VALUES (''%L'')', new.id); RETURN new; END`, -1},
		"a quoted name in quotes":               {`BEGIN EXECUTE format('INSERT INTO "%I" VALUES (1)', t); RETURN new; END`, -1},
		"a quoted name that is a part of one":   {`BEGIN EXECUTE format('INSERT INTO audit_%I VALUES (1)', TG_TABLE_NAME); RETURN new; END`, -1},
		"a value in a comment":                  {`BEGIN EXECUTE format('SELECT 1 /* %L */', v); END`, -1},
		"a value in dollars":                    {`BEGIN EXECUTE format('SELECT $a$ %L $a$', v); END`, -1},
		"a value with a letter before it":       {`BEGIN EXECUTE format('SELECT E%L', v); END`, -1},
		"a word with a quote behind it":         {`BEGIN EXECUTE 'SELECT ' || TG_TABLE_NAME || '''a'''; END`, -1},
		"the name of a trigger":                 {`BEGIN EXECUTE 'INSERT INTO ' || TG_NAME || ' VALUES (1)'; RETURN new; END`, -1},
		"an argument of a trigger":              {`BEGIN EXECUTE 'INSERT INTO ' || TG_ARGV[0] || ' VALUES (1)'; RETURN new; END`, -1},
		"a width":                               {`BEGIN EXECUTE format('SELECT %-10s', TG_TABLE_NAME); RETURN new; END`, -1},
		"arguments as an array":                 {`BEGIN EXECUTE format('SELECT %s', VARIADIC a); END`, -1},
		"a subquery":                            {`BEGIN EXECUTE (SELECT job FROM jobs); END`, -1},
		"a query":                               {`BEGIN EXECUTE 'SELECT 1' || TG_TABLE_NAME FROM (SELECT 'x' AS tg_table_name) x; END`, -1},
		"a variable called so":                  {`DECLARE tg_table_name text := 'a; DROP VIEW v'; BEGIN EXECUTE 'DELETE FROM ' || tg_table_name; END`, -1},
		"another name for a variable called so": {`DECLARE x ALIAS FOR tg_table_name; BEGIN x := 'a; DROP VIEW v'; EXECUTE 'DELETE FROM ' || tg_table_name; END`, -1},
		"what is assigned to it":                {`BEGIN tg_table_name := 'a; DROP VIEW v'; EXECUTE 'DELETE FROM ' || tg_table_name; END`, -1},
		"a query that is put into it":           {`BEGIN SELECT job INTO tg_table_name FROM jobs; EXECUTE 'DELETE FROM ' || tg_table_name; END`, -1},
		"a variable that a query fills":         {`DECLARE q text := 'SELECT 1'; BEGIN SELECT job INTO q FROM jobs; EXECUTE q; END`, -1},
		"a variable that a loop fills":          {`DECLARE q text := 'SELECT 1'; BEGIN FOR q IN SELECT job FROM jobs LOOP EXECUTE q; END LOOP; END`, -1},
		"a variable that an array fills":        {`DECLARE q text := 'SELECT 1'; BEGIN FOREACH q IN ARRAY jobs LOOP EXECUTE q; END LOOP; END`, -1},
		"a variable that a text fills":          {`DECLARE q text := 'SELECT 1'; BEGIN EXECUTE 'SELECT job FROM jobs' INTO q; EXECUTE q; END`, -1},
		"a variable that a cursor fills":        {`DECLARE q text := 'SELECT 1'; BEGIN FETCH c INTO q; EXECUTE q; END`, -1},
		"a variable that diagnostics fill":      {`DECLARE q text := 'SELECT 1'; BEGIN GET STACKED DIAGNOSTICS q = MESSAGE_TEXT; EXECUTE q; END`, -1},
		"a variable that a procedure fills":     {`DECLARE q text := 'SELECT 1'; BEGIN CALL fill(q); EXECUTE q; END`, -1},
		"a variable by its label":               {`<<b>> DECLARE q text := 'SELECT 1'; BEGIN b.q := job; EXECUTE q; END`, -1},
		"a variable in two blocks":              {`DECLARE q text := job; BEGIN DECLARE q text := 'SELECT 1'; BEGIN NULL; END; EXECUTE q; END`, -1},
		"a variable called like an argument":    {`BEGIN DECLARE arg text := 'SELECT 1'; BEGIN NULL; END; EXECUTE arg; END`, -1},
		"a variable that cuts its text":         {`DECLARE q name := 'SELECT 1'; BEGIN EXECUTE q; END`, -1},
		"a variable that grows":                 {`DECLARE q text := 'SELECT 1'; BEGIN q := q || job; EXECUTE q; END`, -1},
		"a variable with an alias":              {`DECLARE q text := 'SELECT 1'; r ALIAS FOR q; BEGIN r := job; EXECUTE q; END`, -1},
		"a string with a backslash":             {`BEGIN EXECUTE E'SELECT \x72un()'; END`, -1},
		"a name that is spelt otherwise":        {`BEGIN EXECUTE 'SELECT U&"!0072un"() UESCAPE ''!'''; END`, -1},
		"a query in a string":                   {`BEGIN EXECUTE 'SELECT query_to_xml(''SELECT r'' || ''un()'', true, true, '''')'; END`, -1},
		"a query in a string beside it":         {`BEGIN PERFORM ts_rewrite(a, b); EXECUTE 'SELECT 1'; END`, -1},
		"what is no PL/pgSQL":                   {`BEGIN EXECUTE 'SELECT 1' END`, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := dynamic.Body{Source: tc.body, Args: []string{"arg"}, Trigger: true}
			got := -1
			if cleared, ok := b.Clear(); ok {
				got = 0
				for bit, is := range map[int]bool{relations: len(cleared.Reach.Relations) > 0, attributes: cleared.Reach.Attributes, anything: cleared.Reach.Anything} {
					if is {
						got |= bit
					}
				}
			}
			if got != tc.want {
				t.Errorf("%s\nis taken for %d instead of %d", tc.body, got, tc.want)
			}
		})
	}
}

func TestTheTextsOfAClearedBodyAreWhole(t *testing.T) {
	t.Parallel()
	b := dynamic.Body{Source: `DECLARE q text := 'SELECT r' || 'un(' || quote_literal(a) || ')'; BEGIN EXECUTE q; EXECUTE format('SELECT %1$I FROM %s', c, 'a' || 'b'); END`}
	got, ok := b.Clear()
	if want := []string{"SELECT run('?')", `SELECT "?" FROM ab`}; !ok || !cmp.Equal(got.Texts, want) {
		t.Errorf("%q instead of %q", got.Texts, want)
	}
}

func TestOfAComputedNameItsConstantPartsAreKnown(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`format('INSERT INTO audit_%s VALUES (1)', TG_TABLE_NAME)`:                      "audit_?",
		`format('INSERT INTO %I.%I VALUES (1)', TG_TABLE_SCHEMA, 'audit_' || new.x)`:    "audit_?",
		`format('INSERT INTO %2$I VALUES (%1$L)', a, TG_TABLE_NAME || '_log'::text)`:    "?_log",
		`'DELETE FROM a.' || quote_ident('log_' || TG_TABLE_NAME || '_' || year)`:       "log_?_?",
		`format('INSERT INTO %I VALUES (1)', of)`:                                       "audit_?",
		`format('INSERT INTO %I VALUES (1)', of_two)`:                                   "?",
		`format('INSERT INTO %I VALUES (1)', around)`:                                   "?",
		`'DELETE FROM ' || quote_ident('a b' || year)`:                                  "??",
		`'DELETE FROM ' || quote_ident('a"b' || year)`:                                  "??",
		`'DELETE FROM ' || quote_ident(lower('log_' || TG_TABLE_NAME))`:                 "?",
		`'DELETE FROM ' || TG_RELID::regclass`:                                          "?",
		`'DELETE FROM ' || TG_TABLE_SCHEMA || '_old.' || TG_TABLE_NAME || '_' || TG_OP`: "?_?",
	} {
		b := dynamic.Body{Source: `DECLARE of text := 'audit_' || TG_TABLE_NAME; of_two text := 'a_' || year; around text;
			BEGIN of_two := 'b_' || year; around := around; EXECUTE ` + text + "; RETURN new; END", Trigger: true}
		got, ok := b.Clear()
		if !ok || !cmp.Equal(got.Reach, dynamic.Reach{Relations: []string{want}}) {
			t.Errorf("%s: %+v instead of %q", text, got.Reach, want)
		}
	}
}

func TestWordsAreNoHolesWhereTheyMayBeAnything(t *testing.T) {
	t.Parallel()
	b := dynamic.Body{Source: `BEGIN EXECUTE 'DELETE FROM ' || tg_table_name; END`}
	if _, ok := b.Clear(); ok {
		t.Error("it is cleared, though it is no trigger, or is that of a table with any name")
	}
}

func TestABodyOfVariablesThatStandForOneAnotherIsReadAtOnce(t *testing.T) {
	t.Parallel()
	body := "DECLARE v0 text := ''; "
	for i := range 9 {
		body += fmt.Sprintf("v%d text := v%d%s; ", i+1, i, strings.Repeat(fmt.Sprintf(" || v%d", i), 9))
	}
	for _, text := range []string{"v9", "'DELETE FROM ' || quote_ident(v9)"} {
		began := time.Now()
		b := dynamic.Body{Source: body + "BEGIN EXECUTE " + text + "; END"}
		b.Clear()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: %v", text, took)
		}
	}
}
