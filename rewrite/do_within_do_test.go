package rewrite

import (
	"strings"
	"testing"
)

func TestADOWithinADOIsRefusedForWhatItMayDo(t *testing.T) {
	t.Parallel()
	b := NewBinder(renamedTable(), Options{})
	s := &Session{Version: "person", SearchPath: []string{"pg_catalog", "public"}, StandardStrings: true}
	for sql, want := range map[string]string{
		"DO $$ BEGIN DO $x$ BEGIN PERFORM 1; END $x$; PERFORM surname FROM person; END $$": "runs a DO, after which names may mean something else",
		"DO $$ BEGIN SET search_path = public; PERFORM surname FROM person; END $$":        "changes what names mean",
		"DO $$ BEGIN PERFORM surname FROM person; END $$":                                  "",
	} {
		text, err := b.Rewrite(s, sql)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		got := ""
		if f := text.Statements[0].Failure; f != nil {
			got = f.Message
		}
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s fails with %q, want %q", sql, got, want)
		}
	}
}
