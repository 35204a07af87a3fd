package rewrite

import (
	"errors"
	"slices"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rewrite/wording"
)

// finish makes a draft into what is sent: stand-ins for the statements that must fail, the others with their edits,
// proved.
func (r *rewriting) finish(d *draft) *Text {
	if !r.binder.cache.trusts(r.session.User, d.lens.Version, r.sql) {
		return r.refuseWhole(mispredicted())
	}
	for i := range d.statements {
		if s := &d.statements[i]; s.Failure != nil && s.Failure.natural {
			s.Failure = nil // the server's own error is the best one
		}
	}
	t, ok := r.assemble(d)
	if !ok {
		t, ok = r.assemble(d) // without the statements that were not proved
	}
	if !ok {
		return r.refuseWhole(unproven())
	}
	t.Version, t.Ambiguous = d.lens.Version, d.ambiguous
	t.names = wording.Names{Snap: r.binder.snap, Lens: d.lens, Path: r.session.SearchPath}
	t.Question = r.questionOf(d)
	r.describe(t, d)
	r.catalogs = d.catalogs
	t.lasting = !d.catalogs && isOfRows(t)
	t.settled = t.lasting && len(t.Statements) == 1 && !d.lacks && !r.appears
	return t
}

// assemble makes the text of a draft. If a statement is not proved it is marked to fail, and ok is false.
func (r *rewriting) assemble(d *draft) (t *Text, ok bool) {
	edits := d.sentEdits()
	if err := splice.Sort(edits, len(r.source.UTF8)); err != nil {
		d.failAll(unproven())
		r.binder.stats.Unproven.Add(1)
		return nil, false
	}
	sent := r.source.UTF8
	if len(edits) > 0 {
		splice.Separate(r.source.UTF8, edits)
		sent = splice.Apply(r.source.UTF8, edits)
		if !r.prove(d, sent) {
			r.binder.stats.Unproven.Add(1)
			return nil, false
		}
	}
	t = &Text{SQL: sent, Client: r.sql, Changed: len(edits) > 0, Statements: d.statements, edits: edits, charset: r.charset}
	if r.charset.IsUTF8() {
		r.place(t, edits, func(offset int) int { return offset })
		return t, true
	}
	original, err := splice.Encode(r.charset, &r.source, edits)
	if err != nil {
		d.failAll(unreadableEncoding(r.session.Encoding))
		return nil, false
	}
	t.SQL = splice.Apply(r.sql, original)
	t.clientUTF8, t.sentUTF8 = r.source.UTF8, sent
	r.place(t, original, r.source.Original)
	return t, true
}

// sentEdits are the edits of the statements that are sent, and the stand-ins for the others.
func (d *draft) sentEdits() []splice.Edit {
	edits := make([]splice.Edit, 0, len(d.edits))
	rest := d.edits // both are in the order of the text
	for i := range d.statements {
		s := &d.statements[i]
		n := 0
		for n < len(rest) && rest[n].End <= s.End {
			n++
		}
		if s.Failure != nil {
			edits = append(edits, splice.Edit{Start: s.Start, End: s.End, New: d.standIn(i)})
		} else {
			edits = append(edits, rest[:n]...)
		}
		rest = rest[n:]
	}
	return append(edits, rest...)
}

// failAll makes every statement that has edits fail.
func (d *draft) failAll(failure *Error) {
	for i := range d.statements {
		if d.statements[i].Failure == nil {
			d.statements[i].Failure = failure
		}
	}
}

// prove parses the text that is to be sent, and compares it with the tree in which the binder made the same changes.
// Statements that turn out otherwise are marked to fail.
func (r *rewriting) prove(d *draft, sent string) bool {
	r.budget.look()
	got, err := syntax.Parse(sent)
	if err != nil || len(got.Stmts) != len(d.statements) || len(d.tree.Stmts) != len(d.statements) {
		d.failAll(unproven())
		return false
	}
	proved := true
	for i := range got.Stmts {
		if s := &d.statements[i]; s.Failure == nil && !sameStatement(got.Stmts[i], d.tree.Stmts[i]) {
			s.Failure, s.Columns = unproven(), nil
			proved = false
		}
	}
	return proved
}

// place moves the statements' ranges from the client's text as UTF-8 to the one that is sent, and gives PREPARE the
// client's own bytes.
func (r *rewriting) place(t *Text, edits []splice.Edit, original func(int) int) {
	m := splice.Mover{Edits: edits}
	for i := range t.Statements {
		s := &t.Statements[i]
		if p := s.Effect.Prepare; p != nil {
			s.Effect.Prepare = &Prepare{Name: p.Name, Client: r.sql[original(s.Start):original(s.End)]}
		}
		s.Start = m.ToSent(original(s.Start), false)
		s.End = m.ToSent(original(s.End), true)
	}
}

// describe fills in what follows from the statements.
func (r *rewriting) describe(t *Text, d *draft) {
	for i := range t.Statements {
		s := &t.Statements[i]
		for _, table := range s.Tables {
			if !slices.Contains(t.Tables, table) {
				t.Tables = append(t.Tables, table)
			}
		}
		if len(s.Tables) > 0 {
			t.tally.concerned++
		}
		if s.Failure != nil && s.Failure.isRefusal() {
			t.tally.refused++
		}
	}
	if t.Ambiguous {
		t.tally.ambiguous = 1
	}
	t.TxControl = len(t.Statements) > 1 && slices.ContainsFunc(d.tree.Stmts, controlsTransaction)
	r.binder.armOracle(t, r.key, nil)
}

// armOracle has the answers to a text compared with what is predicted. wrong, if not nil, is called for one that differs.
func (b *Binder) armOracle(t *Text, key uint64, wrong func()) {
	check := make([]bool, len(t.Statements))
	for i := range t.Statements {
		s := &t.Statements[i]
		check[i] = s.Columns != nil && s.Failure == nil && (t.Changed || b.all)
	}
	if !slices.Contains(check, true) {
		return
	}
	version, sql := t.Version, t.Client
	t.oracle.suspect = !b.cache.trusts(anybody, version, sql)
	t.oracle.arm(check, func(user string) {
		b.stats.Mispredicts.Add(1)
		b.cache.distrust(user, version, sql, key)
		if wrong != nil {
			wrong()
		}
	})
}

// controlsTransaction tells whether a statement begins or ends a transaction; savepoints do neither.
func controlsTransaction(raw *ast.RawStmt) bool {
	tx := raw.GetStmt().GetTransactionStmt()
	if tx == nil {
		return false
	}
	switch tx.Kind {
	case ast.TransactionStmtKind_TRANS_STMT_SAVEPOINT, ast.TransactionStmtKind_TRANS_STMT_RELEASE,
		ast.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
		return false
	}
	return true
}

// refuseWhole makes a text that fails as a whole, at the time when it is executed.
func (r *rewriting) refuseWhole(failure *Error) *Text {
	t := r.replaced(standIn(0), failure)
	if failure.isRefusal() {
		t.tally.refused = 1
	}
	return t
}

// unreadable makes the text that stands for one that the parser could not read.
func (r *rewriting) unreadable(err error) *Text {
	r.binder.stats.ParseErrors.Add(1)
	if errors.Is(err, ast.ErrTooDeep) || errors.Is(err, syntax.ErrTooComplex) {
		return r.refuseWhole(tooDeep())
	}
	if t := r.serversOwn(); t != nil {
		return t
	}
	var syntax *ast.SyntaxError
	if !errors.As(err, &syntax) {
		syntax = &ast.SyntaxError{Message: err.Error()}
	}
	refusal, failure := syntaxRefused(syntax), syntaxError(r.binder.snap, syntax)
	var t *Text
	if failure != nil {
		t = r.replaced(unreadable, failure)
	} else {
		t = r.refuseWhole(refusal)
	}
	t.Question = r.questionOfUnread(refusal)
	return t
}

// replaced makes a text whose only statement is something else than the client's text.
func (r *rewriting) replaced(sent string, failure *Error) *Text {
	t := &Text{
		SQL: sent, Client: r.sql, Changed: true,
		Statements: []Statement{{End: len(sent), Failure: failure}},
		edits:      []splice.Edit{{End: len(r.sql), New: sent}},
		charset:    r.charset,
	}
	if !r.charset.IsUTF8() {
		t.clientUTF8, t.sentUTF8 = r.source.UTF8, sent
		t.edits[0].End = len(r.source.UTF8)
	}
	return t
}

// refusedWhole tells whether nothing of the client's text is sent.
func (t *Text) refusedWhole() bool {
	return len(t.Statements) == 1 && t.Statements[0].Failure != nil
}
