package rewrite

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatATextPreparesIsFound(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string][]PreparedBy{
		"SELECT 1":                      {{}},
		"/* é */ PREPARE p AS SELECT 1": {{Prepare: "p", Start: 9, End: 30, Before: 8}},
		"SELECT 1; PREPARE \"P p\" (int) AS SELECT $1 ; DEALLOCATE p": {
			{}, {Prepare: "P p", Start: 10, End: 42, Before: 10}, {Deallocate: "p"},
		},
		"DEALLOCATE PREPARE ALL;; DISCARD ALL; DISCARD PLANS": {{All: true}, {All: true}, {}},
	} {
		got, ok := PreparedIn("UTF8", true, sql)
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("%s: %v (-want +got)\n%s", sql, ok, diff)
		}
	}
	latin1 := "SELECT '\xe9'; PREPARE p AS SELECT '\xe9'"
	got, ok := PreparedIn("LATIN1", true, latin1)
	if !ok || latin1[got[1].Start:got[1].End] != "PREPARE p AS SELECT '\xe9'" || got[1].Before != 12 {
		t.Errorf("in LATIN1: %+v, %v", got, ok)
	}
	for _, sql := range []string{"PREPARE p AS SELECT '\xe9'", "PREPARE p AS SELECT FROM FROM"} {
		if got, ok := PreparedIn("UTF8", true, sql); ok {
			t.Errorf("%q: %+v", sql, got)
		}
	}
	if got, ok := PreparedIn("UTF8", false, `PREPARE p AS SELECT '\''`); ok {
		t.Errorf("with backslashes: %+v", got)
	}
}

func TestAStatementIsPreparedUnderAnotherName(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"PREPARE p AS SELECT 1":                         "PREPARE x AS SELECT 1",
		"prepare /* a */ \"P \"\"p\" (int)AS SELECT $1": "prepare /* a */ x (int)AS SELECT $1",
		`PREPARE U&"p" AS SELECT 1`:                     "",
		"SELECT 1":                                      "",
	} {
		if got, ok := PrepareUnder(sql, "x"); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v", sql, got, ok)
		}
	}
}
