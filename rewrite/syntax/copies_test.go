package syntax

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/rewrite/ast"
)

// nestedLists are assignments to n columns within each other.
func nestedLists(n, depth int) string {
	if depth == 0 {
		return "1"
	}
	columns := strings.Repeat("a, ", n-1) + "a"
	return "(WITH w AS (UPDATE t SET (" + columns + ") = " + nestedLists(n, depth-1) + " RETURNING a) SELECT a FROM w)"
}

func TestWeightCountsWhatTheParserCopies(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"SELECT 1, 2":                                           4,
		"UPDATE t SET (a, b) = (1, 2)":                          8 + 2*6,
		"UPDATE t SET (a, b) = ROW(1, 2), c = 3":                8 + 2*8 + 3, // what ends it counts with it
		"UPDATE t SET (a, b) = (SELECT 1, 2) WHERE a":           8 + 2*8 + 1,
		"UPDATE t SET c = 1, (a, b) /**/ = f(1, 2) RETURNING a": 12 + 2*8 + 1,
		"UPDATE t SET (a, b) = (1, 2); SELECT 1":                8 + 2*7 + 2,
		"UPDATE t SET (a, b) = (1, 2) FROM u WHERE c":           8 + 2*7 + 3,
		"UPDATE t SET (a, b) = x IS DISTINCT FROM y WHERE c":    8 + 2*7 + 1,
		"SELECT (a, b) = (1, 2)":                                12,
	} {
		list, ok := Lex(text)
		if got := Weight(list, DefaultMaxTokens); !ok || got != want {
			t.Errorf("%s weighs %d, not %d", text, got, want)
		}
	}
}

// The size of what the parser hands out is the oracle: it may not grow faster than the weight does.
func TestNoTreeIsMuchLargerThanTheWeightOfItsText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		nestedLists(3, 1), nestedLists(30, 1), nestedLists(30, 2), nestedLists(10, 3), nestedLists(3, 7),
		"UPDATE t SET (" + strings.Repeat("a, ", 99) + "a) = ROW(" + strings.Repeat("1, ", 99) + "1)",
		"INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET (" + strings.Repeat("a, ", 99) + "a) = (SELECT " + strings.Repeat("1, ", 99) + "1)",
		"MERGE INTO t USING u ON true WHEN MATCHED THEN UPDATE SET (" + strings.Repeat("a, ", 99) + "a) = ROW(" + strings.Repeat("1, ", 99) + "1)",
		"UPDATE t SET x = 1, y[1] = 2, (" + strings.Repeat("a[1], ", 99) + "a.b) = ROW(" + strings.Repeat("(SELECT 1), ", 99) + "1) IS DISTINCT FROM NULL",
		"CREATE RULE r AS ON INSERT TO t DO ALSO (UPDATE t SET (" + strings.Repeat("a, ", 99) + "a) = ROW(" + strings.Repeat("1, ", 99) + "1); SELECT 1)",
	} {
		text = strings.TrimSuffix(strings.TrimPrefix(text, "("), " RETURNING a) SELECT a FROM w)")
		text = strings.TrimPrefix(text, "WITH w AS (")
		tree, err := ast.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		list, _ := Lex(text)
		const bytesOfToken = 60
		if size, weight := proto.Size(tree), Weight(list, DefaultMaxTokens); size > bytesOfToken*weight {
			t.Errorf("%.80s… has a tree of %d bytes, and weighs %d", text, size, weight)
		}
	}
}

func TestATextThatTheParserWouldCopyTooOftenIsTooComplex(t *testing.T) {
	t.Parallel()
	columns := strings.Repeat("a, ", 1999) + "a"
	for _, text := range []string{
		"UPDATE t SET (" + columns + ") = ROW(" + columns + ")",
		"UPDATE t SET (" + columns + ") -- x\n /* y */ = (SELECT " + columns + ")",
		nestedLists(30, 6),
		nestedLists(2, 40),
	} {
		if _, err := Parse(text); !errors.Is(err, ErrTooComplex) {
			t.Errorf("%.60s… is parsed: %v", text, err)
		}
	}
	few := strings.Repeat("a, ", 99) + "a"
	if _, err := Parse("UPDATE t SET (" + few + ") = (SELECT " + few + " FROM t WHERE a IN (" + strings.Repeat("1, ", 999) + "1)) WHERE b IN (" + strings.Repeat("1, ", 99_999) + "1)"); err != nil {
		t.Error(err)
	}
	rows := strings.Repeat("(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), ", 4_999) + "(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)"
	if _, err := Parse("UPDATE t SET (a, b, c, d, e, f, g, h, i) = ROW(v.*) FROM (VALUES " + rows + ") AS v WHERE t.k = v.k"); err != nil {
		t.Errorf("many rows of new values: %v", err)
	}
}
