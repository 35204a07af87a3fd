package rules_test

import (
	"testing"

	"github.com/seguedb/segue/rules"
)

func TestTablesThatAreLookedUpStayAsTheyAre(t *testing.T) {
	t.Parallel()
	cat := load(t, database(t, `CREATE TABLE post (id int, a int); CREATE TABLE member (id int PRIMARY KEY, b text UNIQUE); CREATE TABLE other (id int);
		CREATE SCHEMA club; CREATE TABLE club.member (id int PRIMARY KEY, b text UNIQUE)`))
	file := func(id, reads, more string) *rules.Migration {
		m, err := rules.Parse(id+".yaml", []byte(`
id: `+id+`
operations:
  - change_columns: { table: public.post, from: [a], to: [{ name: b, type: text }], up: { b: "(SELECT b FROM member WHERE id = a)" }, down: { a: "1" }, reads: [`+reads+`] }
`+more))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for name, tc := range map[string]struct{ reads, more, want string }{
		"there":                    {"member", "", ""},
		"in its schema":            {"{ table: club.member, via: { a: id } }", "", ""},
		"not there":                {"members", "", "…reads[0]: there is no table members"},
		"not in that schema":       {"club.other", "", "…there is no table club.other"},
		"renamed in the same file": {"member", "  - rename_table: { from: public.member, to: person }", "…another operation of the file looks values up in table public.…"},
		"a column of it":           {"member", "  - rename_column: { table: public.member, from: b, to: c }", "…another operation of the file looks values up in table public.member…"},
		"the table of the change":  {"post", "", "…another operation of the file looks values up in table public.post…"},
		"another table":            {"member", "  - rename_table: { from: public.other, to: another }", ""},
	} {
		check(t, rules.Validate(file("x", tc.reads, tc.more), nil, cat), tc.want, name)
	}
	reading := file("reading", "{ table: member, via: { a: id } }", "")
	about := parse(t, "about", "public.member.b > c")
	elsewhere := parse(t, "elsewhere", "club.member.b > c")
	all := []*rules.Migration{reading, about, elsewhere}
	check(t, rules.CanActivate(reading, all, cat), "")
	check(t, rules.CanActivate(about, all, cat), "")
	reading.Phase = rules.Active
	check(t, rules.CanActivate(about, all, cat), `migration "reading" looks values up in a table that this one is about…`)
	check(t, rules.CanActivate(elsewhere, all, cat), "")
	reading.Phase, about.Phase = rules.Draft, rules.Active
	check(t, rules.CanActivate(reading, all, cat), `migration "about" is about a table in which this one looks values up…`)
}
