package rewrite

import (
	"testing"

	"github.com/seguedb/segue/rewrite/ast"
)

func mustParse(t testing.TB, sql string) *ast.ParseResult {
	t.Helper()
	tree, err := ast.Parse(sql)
	if err != nil {
		t.Fatalf("Parse(%q): %v", sql, err)
	}
	return tree
}

func TestTreesAreTheSameWhereOnlyTheLayoutDiffers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		a, b string
		same bool
	}{
		"white space and comments":        {"SELECT a,b FROM t", "select  a, /* x */ B\nFROM t -- y", true},
		"quotes that change nothing":      {`SELECT a`, `SELECT "a"`, true},
		"another column":                  {"SELECT a FROM t", "SELECT b FROM t", false},
		"another constant":                {"SELECT 'a'", "SELECT 'b'", false},
		"a string in place of a number":   {"SELECT 1", "SELECT '1'", false},
		"a label":                         {"SELECT a", "SELECT a AS a", false},
		"an added alias":                  {"SELECT a FROM t", "SELECT a FROM t AS t", false},
		"another operator":                {"SELECT a = b", "SELECT a < b", false},
		"another order of joins":          {"SELECT FROM a JOIN b ON x", "SELECT FROM b JOIN a ON x", false},
		"another kind of statement":       {"SELECT 1", "VALUES (1)", false},
		"one statement more":              {"SELECT 1", "SELECT 1; SELECT 1", false},
		"a sort direction":                {"SELECT a ORDER BY a", "SELECT a ORDER BY a DESC", false},
		"an absent clause":                {"SELECT a WHERE b", "SELECT a", false},
		"a table space's directory":       {"CREATE TABLESPACE a LOCATION '/b'", "CREATE TABLESPACE a LOCATION '/c'", false},
		"a second statement that differs": {"SELECT 1; SELECT a", "SELECT 1; SELECT b", false},
		"a column more in a list":         {"INSERT INTO t (a) VALUES (1)", "INSERT INTO t (a, b) VALUES (1)", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := sameTree(mustParse(t, tc.a), mustParse(t, tc.b)); got != tc.same {
				t.Errorf("sameTree(%q, %q) = %v", tc.a, tc.b, got)
			}
		})
	}
}
