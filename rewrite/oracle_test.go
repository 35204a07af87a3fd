package rewrite

import (
	"strings"
	"testing"
)

func TestAnAnswerThatWasNotPredictedEndsTheTrustInARewrite(t *testing.T) {
	t.Parallel()
	const sql = "SELECT surname FROM individual; SELECT 1"
	right := []Column{{Label: "last_name", Table: individualOID, Num: 2}}
	for name, tc := range map[string]struct {
		got  []Column
		says string
	}{
		"another label":         {[]Column{{Label: "surname", Table: individualOID, Num: 2}}, `"surname" where "last_name" was predicted`},
		"another column":        {[]Column{{Label: "last_name", Table: individualOID, Num: 3}}, "column 3 of table 16400"},
		"another table":         {[]Column{{Label: "last_name", Table: 99, Num: 2}}, "of table 99"},
		"one column more":       {append(right, right...), "2 columns where 1"},
		"a label of odd bytes":  {[]Column{{Label: "\xff"}}, "cannot be read"},
		"no columns at all":     {nil, "0 columns where 1"},
		"what was predicted":    {right, ""},
		"a statement that is 1": {right, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := plainBinder()
			text := mustRewrite(t, b, pinned("surname"), sql)
			if text.Verified() {
				t.Fatal("verified before the first answer")
			}
			if err := text.Verify("", 1, nil); err != nil || text.Verified() {
				t.Fatalf("a statement without prediction is compared: %v", err)
			}
			err := text.Verify("", 0, tc.got)
			after := mustRewrite(t, b, pinned("surname"), sql)
			if tc.says == "" {
				if err != nil || !text.Verified() || after != text {
					t.Errorf("err = %v, verified = %v", err, text.Verified())
				}
				if err := text.Verify("", 0, nil); err != nil {
					t.Errorf("compared once more: %v", err)
				}
				return
			}
			if !text.Mispredicted() {
				t.Error("the text does not know that it is wrong")
			}
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("err = %v, want %s", err, tc.says)
			}
			if f := after.Statements[0].Failure; f == nil || f.Code != "0A000" || f.Node != "mispredicted" {
				t.Errorf("the text is rewritten again: %q", after.SQL)
			}
			if n := b.Stats().Mispredicts.Load(); n != 1 {
				t.Errorf("Mispredicts = %d", n)
			}
			if other := mustRewrite(t, b, pinned("size"), sql); other.Statements[0].Failure != nil {
				t.Error("another version is refused too")
			}
		})
	}
}

func TestATextWithoutPredictionNeedsNoCheck(t *testing.T) {
	t.Parallel()
	text := mustRewrite(t, plainBinder(), pinned("surname"), "SELECT id FROM individual")
	if !text.Verified() {
		t.Error("not verified")
	}
	if err := text.Verify("", 0, []Column{{Label: "x"}}); err != nil {
		t.Error(err)
	}
	if err := text.Verify("", 7, nil); err != nil {
		t.Error(err)
	}
}

func TestTheWidthOfValuesWithAStarIsNotPredicted(t *testing.T) {
	t.Parallel()
	s := &Session{Version: "person", SearchPath: []string{"pg_catalog", "public"}, StandardStrings: true}
	b := NewBinder(renamedTable(), Options{MatchAll: true})
	for _, sql := range []string{"SELECT * FROM person n, LATERAL (VALUES (n.*)) v", "SELECT v.* FROM pet n, LATERAL (VALUES (n.*)) v"} {
		if st := mustRewrite(t, b, s, sql).Statements[0]; st.Failure != nil || st.Columns != nil {
			t.Errorf("%s: %v, predicted %v", sql, st.Failure, st.Columns)
		}
	}
	if st := mustRewrite(t, b, s, "SELECT v.* FROM pet n, LATERAL (VALUES (n.id, 2)) v").Statements[0]; len(st.Columns) != 2 {
		t.Errorf("without a star two columns are predicted, not %v", st.Columns)
	}
}

func TestAnUnreadableTextIsTheServersIfItHoldsNoName(t *testing.T) {
	t.Parallel()
	b := realBinder(Options{MatchAll: true})
	for sql, sent := range map[string]bool{
		`SELECT 'it\'s' FROM pg_am`:      true,
		`SELECT 'it\'s' FROM individual`: false,
		`SELECT 1 FROM pg_am PLEASE ME`:  true,
	} {
		text, err := b.Rewrite(&Session{Version: "base"}, sql)
		if err != nil {
			t.Fatal(err)
		}
		if got := text.SQL == sql && len(text.Statements) == 0; got != sent {
			t.Errorf("%s: sent as it is: %v", sql, got)
		}
	}
}

func TestNobodyTakesATextFromOtherUsers(t *testing.T) {
	t.Parallel()
	const sql = "SELECT surname FROM individual"
	b := plainBinder()
	as := func(user string) *Session {
		s := pinned("surname")
		s.User = user
		return s
	}
	first := mustRewrite(t, b, as("mallory"), sql)
	if first.Verify("mallory", 0, nil) == nil {
		t.Fatal("no columns are taken for what was predicted")
	}
	mine := mustRewrite(t, b, as("shop"), sql)
	if mine == first || mine.Statements[0].Failure != nil || mine.Verified() || !mine.Suspect() {
		t.Errorf("another user gets %q, verified %v, suspect %v", mine.SQL, mine.Verified(), mine.Suspect())
	}
	if err := mine.Verify("shop", 0, []Column{{Label: "last_name", Table: individualOID, Num: 2}}); err != nil {
		t.Error(err)
	}
	if again := mustRewrite(t, b, as("shop"), sql); again != mine {
		t.Error("what was verified for another user is bound once more")
	}
	for range 2 {
		theirs := mustRewrite(t, b, as("mallory"), sql)
		if f := theirs.Statements[0].Failure; f == nil || f.Node != "mispredicted" {
			t.Errorf("who got another answer is given the text of others: %q", theirs.SQL)
		}
	}
}
