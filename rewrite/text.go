package rewrite

import "strings"

// Edits are the replacements that made SQL from the client's text, in order and in bytes of the text as UTF-8. The
// caller must not change them.
func (t *Text) Edits() []Edit { return t.edits }

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
		start, end, ok := unedited(t.edits, at, at+len(part))
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

// unedited maps a range of the text that was sent back; ok is false where it begins or ends inside an edit.
func unedited(edits []Edit, start, end int) (from, to int, ok bool) {
	shift := 0
	from, to = -1, -1
	for _, e := range edits {
		first := e.Start + shift
		after := first + len(e.New)
		if from < 0 && start <= first {
			from = start - shift
		}
		if to < 0 && end <= first {
			to = end - shift
		}
		if start > first && start < after || end > first && end < after {
			return 0, 0, false
		}
		shift += len(e.New) - (e.End - e.Start)
	}
	if from < 0 {
		from = start - shift
	}
	if to < 0 {
		to = end - shift
	}
	return from, to, true
}
