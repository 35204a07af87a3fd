package rewrite

import (
	"regexp"
	"slices"

	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rewrite/wording"
)

// What is raised in the text that a flip has put into a statement is about nothing that the client has written there. But a parameter that is
// repeated can be of a type that its column does not take, of which the server says first that the repeated one cannot be cast.

// flips are the markers of the changes both sides of which the text writes.
func (t *Text) flips() (markers []string) {
	for i := range t.Statements {
		for _, m := range t.Statements[i].flips {
			if !slices.Contains(markers, m) {
				markers = append(markers, m)
			}
		}
	}
	return markers
}

var (
	repeatedCast = regexp.MustCompile(`^(?:pg_catalog\."varchar"\()?CAST\((?:CAST\()?(\$\d+) AS `)
	cannotCast   = regexp.MustCompile(`^cannot cast type (.+) to (.+)$`)
)

// inFlip reports whether an error is in what a flip has put into the text, and where that is in the client's, 0 for nowhere. What the server would have said of
// a parameter without the flip it says then.
func (t *Text) inFlip(r *wording.Report) (position int, in bool) {
	if r.Position <= 0 || len(t.flips()) == 0 {
		return 0, false
	}
	client, sent := t.asUTF8()
	at, shift := syntax.ByteOffset(sent, r.Position), 0
	for _, e := range t.edits {
		start := e.Start + shift
		if in = e.Start == e.End && at >= start && at < start+len(e.New); in {
			break
		}
		shift += len(e.New) - (e.End - e.Start)
	}
	if !in {
		return 0, false
	}
	repeated, types := repeatedCast.FindStringSubmatch(sent[at:]), cannotCast.FindStringSubmatch(r.Message)
	if r.Code != "42846" || repeated == nil || types == nil { // cannot_coerce
		return 0, true
	}
	for i := range t.Statements {
		for _, p := range t.Statements[i].sides {
			if p.name != repeated[1] {
				continue
			}
			if !p.cast { // transformAssignedExpr in parse_target.c
				r.Code, r.Hint = "42804", "You will need to rewrite or cast the expression."
				r.Message = `column "` + p.column + `" is of type ` + types[2] + ` but expression is of type ` + types[1]
			}
			return syntax.CharPosition(client, p.location), true
		}
	}
	return 0, true
}
