package rewrite

import (
	"fmt"
	"testing"

	"github.com/seguedb/segue/rewrite/ast"
)

func TestTheVerdictOnAStatement(t *testing.T) {
	t.Parallel()
	failure, refusal := &Error{Message: "a name is missing"}, &Error{Message: "not understood"}
	forbidden := &Error{Message: "forbidden"}
	missing := func(o *fate) { o.missing(failure) }
	unread := func(o *fate) { o.refused(refusal) }
	forbid := func(o *fate) { o.forbidden(forbidden) }
	later := func(o *fate) { o.missing(&Error{Message: "another"}); o.refused(&Error{Message: "another"}) }
	for _, tc := range []struct {
		what     string
		affected bool
		met      []func(*fate)
		want     *Error
	}{
		{"nothing", false, nil, nil},
		{"nothing, affected", true, nil, nil},
		{"a missing name", false, []func(*fate){missing}, failure},
		{"a missing name, affected", true, []func(*fate){missing}, failure},
		{"not understood", false, []func(*fate){unread}, nil},
		{"not understood, affected", true, []func(*fate){unread}, refusal},
		{"a missing name, then not understood", false, []func(*fate){missing, unread}, failure},
		{"a missing name, then not understood, affected", true, []func(*fate){missing, unread}, failure},
		{"not understood, then a missing name", false, []func(*fate){unread, missing}, nil},
		{"not understood, then a missing name, affected", true, []func(*fate){unread, missing}, refusal},
		{"forbidden", false, []func(*fate){forbid}, forbidden},
		{"forbidden after a missing name", false, []func(*fate){missing, forbid}, forbidden},
		{"forbidden after what was not understood", false, []func(*fate){unread, forbid}, forbidden},
		{"forbidden before a missing name", false, []func(*fate){forbid, missing}, forbidden},
		{"the first name of several", false, []func(*fate){missing, later}, failure},
		{"the first construct of several", true, []func(*fate){unread, later}, refusal},
	} {
		o := &fate{affected: tc.affected}
		for _, met := range tc.met {
			met(o)
		}
		if got := o.verdict(); got != tc.want {
			t.Errorf("%s: the verdict is %v, want %v", tc.what, got, tc.want)
		}
	}
}

// What one statement leaves in a binding must not be seen by the next: all of it is in one struct, replaced whole.
func TestNothingOfAStatementIsLeftForTheNext(t *testing.T) {
	t.Parallel()
	b, raw := bindingOf(t), &ast.RawStmt{Stmt: &ast.Node{}}
	b.begin(raw)
	fresh := fmt.Sprintf("%+v", b.statementBinding.fate)
	b.forbidden(&Error{})
	b.besideMade, b.table, b.hiddenAliases = true, 7, 3
	put(&b.placed, 1, true)
	b.begin(raw)
	if got := fmt.Sprintf("%+v", b.statementBinding.fate); got != fresh || b.table != -1 || b.hiddenAliases != 0 || b.placed != nil {
		t.Errorf("the second statement begins with %s, table %d, aliases %d, placed %v", got, b.table, b.hiddenAliases, b.placed)
	}
}
