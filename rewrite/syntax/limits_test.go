package syntax

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/rewrite/ast"
)

// TestBlankCommentsMeanTheSame compares the trees of texts with comments and without, places included.
func TestBlankCommentsMeanTheSame(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("/**/", fewComments)
	for _, text := range []string{
		"SELECT " + strings.Repeat("/*", 50) + " é ' \" $$ " + strings.Repeat("*/", 50) + " 1, 'é', 2",
		"SELECT 1+" + strings.Repeat("/**/", 50) + "-/*x*/2",
		"SELECT 'a'" + many + "\n'b'",
		"SELECT 'a' /* c */ " + many + "\n 'b'",
		"SELECT 'a'\n" + many + " AS b",
		"SELECT '/*' || $$/**/$$ || \"/*\" -- /* not one\n FROM x " + many,
		"SELECT E'\\'/*' /* it's */" + many + " AS b",
		"SELECT 1 " + many + " /* never ends",
		"SELECT U&'/*'" + many + "\nUESCAPE '!' FROM x",
		"SELECT 1 " + strings.Repeat("/*--*/", 30) + "-- /* \n*2",
	} {
		blank := blankComments(text)
		if len(blank) != len(text) || blank == text {
			t.Fatalf("%q became %q", text, blank)
		}
		want, wantErr := ast.Parse(text)
		got, gotErr := ast.Parse(blank)
		if gotErr = nearComment(text, blank, gotErr); (wantErr == nil) != (gotErr == nil) || wantErr != nil && wantErr.Error() != gotErr.Error() {
			t.Errorf("%q: error %v, want %v", text, gotErr, wantErr)
			continue
		}
		if wantErr == nil && want.String() != got.String() {
			t.Errorf("%q is read otherwise:\n%v\n%v", text, want, got)
		}
	}
}
