package prefilter

import (
	"strings"
	"testing"
)

func filterFor(identifiers ...string) *Filter { return New(identifiers, nil) }

func TestTheFilterFindsWhateverCanConcernATable(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		identifier string
		sql        string
		want       Hit
	}{
		"a bare name":                                {"individual", "SELECT * FROM individual", Names},
		"a name at an odd offset":                    {"individual", "SELECT * FROM  individual", Names},
		"a name as the whole text":                   {"individual", "individual", Names},
		"a name in upper case":                       {"individual", "SELECT * FROM INDIVIDUAL i", Names},
		"a name in quotes":                           {"individual", `SELECT * FROM "individual"`, Names},
		"a name in a string":                         {"individual", `SELECT 'individual'::regclass`, Names},
		"a name in a comment":                        {"individual", `SELECT 1 -- individual`, Names},
		"a name after a dot":                         {"individual", `SELECT * FROM public.individual`, Names},
		"a name between dollar signs":                {"individual", `DO $x$SELECT 1 FROM individual$x$`, Names},
		"a name right after a number":                {"individual", `SELECT 1 WHERE 1=1or 2=2individual`, Names},
		"a name within a longer one":                 {"individual", `SELECT * FROM individuals`, Miss},
		"a name at the end of a longer one":          {"individual", `SELECT * FROM my_individual`, Miss},
		"a name joined to a letter beyond ASCII":     {"individual", `SELECT * FROM éindividual`, Miss},
		"a part of a name":                           {"individual", `SELECT * FROM individua`, Miss},
		"a name of one letter":                       {"t", `SELECT * FROM t`, Names},
		"a name of one letter within a word":         {"t", `SELECT 1 AS xt`, Miss},
		"a name of three letters at the end":         {"abc", `SELECT * FROM ABC`, Names},
		"a name of four letters at the end":          {"abcd", `SELECT  * FROM abcd`, Names},
		"a name of four letters at the odd end":      {"abcd", `SELECT * FROM abcd`, Names},
		"a name of several words":                    {"line item", `SELECT * FROM "Line Item"`, Names},
		"a name of several words is not split":       {"line item", `SELECT line, item`, Miss},
		"a name with a letter beyond ASCII":          {"größe", `SELECT * FROM größe`, Names},
		"the same in another encoding":               {"größe", "SELECT * FROM gr\xf6\xdfe", Names},
		"the same in upper case":                     {"größe", `SELECT * FROM "GRÖSSE"`, Names},
		"a name without ASCII letters":               {"表", `SELECT * FROM 表`, Names},
		"the same in an encoding that we don't know": {"表", "SELECT * FROM \x95\x5c", Names},
		"a text in ASCII has no such name":           {"表", `SELECT * FROM t`, Miss},
		"a name with a quote in it":                  {`say "hello"`, `SELECT * FROM "say ""hello"""`, Names},
		"a name with an apostrophe in a string":      {`o'brien's`, `SELECT '"o''brien''s"'::regclass`, Names},
		"a name of quotes alone":                     {`""`, `SELECT 1`, Names},
		"a name that Postgres cuts": {strings.Repeat("x", 63),
			"SELECT * FROM " + strings.Repeat("X", 80), Names},
		"Unicode escapes in an identifier":       {"individual", `SELECT * FROM U&"\0069ndividual"`, Names},
		"Unicode escapes with a small letter":    {"individual", `SELECT * FROM u&"\0069ndividual"`, Names},
		"Unicode escapes in a string":            {"individual", `SELECT U&'\0069ndividual'::regclass`, Names},
		"an ampersand that is an operator":       {"individual", `SELECT a & b, x&y FROM t`, Miss},
		"nothing at all":                         {"individual", ``, Miss},
		"a short text":                           {"individual", `;`, Miss},
		"a text without it":                      {"individual", `SELECT a, b FROM t WHERE c = $1 ORDER BY d`, Miss},
		"the version setting":                    {"individual", `SET segue.version = 'x'`, Names},
		"a word that only begins like a setting": {"individual", `SELECT segued FROM t`, Miss},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := filterFor(tc.identifier).Match([]byte(tc.sql), false); got != tc.want {
				t.Errorf("Match(%q) for %q = %v, want %v", tc.sql, tc.identifier, got, tc.want)
			}
		})
	}
}

func TestTheFilterFindsWordsThatChangeTheSession(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sql  string
		want Hit
	}{
		"SET search_path":                       {`SET search_path TO a, b`, StateWords},
		"SET LOCAL search_path":                 {`set local Search_Path = a`, StateWords},
		"set_config":                            {`SELECT pg_catalog.set_config('search' || '_path', '', false)`, StateWords},
		"RESET ALL":                             {`RESET ALL`, StateWords},
		"DISCARD ALL":                           {`DISCARD ALL`, StateWords},
		"CREATE TEMP TABLE":                     {`CREATE TEMP TABLE t (a int)`, StateWords},
		"DROP TABLE":                            {`DROP TABLE t`, StateWords},
		"SELECT INTO":                           {`SELECT a INTO b FROM c`, StateWords},
		"IMPORT FOREIGN SCHEMA":                 {`IMPORT FOREIGN SCHEMA s FROM SERVER x INTO public`, Names},
		"IMPORT FOREIGN SCHEMA and a comment":   {`IMPORT /* all */ FOREIGN SCHEMA s FROM SERVER x INTO public`, Names},
		"a column that is called import":        {`SELECT import FROM t`, StateWords},
		"INSERT INTO":                           {`INSERT INTO b VALUES (1)`, Miss},
		"INSERT INTO on two lines":              {"INSERT\n  INTO b VALUES (1)", Miss},
		"MERGE INTO":                            {`MERGE INTO b USING c ON d`, Miss},
		"SET ROLE":                              {`SET ROLE bob`, StateWords},
		"SET ROLE after a statement":            {`SELECT 1; SET ROLE bob`, StateWords},
		"SET ROLE after a comment":              {"-- who\nSET ROLE bob", StateWords},
		"SET ROLE around a comment":             {"SET /* x */ ROLE bob", StateWords},
		"SET ROLE around a line comment":        {"SET -- x\nROLE bob", StateWords},
		"SET LOCAL ROLE":                        {`SET LOCAL ROLE bob`, StateWords},
		"SET ROLE in a block":                   {`DO $$BEGIN SET ROLE bob; END$$`, StateWords},
		"a column that is called role":          {`UPDATE users SET role = 'x' WHERE role = 'y'`, Miss},
		"the same with a quoted table":          {`UPDATE "users" SET role = 'x'`, Miss},
		"a second column called role":           {`UPDATE users SET a = 1, role = 'x'`, Miss},
		"the same in ON CONFLICT":               {`INSERT INTO u VALUES (1) ON CONFLICT (a) DO UPDATE SET role = 'x'`, Miss},
		"a column that is called names":         {`SELECT names FROM t`, Miss},
		"SET NAMES":                             {`SET NAMES 'latin1'`, StateWords},
		"SET SCHEMA":                            {`SET SCHEMA 'x'`, StateWords},
		"SET SESSION AUTHORIZATION":             {`SET SESSION AUTHORIZATION bob`, StateWords},
		"standard_conforming_strings":           {`SET standard_conforming_strings = off`, StateWords},
		"client_encoding":                       {`SET client_encoding = LATIN1`, StateWords},
		"ROLLBACK TO":                           {`ROLLBACK TO a`, StateWords},
		"ROLLBACK TRANSACTION TO SAVEPOINT":     {`rollback transaction to savepoint a`, StateWords},
		"ROLLBACK with a comment":               {`ROLLBACK /* x */ TO a`, StateWords},
		"ROLLBACK":                              {`ROLLBACK`, Miss},
		"ROLLBACK and a semicolon":              {`ROLLBACK WORK;`, Miss},
		"ROLLBACK AND CHAIN":                    {`ROLLBACK AND CHAIN`, Miss},
		"ROLLBACK PREPARED":                     {`ROLLBACK PREPARED 'x'`, Miss},
		"other settings":                        {`SET LOCAL statement_timeout = 100`, Miss},
		"an isolation level":                    {`SET TRANSACTION ISOLATION LEVEL SERIALIZABLE`, Miss},
		"a transaction":                         {`BEGIN; SELECT 1; COMMIT`, Miss},
		"EXECUTE when nothing is prepared":      {`EXECUTE a(1)`, Miss},
		"DEALLOCATE when nothing is prepared":   {`DEALLOCATE a`, Miss},
		"state in one statement, names in next": {`SET search_path = a; SELECT * FROM individual`, Names},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := filterFor("individual").Match([]byte(tc.sql), false); got != tc.want {
				t.Errorf("Match(%q) = %v, want %v", tc.sql, got, tc.want)
			}
		})
	}
}

func TestStatementsMadeByPrepareMatterOnceThereAreAny(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{`EXECUTE a(1)`, `explain analyze execute a`, `DEALLOCATE ALL`, `PREPARE b AS SELECT 1`, `DISCARD ALL`} {
		if got := filterFor("individual").Match([]byte(sql), true); got != Names {
			t.Errorf("Match(%q) = %v, want Names", sql, got)
		}
	}
}

func TestTheFilterAgreesWithAPlainSearchAtEveryOffset(t *testing.T) {
	t.Parallel()
	b := filterFor("individual", "ab", "größe", "last_name")
	for _, identifier := range []string{"individual", "AB", "größe", "Last_Name"} {
		for pad := range 9 {
			for tail := range 5 {
				sql := strings.Repeat(" ", pad) + identifier + strings.Repeat(" ", tail)
				if got := b.Match([]byte(sql), false); got != Names {
					t.Errorf("Match(%q) = %v", sql, got)
				}
			}
		}
	}
}

func TestTheFilterDoesNotAllocate(t *testing.T) {
	b := filterFor("individual", "größe", "line item", "t")
	sql := []byte(`UPDATE users SET role = 'x' WHERE a = 1; ROLLBACK; INSERT INTO a VALUES ('line'); INDIVIDUALS`)
	if n := testing.AllocsPerRun(100, func() { b.Match(sql, false) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
