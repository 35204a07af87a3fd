package rules_test

import (
	"errors"
	"testing"

	"github.com/seguedb/segue/rules"
)

const shop = `
	CREATE TABLE individual (id bigint PRIMARY KEY, first_name text, last_name text);
	CREATE TABLE "LineItem" (id int, "Qty" int, qty int);
	CREATE SCHEMA crm;
	CREATE TABLE crm.contact (id int, name text);
	CREATE VIEW v AS SELECT * FROM individual;
	CREATE MATERIALIZED VIEW mv AS SELECT * FROM individual;
	CREATE SEQUENCE sq;
	CREATE TYPE mood AS ENUM ('ok');
	CREATE TYPE pair AS (a int, b int);
	CREATE TABLE typed OF pair;
	CREATE TABLE part (id int, at date) PARTITION BY RANGE (at);
	CREATE TABLE part_old PARTITION OF part FOR VALUES FROM ('2000-01-01') TO ('2020-01-01') PARTITION BY RANGE (at);
	CREATE TABLE part_2000 PARTITION OF part_old FOR VALUES FROM ('2000-01-01') TO ('2001-01-01');
	CREATE TABLE pa (x int, only_a int); CREATE TABLE pb (x int); CREATE TABLE pc (own int) INHERITS (pa, pb);
	CREATE TABLE child (surname text) INHERITS (individual);
	CREATE FUNCTION full_name(individual) RETURNS text LANGUAGE sql AS $$ SELECT $1.first_name $$;
	CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
	CREATE FOREIGN TABLE ft (a int) SERVER s;
	CREATE TABLE fparent (a int); CREATE FOREIGN TABLE fchild () INHERITS (fparent) SERVER s;
	CREATE SCHEMA segue; CREATE TABLE segue.migration (id int)`

func TestValidateAnswersWhatDoesNotFitTheDatabase(t *testing.T) {
	t.Parallel()
	cat := load(t, database(t, shop))
	for name, c := range map[string]struct {
		ops  []string
		want string // of the error, with … for what is not compared; "" when it is valid
	}{
		"a column":                               {[]string{"public.individual.last_name > family_name"}, ""},
		"a table":                                {[]string{"public.individual > person"}, ""},
		"both, in the new table's name":          {[]string{"public.individual > person", "public.person.last_name > family_name"}, ""},
		"both, in the old table's name":          {[]string{"public.individual > person", "public.individual.last_name > family_name"}, "x.yaml:4: operations[1].rename_column.table: there is no table public.individual (it has been renamed to public.person by then)"},
		"a column twice":                         {[]string{"public.individual.last_name > a", "public.individual.a > b"}, ""},
		"a column that has been renamed":         {[]string{"public.individual.last_name > a", "public.individual.last_name > b"}, "x.yaml:4: operations[1].rename_column.from: table public.individual has no column last_name (it has been renamed to a by then)"},
		"a quoted table":                         {[]string{`public."LineItem" > item`}, ""},
		"a quoted column":                        {[]string{`public."LineItem"."Qty" > quantity`}, ""},
		"a partition":                            {[]string{"public.part_2000 > part_millennium"}, ""},
		"the top of partitions":                  {[]string{"public.part.at > day"}, ""},
		"a child's own column":                   {[]string{"public.pc.own > mine"}, ""},
		"an unknown table":                       {[]string{"public.indivdual > person"}, "x.yaml:3: operations[0].rename_table.from: there is no table public.indivdual (did you mean public.individual?)"},
		"a table in another schema":              {[]string{"public.contact.name > n"}, "…there is no table public.contact (did you mean crm.contact?)"},
		"a table without its capitals":           {[]string{"public.LineItem > item"}, `…there is no table public.lineitem (did you mean public."LineItem"? Capitals need double quotes inside the value, as in 'public."LineItem"')`},
		"an unknown column":                      {[]string{"public.individual.lastname > surname"}, "x.yaml:3: operations[0].rename_column.from: table public.individual has no column lastname (did you mean last_name?)"},
		"a column like none":                     {[]string{"public.individual.zzzzzz > surname"}, "…table public.individual has no column zzzzzz"},
		"a system column":                        {[]string{"public.individual.ctid > c"}, "…from: ctid is a system column"},
		"a system column's name":                 {[]string{"public.individual.id > xmin"}, "…to: xmin is the name of a system column…"},
		"a column's own name":                    {[]string{"public.individual.id > id"}, "…to: the new name is the old one"},
		"a table's own name":                     {[]string{"public.individual > individual"}, "…to: the new name is the old one"},
		"a taken column":                         {[]string{"public.individual.last_name > first_name"}, "…to: the name first_name is taken in public.individual: it has that column (no name…"},
		"a name taken in a child":                {[]string{"public.individual.last_name > surname"}, "…to: the name surname is taken in public.child: it has that column…"},
		"the name of a function over the row":    {[]string{"public.individual.last_name > full_name"}, "…to: the function public.full_name takes a row of public.individual…"},
		"a swap":                                 {[]string{"public.individual.first_name > tmp", "public.individual.last_name > first_name"}, "x.yaml:4: …to: the name first_name is taken in public.individual…"},
		"there and back":                         {[]string{"public.individual.first_name > tmp", "public.individual.tmp > first_name"}, "…to: the name first_name is taken in public.individual…"},
		"a swap of tables":                       {[]string{"public.pa > tmp", "public.pb > pa"}, "…to: the name public.pa is taken: it is a table…"},
		"a taken table":                          {[]string{"public.pa > part"}, "…to: the name public.part is taken: it is a table…"},
		"a taken view":                           {[]string{"public.pa > v"}, "…taken: it is a view…"},
		"a taken index":                          {[]string{"public.pa > individual_pkey"}, "…taken: it is an index…"},
		"a taken sequence":                       {[]string{"public.pa > sq"}, "…taken: it is a sequence…"},
		"a taken type":                           {[]string{"public.pa > mood"}, "…taken: it is a type…"},
		"a taken composite type":                 {[]string{"public.pa > pair"}, "…taken: it is a composite type…"},
		"an array type's name":                   {[]string{"public.pa > _mood"}, ""},
		"the same name in another schema":        {[]string{"public.pa > contact"}, ""},
		"a view":                                 {[]string{"public.v > w"}, "…from: public.v is a view; only tables can be renamed under live traffic"},
		"a column of a view":                     {[]string{"public.v.id > x"}, "…table: public.v is a view…"},
		"a materialized view":                    {[]string{"public.mv > w"}, "…is a materialized view…"},
		"a sequence":                             {[]string{"public.sq > w"}, "…is a sequence…"},
		"an index":                               {[]string{"public.individual_pkey > w"}, "…is an index…"},
		"a type":                                 {[]string{"public.pair.a > w"}, "…is a composite type…"},
		"a foreign table":                        {[]string{"public.ft.a > w"}, "…is a foreign table…"},
		"a foreign child":                        {[]string{"public.fparent.a > w"}, "…table: public.fchild, a child of public.fparent, is a foreign table…"},
		"a table with a foreign child, by name":  {[]string{"public.fparent > w"}, ""},
		"a typed table's column":                 {[]string{"public.typed.a > w"}, "…is a typed table…"},
		"a partition's column":                   {[]string{"public.part_2000.at > day"}, "…table: column at of public.part_2000 is inherited (rename it in public.part; the change reaches all partitions and children)"},
		"a partition's column, its parent moved": {[]string{"public.part > slices", "public.part_old.at > day"}, "…rename it in public.slices;…"},
		"a column of two parents":                {[]string{"public.pc.x > w"}, "…is inherited from several tables…"},
		"a column of one of two parents":         {[]string{"public.pa.x > w"}, "…public.pc inherits column x from a table outside of public.pa's children too…"},
		"another column of such a parent":        {[]string{"public.pa.only_a > w"}, ""},
		"a table of the system":                  {[]string{"pg_catalog.pg_class > w"}, "…pg_catalog.pg_class is in a schema of the system"},
		"a view of the system":                   {[]string{"information_schema.tables > w"}, "…is in a schema of the system"},
		"a table of Segue":                       {[]string{"segue.migration.id > w"}, "…schema segue belongs to Segue itself"},
		"a reserved name":                        {[]string{"public.pa > _segue_pa"}, "…to: names that begin with _segue_ are reserved…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, rules.Validate(parse(t, "x", c.ops...), nil, cat), c.want)
		})
	}
}

func TestValidateSpeaksOfWhatEarlierMigrationsLeave(t *testing.T) {
	t.Parallel()
	conn := database(t, `CREATE TABLE t (a int, x int); CREATE TABLE u (b int)`)
	cat := load(t, conn)
	active := stored(t, 1, rules.Active, "one", "public.t > t1", "public.t1.a > b")
	draft := stored(t, 2, rules.Draft, "two", "public.t1.b > c")
	all := []*rules.Migration{draft, active}
	for name, c := range map[string]struct {
		stored []*rules.Migration
		op     string
		want   string
	}{
		"the new names":                          {all, "public.t1.b > d", ""},
		"the names of a draft":                   {all, "public.t1.c > d", ""},
		"a draft alone does not take a name":     {all, "public.t1.x > c", ""},
		"the old table":                          {all, "public.t.b > d", "…there is no table public.t (it has been renamed to public.t1 by then)"},
		"the old column":                         {all, "public.t1.a > d", "…no column a (it has been renamed to c by then)"},
		"the old column, no drafts":              {all[1:], "public.t1.a > d", "…no column a (it has been renamed to b by then)"},
		"a column's name that the base uses":     {all, "public.t1.x > a", "…to: the name a is taken in public.t1: …"},
		"a table's name that the base uses":      {all, "public.u > t", "…to: the name public.t is taken: …"},
		"a table's name that a version uses":     {all, "public.u > t1", "…to: the name public.t1 is taken: …"},
		"a rolled-back migration takes no names": {[]*rules.Migration{stored(t, 1, rules.RolledBack, "one", "public.t > t1")}, "public.u > t1", ""},
		"a draft in the way is no contradiction": {[]*rules.Migration{stored(t, 1, rules.Draft, "one", "public.gone > t1")}, "public.u > t1", ""},
	} {
		check(t, rules.Validate(parse(t, "x", c.op), c.stored, cat), c.want, name)
	}
	exec(t, conn, rules.DDL(active, rules.Forward)...)
	active.Phase = rules.Cutover
	cat = load(t, conn)
	check(t, rules.Validate(parse(t, "x", "public.t1.b > d"), all, cat), "")
	check(t, rules.Validate(parse(t, "x", "public.t1.x > a"), all, cat), "…to: the name a is taken in public.t1: a live version uses it for a column…")
	check(t, rules.Validate(parse(t, "x", "public.u > t"), all, cat), "…to: the name public.t is taken: a live version uses it for a table…")
	check(t, rules.Validate(parse(t, "one", "public.t1 > t2"), []*rules.Migration{stored(t, 1, rules.Cutover, "other", "public.t > t9")}, cat), "the database contradicts migration \"other\"…")
}

func TestActivationChecksOnceMoreAgainstWhatIsLive(t *testing.T) {
	t.Parallel()
	cat := load(t, database(t, `CREATE TABLE t (a int, x int)`))
	one := stored(t, 1, rules.Draft, "one", "public.t.a > b")
	two := stored(t, 2, rules.Draft, "two", "public.t.b > c")
	rival := stored(t, 3, rules.Draft, "rival", "public.t.x > b")
	all := []*rules.Migration{one, two, rival}
	for _, m := range []*rules.Migration{one, two, rival} {
		check(t, rules.Validate(m, all, cat), "", m.ID)
	}
	check(t, rules.CanActivate(one, all, cat), "")
	check(t, rules.CanActivate(rival, all, cat), "")
	err := rules.CanActivate(two, all, cat)
	check(t, err, `migration "two" speaks of what draft "one" leaves (activate "one" first)`)
	if order := (*rules.OrderError)(nil); !errors.As(err, &order) || order.Other != "one" {
		t.Errorf("%#v does not name the other migration", err)
	}
	one.Phase = rules.Active
	check(t, rules.CanActivate(two, all, cat), "")
	check(t, rules.CanActivate(rival, all, cat), "…the name b is taken in public.t…")
}

// check compares an error with a pattern in which … stands for anything; "" means that there is none.
func check(t *testing.T, err error, want string, name ...string) {
	t.Helper()
	switch {
	case err == nil && want == "":
	case err == nil:
		t.Errorf("%v: no error, want %s", name, want)
	case want == "" || !matches(err.Error(), want):
		t.Errorf("%v\ngot  %v\nwant %s", name, err, want)
	}
}
