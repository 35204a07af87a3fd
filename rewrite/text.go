package rewrite

import (
	"strings"

	"github.com/seguedb/segue/rewrite/splice"
)

// Edits are the replacements that made SQL from the client's text, in order and in bytes of the text as UTF-8. The
// caller must not change them.
func (t *Text) Edits() []splice.Edit { return t.edits }

// ClientPart is what of the client's text has become a part of what was sent, which stands in it as it is or inside a
// string. Both are in UTF-8. ok is false where it is not found.
func (t *Text) ClientPart(sent string) (client string, ok bool) {
	from, to := t.Client, t.SQL
	if t.clientUTF8 != "" {
		from, to = t.clientUTF8, t.sentUTF8
	}
	for _, inString := range []bool{false, true} {
		part := sent
		if inString {
			part = strings.ReplaceAll(sent, "'", "''")
		}
		at := strings.Index(to, part)
		if at < 0 {
			continue
		}
		start, end, ok := splice.Unedited(t.edits, at, at+len(part))
		if !ok {
			continue
		}
		if client = from[start:end]; inString {
			client = strings.ReplaceAll(client, "''", "'")
		}
		return client, true
	}
	return "", false
}
