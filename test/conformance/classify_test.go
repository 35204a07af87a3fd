package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestADifferenceIsClassifiedByWhatItMeans(t *testing.T) {
	t.Parallel()
	const table = " a \n---\n 1\n(1 row)\n\n"
	for name, c := range map[string]struct {
		statement, want, got string
		class                class
		construct            string
	}{
		"other rows are wrong":                     {"SELECT a FROM t;", table, " a \n---\n 2\n(1 row)\n\n", wrong, ""},
		"a physical name as label":                 {"SELECT a FROM t;", table, " a_phys \n--------\n      1\n(1 row)\n\n", leaked, ""},
		"a refusal is told by its words":           {"DROP TABLE t;", "", "ERROR:  segue cannot rewrite this statement: DropStmt is not understood\nLINE 1: DROP TABLE t;\n", refused, "DropStmt is not understood"},
		"a mispredicted statement is refused, too": {"SELECT 1;", table, "ERROR:  this statement is not rewritten any more, since x\n", refused, "this statement is not rewritten any more, since x"},
		"an error out of nowhere":                  {"SELECT a FROM t;", table, "ERROR:  column \"a\" does not exist\n", failed, ""},
		"an error that is not raised":              {"SELECT b FROM t;", "ERROR:  column \"b\" does not exist\n", table, missed, ""},
		"the same error in other words":            {"SELECT b;", "ERROR:  x \"a\"\nLINE 1: SELECT b;\n               ^\n", "ERROR:  x \"a_phys\"\nLINE 1: SELECT b;\n        ^\n", worded, ""},
		"a lost connection":                        {"SELECT 1;", table, "server closed the connection unexpectedly\n", crashed, ""},
		"a function's text":                        {"SELECT f();", table, "ERROR:  column \"a\" does not exist\nQUERY:  SELECT a FROM t\nCONTEXT:  PL/pgSQL function f() line 3\n", bodied, ""},
		"a catalog":                                {"\\d t", " a | int\n", " a_phys | int\n", introspects, ""},
		"a plan with physical names":               {"EXPLAIN SELECT a FROM t;", " Output: a\n", " Output: a_phys\n", explained, ""},
		"another plan":                             {"EXPLAIN SELECT a FROM t;", " Seq Scan\n", " Index Scan\n", planned, ""},
	} {
		script := c.statement + "\n"
		var got []string
		want := []string{c.class.String() + ": " + c.construct}
		for _, f := range findings("x", script, script+c.want, script+c.got) {
			got = append(got, f.class.String()+": "+f.construct)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTheListOfAcceptedDifferencesNeedsReasons(t *testing.T) {
	t.Parallel()
	list, err := acceptances("# comment\n\nrenamed  select  FROM t -- because\n")
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	f := finding{file: "select", statement: "SELECT a FROM t;"}
	if !accepted(list, modeRenamed, &f) || list[0].used != 1 {
		t.Error("a difference on the list is not accepted")
	}
	if accepted(list, modeParsed, &f) {
		t.Error("a difference in another mode is accepted")
	}
	list, err = acceptances("renamed * names t_[a-z_]*idx[0-9]* -- because\nrenamed * class another plan -- because\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		f  finding
		on bool
	}{
		"a made-up name":          {finding{class: failed, want: "x  | t_a_idx\n", got: "x | t_a_phys_idx\n"}, true},
		"one with another number": {finding{class: failed, want: "x  | t_a_idx2\n", got: "x | t_a_phys_idx\n"}, true},
		"one and something else":  {finding{class: failed, want: "x  | t_a_idx\n", got: "y | t_a_phys_idx\n"}, false},
		"another name":            {finding{class: failed, want: "a_idx\n", got: "a_phys_idx\n"}, false},
		"of the class":            {finding{class: planned, want: "a", got: "b"}, true},
	} {
		if accepted(list, modeRenamed, &tc.f) != tc.on {
			t.Errorf("%s: accepted is not %v", name, tc.on)
		}
	}
	if _, err := acceptances("renamed select FROM t\n"); err == nil {
		t.Error("a line without a reason is taken")
	}
	if _, err := acceptances(acceptedText); err != nil {
		t.Errorf("accepted.txt: %v", err)
	}
}
