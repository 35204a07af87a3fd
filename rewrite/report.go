package rewrite

import (
	"regexp"
	"strings"

	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rewrite/wording"
	"github.com/seguedb/segue/rules"
)

// Reword puts an error or notice that the server gave to the text into the terms of the client: the names of tables and
// columns under migration are those of the text's version, and positions count in the client's text. What is no name of
// the affected object stays as it is: values, names that the client has written itself, the words of RAISE, and names of
// which it is not certain whose they are.
func (t *Text) Reword(r *wording.Report) {
	absent, isAbsent := unmarked(r)
	at, inFlip := t.inFlip(r)
	if t.names.Lens != nil {
		(&wording.Context{Names: t.names, Affected: t.affected(), Echoes: t.echoes(r), Flips: t.flips(), InFlip: inFlip}).Reword(r)
	}
	if isAbsent {
		r.Message = absent
	}
	t.placeQuery(r)
	if r.Position = t.ClientPosition(r.Position); inFlip {
		r.Position = at
	}
}

// unmarked is the message that there is no relation or type of a name that was looked up with absentMark before it, with
// the name as the client has given it.
func unmarked(r *wording.Report) (message string, ok bool) {
	if r.Code != "42P01" && r.Code != "42704" {
		return "", false
	}
	m := marked.FindStringSubmatch(r.Message)
	if m == nil {
		return "", false
	}
	return m[1] + m[2], true
}

var marked = regexp.MustCompile(`^([^"]*"(?:[^"]*\.)?)` + absentMark + `(.*)$`)

// Reword is Text.Reword for a text that was sent as it came, because it names no table under migration: its errors may
// speak of one all the same, as that of a foreign key does. It tells whether what is said may have changed.
func (b *Binder) Reword(version string, r *wording.Report) bool {
	if !b.snap.Live() {
		return false
	}
	lens := b.snap.Lens(version)
	if lens == nil {
		return false
	}
	if r.Position > 0 && speaksOfExistence(r.Code) {
		return false // it speaks of a name that the client has written, and that was sent as it was written
	}
	(&wording.Context{Names: wording.Names{Snap: b.snap, Lens: lens}}).Reword(r)
	return true
}

// affected are the tables under migration that the text names.
func (t *Text) affected() (out []*rules.TableLens) {
	if t.names.Lens == nil {
		return nil
	}
	for _, oid := range t.Tables {
		if l := t.names.Lens.Table(oid); l != nil {
			out = append(out, l)
		}
	}
	return out
}

// placeQuery puts the internal query of an error into the client's terms where it is part of the text, as that of DO is.
// The body of a function that the database has stored is shown as it is stored, with the names of the database.
func (t *Text) placeQuery(r *wording.Report) {
	client, sent := t.asUTF8()
	if r.Query == "" || !t.Changed || strings.Count(sent, r.Query) != 1 {
		return
	}
	start := strings.Index(sent, r.Query)
	end := start + len(r.Query)
	from, to := splice.ToClient(t.edits, start), splice.ToClient(t.edits, end)
	if from > to || splice.ToSent(t.edits, from, false) != start || splice.ToSent(t.edits, to, true) != end && splice.ToSent(t.edits, to, false) != end {
		return // it begins or ends inside of something replaced
	}
	if r.QueryPosition > 0 {
		at := start + syntax.ByteOffset(r.Query, r.QueryPosition)
		r.QueryPosition = syntax.CharPosition(client[from:to], splice.ToClient(t.edits, at)-from)
	}
	r.Query = client[from:to]
}
