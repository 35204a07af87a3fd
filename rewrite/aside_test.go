package rewrite

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seguedb/segue/rules"
)

// chains are texts that nest by words and signs in a row, each a tree that overruns the parser's stack if it gets it, or
// something that its scanner reads over and over.
func chains(n int) map[string]string {
	out := make(map[string]string)
	for _, link := range []string{
		"+1", "-1", " * 1", " = 1", " <> 1", " || 1", "::int", ` COLLATE "C"`, " AT TIME ZONE 'UTC'", " IS NULL", " ISNULL", " NOTNULL",
		" IS NOT TRUE", " IS DISTINCT FROM 1", " IS DOCUMENT", " IS JSON", " IS NORMALIZED", " LIKE 1", " NOT ILIKE 1", " SIMILAR TO 1",
		" IN (1)", " NOT IN (1)", " OPERATOR(pg_catalog.+) 1", " BETWEEN 1 AND 1", " NOT BETWEEN SYMMETRIC 1 AND 1", " = ANY (a)",
		" AND 1", " OR 1", " AND 1 OR 1", " OR 1 AND 1", ".a", "[1]", "[1:2]", " UNION SELECT 1", " UNION ALL (SELECT 1)", " EXCEPT SELECT 1",
		" <@ 1", " ->> 'a'", " !~~* 1", " OVERLAPS (1, 2)",
	} {
		out["a"+link] = "SELECT a" + strings.Repeat(link, n)
	}
	for _, link := range []string{" JOIN a ON true", " NATURAL JOIN a", " CROSS JOIN a", " LEFT JOIN a USING (id)", ", a", ", LATERAL (SELECT 1) a"} {
		out["FROM a"+link] = "SELECT FROM a" + strings.Repeat(link, n)
	}
	for opens, closes := range map[string]string{
		"(": ")", "NOT ": "", "- ": "", "~": "", "(SELECT ": ")", "f(": ")", "ARRAY[": "]", "[": "]", "CASE WHEN a THEN ": " END", "ROW(": ")",
		"CAST(": " AS int)", "/*": "*/", "@@": "", "COALESCE(": ")", "EXISTS (SELECT ": ")", "a.": "", "NOT NOT - ": "", "xmlelement(name a, ": ")",
	} {
		out[opens+closes] = "SELECT " + strings.Repeat(opens, n) + "1" + strings.Repeat(closes, n)
	}
	return out
}

// most is how many tokens a text may have that is read aside.
const most = 50_000

func TestATextThatIsReadAsideNeitherEndsTheProcessNorKeepsIt(t *testing.T) {
	t.Parallel()
	for name, sql := range chains(most / 3) {
		began := time.Now()
		list, _ := PreparedIn("UTF8", true, "PREPARE p AS "+sql)
		if len(list) > 1 {
			t.Errorf("%s: %d statements", name, len(list))
		}
		NewBinder(&rules.Snapshot{}, Options{}).Makes("UTF8", "CREATE TABLE t AS "+sql)
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("%s takes %v", name, d)
		}
	}
}

func TestATextThatIsBoundDoesNotEndTheProcess(t *testing.T) {
	t.Parallel()
	s := &Session{Version: "person", SearchPath: []string{"pg_catalog", "public"}, StandardStrings: true}
	flat := []string{"a AND 1", "a OR 1", "a[1]", "a.a", "/**/"} // of which the tree is no deeper than of one link
	for name, sql := range chains(150_000) {
		text, err := NewBinder(renamedTable(), Options{}).Rewrite(s, sql+" FROM person")
		if err == nil && text.Statements[0].Failure == nil && !slices.Contains(flat, name) {
			t.Errorf("%s: it is bound", name)
		}
	}
}

func TestAPrepareTooLongToBeReadAsideIsUnknown(t *testing.T) {
	t.Parallel()
	long := "SELECT 1 IN (1" + strings.Repeat(", 1", most) + ")"
	if list, ok := PreparedIn("UTF8", true, "PREPARE p AS "+long); ok {
		t.Errorf("it prepares %v", list)
	}
	if made := NewBinder(&rules.Snapshot{}, Options{}).Makes("UTF8", "CREATE TABLE t AS "+long); len(made) != 1 || made[0] != (Made{Runs: true, Changes: true, Makes: true}) {
		t.Errorf("it makes %v", made)
	}
	shorter := "SELECT 1 IN (1" + strings.Repeat(", 1", 8_000) + ")"
	if list, ok := PreparedIn("UTF8", true, "PREPARE p AS "+shorter); !ok || len(list) != 1 || list[0].Prepare != "p" {
		t.Errorf("a shorter one prepares %v, %v", list, ok)
	}
}
