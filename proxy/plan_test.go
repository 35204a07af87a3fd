package proxy

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rules"
)

const explainOf = "EXPLAIN (COSTS OFF, VERBOSE) "

// planScripts look at plans in the words of version base.
var planScripts = map[string]script{
	"a simple query": {
		{simple(explainOf + "SELECT last_name FROM individual WHERE last_name > 'a' ORDER BY last_name"), "Z"},
	},
	"several statements in one string": {
		{simple("SELECT last_name FROM individual; EXPLAIN (COSTS OFF) SELECT last_name FROM individual WHERE last_name > 'a'; " +
			explainOf + "SELECT i.last_name FROM individual i; SELECT 'surname'"), "Z"},
	},
	"the extended protocol": {
		{messages(parse("", explainOf+"UPDATE individual SET last_name = 'x' WHERE last_name > 'a' RETURNING last_name"), describe(""),
			bind("", ""), describePortal(""), execute(""), syncMsg()), "Z"},
	},
	"a prepared statement that is used twice": {
		{messages(parse("s", "EXPLAIN (FORMAT JSON, COSTS OFF) SELECT last_name FROM individual WHERE last_name > $1::text"), syncMsg()), "Z"},
		{messages(bind("", "s", []byte("a")), execute(""), bind("p", "s", []byte("b")), execute("p"), syncMsg()), "Z"},
	},
	"a portal that is read row by row": {
		{messages(parse("", "EXPLAIN (COSTS OFF) SELECT last_name FROM individual WHERE last_name > 'a' GROUP BY last_name HAVING last_name > 'b'"),
			bind("", ""), fetch("", 1), fetch("", 2), execute(""), syncMsg()), "Z"},
	},
	"the binary format": {
		{messages(parse("", "EXPLAIN (COSTS OFF, FORMAT JSON) SELECT last_name FROM individual WHERE last_name > 'a'"),
			binaryResult(bind("", "")), describePortal(""), execute(""), syncMsg()), "Z"},
	},
	"statements that were prepared in SQL": {
		{simple("PREPARE p AS SELECT last_name FROM individual AS i (x) WHERE i.last_name > 'a'"), "Z"},
		{simple(explainOf + "EXECUTE p"), "Z"},
		{simple("EXPLAIN (FORMAT YAML, COSTS OFF) CREATE TABLE t AS EXECUTE p; DEALLOCATE p"), "Z"},
	},
	"a view": {
		{simple("EXPLAIN (COSTS OFF) SELECT name FROM names WHERE name > 'a'"), "Z"},
	},
	"another encoding": {
		{simple("SET client_encoding = 'LATIN1'"), "Z"},
		{simple("EXPLAIN (COSTS OFF) SELECT last_name FROM individual WHERE last_name = '\xe9\xe8 surname'"), "Z"},
	},
	"notices between the rows": {
		{simple("SET client_min_messages = debug2; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) SELECT noisy() FROM individual WHERE last_name > 'a'"), "Z"},
	},
	"plans that fail": {
		{simple("EXPLAIN SELECT nope FROM individual; SELECT 1"), "Z"},
		{simple("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) SELECT 1 / (id - id) FROM individual WHERE last_name > 'a'"), "Z"},
		{simple("EXPLAIN (COSTS OFF) SELECT last_name FROM individual"), "Z"},
	},
}

// binaryResult makes a Bind ask for its results in binary.
func binaryResult(b []byte) []byte {
	body := append(b[5:len(b)-2:len(b)-2], 0, 1, 0, 1)
	return wire.AppendMessage(nil, wire.Bind, body)
}

const planned = people + `; CREATE VIEW names AS SELECT last_name AS name FROM individual;
	CREATE FUNCTION noisy() RETURNS int LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''heard''; RETURN 1; END'`

func TestPlansAreInTheWordsOfTheVersion(t *testing.T) {
	t.Parallel()
	for name, s := range planScripts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, got := s.directly(t, planned), s.renamed(t, planned)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the client sees (-before +after):\n%s", diff)
			}
			if name != "several statements in one string" && !strings.Contains(strings.Join(got, ""), "last_name") {
				t.Errorf("no name was there to be mapped: %q", got)
			}
		})
	}
}

// TestAPlanThatIsTooLongGoesOnAsItIs has plans that reach the bound in one row and in many.
// TestThePlanOfAPreparedStatementIsThatOfItsText is about what no database with the version's names shows: how the rewrite
// makes the JSON of a row.
func TestThePlanOfAPreparedStatementIsThatOfItsText(t *testing.T) {
	t.Parallel()
	const text = "SELECT to_jsonb(x) FROM individual x WHERE last_name > 'a'"
	direct := script{{simple(explainOf + text), "Z"}}.renamed(t, planned)
	for name, s := range map[string]script{
		"by PREPARE": {{simple("PREPARE p AS " + text), "Z"}, {simple(explainOf + "EXECUTE p"), "Z"}},
		"by Parse":   {{messages(parse("p", text), syncMsg()), "Z"}, {simple(explainOf + "EXECUTE p"), "Z"}},
	} {
		heard := s.renamed(t, planned)
		if diff := cmp.Diff(direct, heard[len(heard)-len(direct):]); diff != "" || !strings.Contains(strings.Join(direct, ""), "SubPlan") {
			t.Errorf("%s (-EXPLAIN of the text +EXPLAIN EXECUTE):\n%s", name, diff)
		}
	}
}

func TestAPlanThatIsTooLongGoesOnAsItIs(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("'"+strings.Repeat("x", 1000)+"', ", 300) + "last_name"
	for _, c := range []struct{ options, rows string }{
		{"COSTS OFF, FORMAT JSON", fmt.Sprintf("SELECT 1 FROM individual WHERE last_name IN (%s)", strings.Repeat(long+", ", 4)+"'y'")},
		{"COSTS OFF", strings.Repeat(fmt.Sprintf("SELECT 1 FROM individual WHERE last_name IN (%s) UNION ALL ", long), 4) + "SELECT 2"},
	} {
		p := openProxy(t)
		p.run(people, "ALTER TABLE individual RENAME last_name TO surname")
		p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, surname)))
		client := p.login(wire.Parameter{Name: "segue.version", Value: rules.Base})
		client.Say(simple("EXPLAIN (" + c.options + ") " + c.rows + "; EXPLAIN (COSTS OFF) SELECT 1 FROM individual WHERE last_name = 'short'"))
		var plans [2][]byte
		for i := 0; ; {
			f, err := client.In.Next()
			if err == nil {
				f, err = client.In.ReadRest(f, wire.MaxMessage)
			}
			if err != nil {
				t.Fatal(err)
			}
			if f.Type == wire.ReadyForQuery {
				break
			}
			switch f.Type {
			case wire.DataRow:
				plans[i] = append(plans[i], f.Body[6:]...)
			case wire.CommandComplete:
				i++
			case wire.ErrorResponse:
				t.Fatalf("%q", f.Body)
			}
		}
		if len(plans[0]) < maxPlan || bytes.Contains(plans[0], []byte("last_name")) || !bytes.Contains(plans[0], []byte("surname")) {
			t.Errorf("%s: the plan of %d bytes is not as the server has printed it", c.options, len(plans[0]))
		}
		if want := "Seq Scan on individual  Filter: (last_name = 'short'::text)"; string(plans[1]) != want {
			t.Errorf("the plan behind it is %q", plans[1])
		}
	}
}
