package splice

import (
	"errors"
	"testing"
)

func TestEditsAreAppliedInOrderOfPlace(t *testing.T) {
	t.Parallel()
	edits := []Edit{{12, 12, " AS b"}, {7, 8, "x.y"}, {12, 12, " -- c"}, {8, 8, "!"}}
	if err := Sort(edits, 12); err != nil {
		t.Fatal(err)
	}
	if got, want := Apply("SELECT a, bc", edits), "SELECT x.y!, bc AS b -- c"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReplacementsDoNotGrowTogetherWithTheirNeighbours(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sql   string
		edits []Edit
		want  string
	}{
		"a name that loses its quotes":    {`SELECT FROM"Line"WHERE a`, []Edit{{11, 17, "line"}}, `SELECT FROM line WHERE a`},
		"a label before a word":           {`SELECT (a)FROM t`, []Edit{{8, 9, "b"}, {10, 10, " AS a"}}, `SELECT (b) AS a FROM t`},
		"a name before a quoted one":      {`SELECT "Qty"as"y"`, []Edit{{7, 12, "qty"}}, `SELECT qty as"y"`},
		"two that touch":                  {`SELECT a`, []Edit{{7, 8, "b"}, {8, 8, "c"}}, `SELECT b c`},
		"a name before an operator":       {`SELECT "x"&'1'`, []Edit{{7, 10, "u"}}, `SELECT u &'1'`},
		"a name that gets quotes":         {`SELECT a,b`, []Edit{{7, 8, `"A"`}}, `SELECT "A",b`},
		"a quoted name needs no distance": {`SELECT FROM"Line"WHERE a`, []Edit{{11, 17, `"L"`}}, `SELECT FROM"L"WHERE a`},
		"something that is left out":      {`SELECT a b`, []Edit{{8, 10, ""}}, `SELECT a`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			Separate(tc.sql, tc.edits)
			if got := Apply(tc.sql, tc.edits); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestEditsThatOverlapOrLieOutsideAreRefused(t *testing.T) {
	t.Parallel()
	for name, edits := range map[string][]Edit{
		"two at one place":         {{0, 2, "a"}, {0, 2, "b"}},
		"one that begins in one":   {{0, 3, "a"}, {2, 4, "b"}},
		"an insertion within one":  {{0, 3, "a"}, {1, 1, "b"}},
		"one behind the end":       {{4, 11, "a"}},
		"one that ends too early":  {{4, 3, "a"}},
		"one before the beginning": {{-1, 0, "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := Sort(edits, 10); !errors.Is(err, errOverlap) {
				t.Errorf("err = %v, want errOverlap", err)
			}
		})
	}
}
