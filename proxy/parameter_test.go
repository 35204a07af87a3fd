package proxy

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
	"github.com/seguedb/segue/rules"
)

// TestRowsWhoseTypeOnlyParseGivesHaveTheNamesOfTheVersion gives a parameter its type by number: nothing in the text speaks
// of the table.
func TestRowsWhoseTypeOnlyParseGivesHaveTheNamesOfTheVersion(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(people, "CREATE DOMAIN anybody AS individual", "CREATE TABLE holder (who individual)")
	p.phase(1, rules.Active)
	conn := pgtest.Connect(t, p.direct)
	typ := func(name string) (oid uint32) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), "SELECT to_regtype($1)::oid", name).Scan(&oid); err != nil {
			t.Fatal(err)
		}
		return oid
	}
	c := p.login(wire.Parameter{Name: "segue.version", Value: "surname"})
	kept := messages(wire.AppendParse(nil, "kept", "SELECT to_json($1)", []uint32{typ("individual")}), syncMsg())
	c.Say(kept)
	c.HearUntil(wire.ReadyForQuery)
	use := func(c *wiretest.Client) string {
		t.Helper()
		c.Say(messages(bind("", "kept", []byte("(1,Moss)")), execute(""), syncMsg()))
		return answerOf(c)
	}
	if got := use(c); !strings.Contains(got, `"surname":"Moss"`) {
		t.Errorf("before the cutover the new version gets %s", got)
	}
	old := p.login(wire.Parameter{Name: "segue.version", Value: rules.Base})
	old.Say(kept)
	old.HearUntil(wire.ReadyForQuery)
	p.run("ALTER TABLE individual RENAME last_name TO surname")
	p.phase(2, rules.Cutover)
	if got := use(old); !strings.Contains(got, `"last_name":"Moss"`) {
		t.Errorf("after the cutover the old version gets %s", got)
	}
	if got := use(c); !strings.Contains(got, `"surname":"Moss"`) {
		t.Errorf("after the cutover the new version gets %s", got)
	}
	for name, tc := range map[string]struct{ typ, sql, value, want string }{
		"a domain":                     {"anybody", "SELECT to_json($1)", "(1,Moss)", `"last_name":"Moss"`},
		"an array":                     {"individual[]", "SELECT to_json($1)", `{"(1,Moss)"}`, "0A000"},
		"an array that is taken apart": {"individual[]", "SELECT to_json(u) FROM unnest($1) u", `{"(1,Moss)"}`, `"last_name":"Moss"`},
		"a row that holds one":         {"holder", "SELECT to_json($1)", `("(1,Moss)")`, `"last_name":"Moss"`},
		"the row type, its field":      {"individual", "SELECT ($1).last_name", "(1,Moss)", "Moss"},
		"a row that is given back":     {"individual", "SELECT $1 AS one", "(1,Moss)", "(1,Moss)"},
	} {
		old.Say(messages(wire.AppendParse(nil, "", tc.sql, []uint32{typ(tc.typ)}), bind("", "", []byte(tc.value)), execute(""), syncMsg()))
		if got := answerOf(old); !strings.Contains(got, tc.want) || strings.Contains(got, "surname") {
			t.Errorf("%s: %s gives %s, want %s", name, tc.sql, got, tc.want)
		}
	}
}

// answerOf is the rows and errors up to ReadyForQuery.
func answerOf(c *wiretest.Client) string {
	c.T.Helper()
	var out strings.Builder
	for {
		f, err := c.Next()
		if err != nil {
			c.T.Fatal(err)
		}
		switch f.Type {
		case wire.DataRow, wire.ErrorResponse:
			out.Write(f.Body)
		case wire.ReadyForQuery:
			return out.String()
		}
	}
}
