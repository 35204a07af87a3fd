package rewrite

import (
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
)

// ClientPosition maps a position in Text.SQL to the client's text; both 1-based and in characters. 0 stays 0.
func (t *Text) ClientPosition(position int) int {
	if position <= 0 || !t.Changed {
		return position
	}
	client, sent := t.asUTF8()
	return syntax.CharPosition(client, splice.ToClient(t.edits, syntax.ByteOffset(sent, position)))
}

// asUTF8 gives both texts in the encoding that edits count in.
func (t *Text) asUTF8() (client, sent string) {
	if t.clientUTF8 != "" {
		return t.clientUTF8, t.sentUTF8
	}
	return t.Client, t.SQL
}
