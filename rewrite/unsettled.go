package rewrite

import (
	"slices"

	"github.com/seguedb/segue/rewrite/ast"
)

// While something is being made (Session.Unsettled) a function or type that is unknown may exist by the time that the
// statement is executed, and then it may show rows of a table under migration. Relations need no such care: a name that
// is missing is an error of the binder's own, and the error of the server is not waited for.

// any tells whether earlier statements of the text have changed anything that decides what later ones mean.
func (u *unsettled) any() bool {
	return u.version || u.path || u.relations || u.rows || len(u.made) > 0
}

// mayAppear refuses what the catalog does not have. A table that is made with such a type shows no rows: what it holds is
// known by the time that somebody reads it. What drops something by such a name shows none at all.
func (b *binding) mayAppear(location int, construct string) {
	if b.appears != nil {
		*b.appears = true
	}
	if !b.sess.Unsettled || b.statement.Tag == "DropStmt" || b.statement.Tag == "CreateStmt" && len(b.statement.Tables) == 0 {
		return
	}
	b.affected = true
	if fresh := b.refusal == nil; fresh {
		b.unsupported(location, refusedNew, construct, "may be made at this moment")
		b.refusal.awaits = true
	}
}

// AwaitsMaking reports whether the text is refused because of a function or type that the binder's catalog does not have.
// Perhaps the catalog as the session's own server sees it has.
func (t *Text) AwaitsMaking() bool {
	return slices.ContainsFunc(t.Statements, func(s Statement) bool { return s.Failure != nil && s.Failure.awaits })
}

// IsRefused reports whether one of the statements is refused: it is not known what it would mean.
func (t *Text) IsRefused() bool {
	return slices.ContainsFunc(t.Statements, func(s Statement) bool { return s.Failure != nil && s.Failure.Code == codeRefused })
}

// callMayAppear is mayAppear for a call that means no function that is known.
func (b *binding) callMayAppear(f *ast.FuncCall) {
	if len(b.candidates(f)) == 0 && b.projections[f] == nil && len(b.functions(ast.StrVals(f.Funcname))) == 0 {
		b.mayAppear(int(f.Location), "the function "+ast.LastName(f.Funcname))
	}
}

// justMade notes the use of a name that an earlier statement of the same text has made, and refuses it where it may show
// rows of a table under migration: the catalog does not have it as it will be. known says that the catalog has it as it was.
func (b *binding) justMade(location int, construct, name string, known bool) {
	rows, made := b.unsettled.made[name]
	b.besideMade = b.besideMade || made && known
	if rows {
		b.affected = true
		b.unsupported(location, refusedSeries, construct, "may hold rows of a table under migration, and has just been made")
	}
}
