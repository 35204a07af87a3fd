package rewrite

import (
	"strings"
	"testing"
)

func TestATextThatIsNestedTooDeeplyIsRefusedAndNoSyntaxError(t *testing.T) {
	t.Parallel()
	s := &Session{Version: "person", SearchPath: []string{"pg_catalog", "public"}, StandardStrings: true}
	for levels, code := range map[int]string{100: "", 20000: codeTooComplex} {
		text, err := NewBinder(renamedTable(), Options{}).Rewrite(s, "SELECT surname FROM person WHERE id = 1"+strings.Repeat(" + 1", levels))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if failure := text.Statements[0].Failure; failure != nil {
			got = failure.Code
		}
		if got != code {
			t.Errorf("%d levels are answered with %q, want %q", levels, got, code)
		}
	}
}
