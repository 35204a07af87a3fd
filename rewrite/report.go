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
	absent, isAbsent := t.unmarked(r)
	at, inFlip := t.inFlip(r)
	if t.names.Lens != nil {
		(&wording.Context{Names: t.names, Affected: t.affected(), Echoes: t.echoes(r), Flips: t.flips(), InFlip: inFlip}).Reword(r)
	}
	if isAbsent {
		r.Message = absent
	}
	if r.Routine == dropsColumn { // the name of its table stands there, too
		r.Message = t.withoutMarks(r.Message)
	}
	t.argumentTypes(r)
	t.placeQuery(r)
	if r.Position = t.ClientPosition(r.Position); inFlip {
		r.Position = at
	}
}

// unmarked is the message that there is nothing of a name that was sent or looked up with absentMark before it, with the name as the client
// has given it.
func (t *Text) unmarked(r *wording.Report) (message string, ok bool) {
	if skips(r) {
		message = t.withoutMarks(r.Message)
		return message, message != r.Message
	}
	if r.Code != "42P01" && r.Code != "42704" {
		return "", false
	}
	m := markedName.FindStringSubmatch(r.Message)
	if m == nil {
		return "", false
	}
	return m[1] + m[2], true
}

// withoutMarks takes the marks from the names in a message that were sent with one.
func (t *Text) withoutMarks(message string) string {
	for _, name := range t.marked() {
		message = replaceMarked(message, name)
	}
	return message
}

// marked are the names that were sent with a mark.
func (t *Text) marked() (names []string) {
	for _, e := range t.edits {
		if name, isMarked := strings.CutPrefix(e.New, `"`+absentMark); isMarked {
			names = append(names, strings.ReplaceAll(strings.TrimSuffix(name, `"`), `""`, `"`))
		}
	}
	return names
}

// replaceMarked takes the mark from a name in a message, where a quote, a dot or a bracket stands before it.
func replaceMarked(message, name string) string {
	i := strings.Index(message, absentMark+name)
	if i < 1 || strings.ContainsAny(message[i-1:i], " ,") {
		return message
	}
	return message[:i] + message[i+len(absentMark):]
}

// skips reports whether a notice says that something is not there, which need not be. What it says of is named as the client has named it.
func skips(r *wording.Report) bool {
	if r.Code != "00000" {
		return false
	}
	switch r.Routine {
	case "does_not_exist_skipping", "DropErrorMsgNonExistent", "ProcessUtilitySlow", "RenameRelation", "RenameConstraint", "renameatt",
		"AlterTableNamespace", "AlterSequence":
		return true
	}
	return false
}

// dropsColumn is the routine that does not find a column which is to be dropped (tablecmds.c).
const dropsColumn = "ATExecDropColumn"

// argumentTypes has the types of arguments in a message that there is no such function be named as the client has named them.
func (t *Text) argumentTypes(r *wording.Report) {
	if r.Code != "42883" && !skips(r) {
		return
	}
	m := signature.FindStringSubmatch(r.Message)
	if m == nil {
		return
	}
	client, _ := t.asUTF8()
	types := strings.Split(m[2], ",")
	for i, typ := range types {
		bare := strings.TrimSuffix(strings.TrimSpace(typ), "[]")
		for _, e := range t.edits {
			sent, ok := syntax.SplitName(e.New)
			written, known := syntax.SplitName(client[e.Start:e.End])
			if ok && known && (strings.Join(sent, ".") == bare || syntax.QuoteQualified(sent) == bare) {
				types[i] = strings.Replace(typ, bare, strings.Join(written, "."), 1)
				break
			}
		}
	}
	r.Message = m[1] + strings.Join(types, ",") + m[3]
}

var signature = regexp.MustCompile(`^([^()]*\()([^()]+)(\).*)$`)

var markedName = regexp.MustCompile(`^([^"]*"(?:[^"]*\.)?)` + absentMark + `(.*)$`)

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
