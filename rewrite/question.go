package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/wording"
)

// A Question has the server itself say what is wrong with a text that must fail, so that the client gets the server's
// own words, with their hint and detail. The answer is what a Parse of Text.SQL fails with: Parse executes nothing,
// whatever the server makes of the text. It is only good while the proxy can send a Parse; where it cannot, the
// stand-in and FailureAt serve.
type Question struct {
	Text      *Text  // what to parse; it also translates the answer
	Otherwise *Error // the client's error when the server accepts the text, or finds something else wrong with it

	unread bool // the text was not understood at all
}

// Answers tells whether an error to the Parse is the one that the client must get. file is the server's source file that
// raised it, and position counts characters of Text.SQL.
//
// Of a text that our parser cannot read, only what the server's scanner and grammar say is certain, for what comes later
// may speak of names in the database. In a failed transaction the server looks no further, whatever the text is.
func (q *Question) Answers(code, file string, position int) bool {
	if q.unread {
		return fromGrammar(file) || code == codeFailedTransaction
	}
	return code == q.Otherwise.Code && position > 0 && q.Text.ClientPosition(position) == q.Otherwise.Position
}

// Unread tells whether the parser could not read the text: then the server may accept what was not understood.
func (q *Question) Unread() bool { return q.unread }

// fromGrammar tells whether an error comes from the raw parser, which has seen nothing but the text.
func fromGrammar(file string) bool {
	file = file[strings.LastIndexAny(file, `/\`)+1:]
	return slices.Contains([]string{"scan.l", "gram.y", "parser.c", "scan.c", "gram.c", "scansup.c"}, file)
}

// questionOfUnread asks for the words about a text that the parser cannot read. A server that can read it gets it not,
// for nobody knows what it means.
func (r *rewriting) questionOfUnread(otherwise *Error) *Question {
	return &Question{Text: &Text{SQL: r.sql, Client: r.sql, charset: r.charset}, Otherwise: otherwise, unread: true}
}

// questionOf asks for the words about a name that the version does not have: by the text as it would be sent if there
// were only that one wrong in it. nil when there is nothing to ask, or
// the server would say nothing at Parse.
func (r *rewriting) questionOf(d *draft) *Question {
	if len(d.statements) != 1 || !d.askable || !r.charset.IsUTF8() || !isAnalyzed(d.tree.Stmts[0].GetStmt()) {
		return nil
	}
	failure := d.statements[0].Failure
	if failure == nil || !strings.HasPrefix(failure.Code, "42") || failure.Position == 0 || failure.worded {
		return nil
	}
	edits := slices.Clone(d.planned)
	splice.Separate(r.source.UTF8, edits)
	sent := splice.Apply(r.source.UTF8, edits)
	return &Question{Otherwise: failure, Text: &Text{
		SQL: sent, Client: r.sql, Changed: len(edits) > 0, Tables: d.statements[0].Tables, edits: edits, charset: r.charset,
		names: wording.Names{Snap: r.binder.snap, Lens: d.lens, Path: r.session.SearchPath},
	}}
}

// plannedEdits are the edits of a statement of which one name is missing; ok is false when they do not fit together.
func (b *binding) plannedEdits() (edits []splice.Edit, ok bool) {
	edits = distinctEdits(slices.Clone(b.asked), b.changes)
	return edits, splice.Sort(edits, len(b.sql)) == nil
}
