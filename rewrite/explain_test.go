package rewrite

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// planSession is a session for which the table person, with the column surname, is individual, with last_name, and
// public.twin is "Double". Another schema has a twin, too.
func planSession(path ...string) (*Binder, *Session) {
	person, other := testRelation(1, "person", "id", "surname"), testRelation(2, "twin", "id", "surname")
	elsewhere := testRelation(3, "twin", "id", "surname")
	elsewhere.Schema = "other"
	lenses := []*rules.TableLens{
		{OID: 1, Schema: "public", Logical: "individual", Physical: "person", Columns: []rules.ColumnLens{
			{Logical: "id", Physical: "id", Num: 1}, {Logical: "last_name", Physical: "surname", Num: 2}}},
		{OID: 2, Schema: "public", Logical: "Double", Physical: "twin", Columns: []rules.ColumnLens{
			{Logical: "id", Physical: "id", Num: 1}, {Logical: "last_name", Physical: "surname", Num: 2}}},
	}
	binder := NewBinder(&rules.Snapshot{
		Migrations: []*rules.Migration{{ID: "v", Phase: rules.Active}},
		Lenses:     map[string]*rules.Lens{"v": rules.NewLens("v", lenses)},
		Catalog:    catalog.New(150000, []*catalog.Relation{person, other, elsewhere, testRelation(4, "pets", "id", "owner")}, nil, nil),
	}, Options{MatchAll: true})
	return binder, &Session{Version: "v", StandardStrings: true, SearchPath: append(path, "pg_catalog", "public"),
		Overlay: map[rules.Name]*catalog.Relation{}}
}

func TestPlansAreMapped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, sql, plan, want string }{
		{"a table that has the name of the client's alias",
			"EXPLAIN SELECT * FROM individual AS person", "Seq Scan on person\n  Filter: (surname = 'surname'::text)",
			"Seq Scan on individual person\n  Filter: (last_name = 'surname'::text)"},
		{"a table without an alias in a view",
			"EXPLAIN SELECT * FROM pets", "Sort\n  Sort Key: person.surname\n  ->  Seq Scan on person",
			"Sort\n  Sort Key: individual.last_name\n  ->  Seq Scan on individual"},
		{"a name that two schemas have, in a view: who knows",
			"EXPLAIN SELECT * FROM pets", "Seq Scan on twin\n  Filter: (surname = 'a'::text)", "Seq Scan on twin\n  Filter: (surname = 'a'::text)"},
		{"the same with the schema",
			"EXPLAIN VERBOSE SELECT * FROM pets", "Seq Scan on public.twin\n  Filter: (twin.surname = 'a'::text)",
			"Seq Scan on public.\"Double\"\n  Filter: (\"Double\".last_name = 'a'::text)"},
		{"the other with the schema",
			"EXPLAIN VERBOSE SELECT * FROM pets", "Seq Scan on other.twin\n  Filter: (twin.surname = 'a'::text)",
			"Seq Scan on other.twin\n  Filter: (twin.surname = 'a'::text)"},
		{"a name that two schemas have, which the statement uses",
			"EXPLAIN SELECT * FROM \"Double\" d", "Seq Scan on twin d\n  Filter: (surname = 'a'::text)",
			"Seq Scan on \"Double\" d\n  Filter: (last_name = 'a'::text)"},
		{"column aliases of the statement, one of which the database calls another column by",
			"EXPLAIN SELECT * FROM individual AS i (x), pets", "Nested Loop\n  ->  Seq Scan on person i\n        Filter: (x < surname)\n  ->  Seq Scan on pets",
			"Nested Loop\n  ->  Seq Scan on individual i\n        Filter: (x < last_name)\n  ->  Seq Scan on pets"},
		{"names that are quoted always",
			"EXPLAIN SELECT * FROM individual", "Seq Scan on \"person\" \"individual\"\n  Filter: (\"surname\" = 'a'::\"text\")",
			"Seq Scan on \"individual\"\n  Filter: (\"last_name\" = 'a'::\"text\")"},
		{"what looks like a column and is none",
			"EXPLAIN SELECT * FROM individual", "Seq Scan on person individual\n  Filter: (surname(surname) COLLATE surname = ('x'::surname)::person AND EXTRACT(surname FROM surname) AND f(surname => surname) AND ((surname).surname = 1) AND (hashed SubPlan 1))",
			"Seq Scan on individual\n  Filter: (surname(last_name) COLLATE surname = ('x'::surname)::individual AND EXTRACT(surname FROM last_name) AND f(surname => last_name) AND ((last_name).surname = 1) AND (hashed SubPlan 1))"},
		{"triggers",
			"EXPLAIN ANALYZE DELETE FROM individual", "Delete on person individual\nTrigger for constraint person on person: time=0.1 calls=2\nTrigger surname: time=1 calls=1\nExecution Time: 1 ms",
			"Delete on individual\nTrigger for constraint person on individual: time=0.1 calls=2\nTrigger surname: time=1 calls=1\nExecution Time: 1 ms"},
		{"the plans of a rule, which use names of their own",
			"EXPLAIN SELECT * FROM pets", "Insert on pets\n  ->  Seq Scan on person p\n        Filter: (p.surname = 'x'::text)\n\nUpdate on pets p\n  ->  Seq Scan on pets p\n        Filter: (p.surname = 'x'::text)",
			"Insert on pets\n  ->  Seq Scan on individual p\n        Filter: (p.last_name = 'x'::text)\n\nUpdate on pets p\n  ->  Seq Scan on pets p\n        Filter: (p.surname = 'x'::text)"},
		{"an expression that has no end",
			"EXPLAIN SELECT * FROM individual", "Seq Scan on person individual\n  Filter: (surname = 'x\n  Output: surname", "Seq Scan on individual\n  Filter: (surname = 'x\n  Output: last_name"},
		{"the rest of a plan of which the portal gave a part before",
			"EXPLAIN SELECT * FROM individual i", "        Filter: (surname = 'x'::text)\n  ->  Hash\n        Hash Cond: (i.surname = a.surname)",
			"        Filter: (last_name = 'x'::text)\n  ->  Hash\n        Hash Cond: (i.last_name = a.surname)"},
		{"an alias that others would share",
			"EXPLAIN SELECT * FROM pets AS individual", "Nested Loop\n  Join Filter: (person.surname = individual.surname)\n  ->  Seq Scan on person\n  ->  Seq Scan on pets individual",
			"Nested Loop\n  Join Filter: (individual_1.last_name = individual.surname)\n  ->  Seq Scan on individual individual_1\n  ->  Seq Scan on pets individual"},
		{"another format than that of the statement",
			"EXPLAIN (FORMAT JSON) SELECT * FROM individual", "Seq Scan on person\n  Filter: (surname = 'x'::text)", "Seq Scan on person\n  Filter: (surname = 'x'::text)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			binder, s := planSession()
			text := mustRewrite(t, binder, s, c.sql)
			if f := text.Statements[0].Failure; f != nil {
				t.Fatal(f)
			}
			rows, changed := text.MapPlan(0, strings.Split(c.plan, "\n"))
			if got := strings.Join(rows, "\n"); got != c.want || changed != (c.plan != c.want) {
				t.Errorf("%s\nis mapped to\n%s\nand not to\n%s", c.plan, got, c.want)
			}
		})
	}
}

func TestATemporaryTableIsNotTakenForTheTableOfItsName(t *testing.T) {
	t.Parallel()
	binder, s := planSession("pg_temp_3")
	temporary := testRelation(90, "person", "id", "surname")
	temporary.Schema, temporary.Temp = "pg_temp_3", true
	s.Overlay[rules.Name{Schema: "pg_temp_3", Name: "person"}] = temporary
	text := mustRewrite(t, binder, s, "EXPLAIN SELECT * FROM person, individual i")
	rows, _ := text.MapPlan(0, []string{"Nested Loop", "  Join Filter: (person.surname = i.surname)", "  ->  Seq Scan on person", "  ->  Seq Scan on person i"})
	want := "Nested Loop\n  Join Filter: (person.surname = i.last_name)\n  ->  Seq Scan on person\n  ->  Seq Scan on individual i"
	if got := strings.Join(rows, "\n"); got != want {
		t.Errorf("the plan is\n%s\nand not\n%s", got, want)
	}
}

func TestOnlyPlansAreMapped(t *testing.T) {
	t.Parallel()
	binder, s := planSession()
	text := mustRewrite(t, binder, s, "SELECT * FROM individual; EXPLAIN SELECT * FROM individual; PREPARE p AS SELECT * FROM individual")
	for i, want := range []bool{false, true, false, false} {
		if text.ShowsPlan(i) != want {
			t.Errorf("statement %d: ShowsPlan is %v", i, !want)
		}
	}
}

// FuzzPlan reads any bytes as plans in every format: none may make it fail, and a plan without names stays as it is.
func FuzzPlan(f *testing.F) {
	for _, seed := range []string{
		"Seq Scan on person individual  (cost=0.00..1.00 rows=1 width=4)\n  Filter: (surname = 'x'::text)",
		"[\n  {\n    \"Plan\": {\n      \"Node Type\": \"Seq Scan\",\n      \"Relation Name\": \"person\",\n      \"Alias\": \"individual\",\n      \"Output\": [\"id\", \"surname\"]\n    }\n  }\n]",
		"<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n  <Query>\n    <Plan>\n      <Relation-Name>person</Relation-Name>\n      <Alias>i</Alias>\n      <Output>\n        <Item>surname</Item>\n      </Output>\n    </Plan>\n  </Query>\n</explain>",
		"- Plan: \n    Node Type: \"Seq Scan\"\n    Relation Name: \"person\"\n    Alias: \"individual\"\n    Output: \n      - \"surname\"\n    Plans: \n      - Node Type: \"Result\"",
		"Insert on person\n  Conflict Filter: (excluded.surname = 'a')\n  ->  Bitmap Index Scan on x\n        Index Cond: (a = '(",
	} {
		f.Add(seed)
	}
	binder, s := planSession()
	var texts []*Text
	for _, format := range []string{"TEXT", "JSON", "XML", "YAML"} {
		texts = append(texts, mustRewrite(f, binder, s, "EXPLAIN (FORMAT "+format+") SELECT * FROM individual i, individual, pets"))
	}
	f.Fuzz(func(t *testing.T, plan string) {
		for _, text := range texts {
			got := text.mapPlan(text.Statements[0].plan, plan)
			if !strings.Contains(plan, "person") && !strings.Contains(plan, "surname") && got != plan {
				t.Errorf("%q is mapped to %q", plan, got)
			}
		}
	})
}
