package rewrite

import "unicode/utf8"

// charPosition is the 1-based character at a byte offset of a UTF-8 text, as Postgres counts positions in errors.
func charPosition(sql string, offset int) int {
	return utf8.RuneCountInString(sql[:min(offset, len(sql))]) + 1
}

// byteOffset is the byte offset of a 1-based character; the length of the text when it has fewer.
func byteOffset(sql string, position int) int {
	for i := range sql {
		if position <= 1 {
			return i
		}
		position--
	}
	return len(sql)
}

// toClient maps a byte offset of the text that sorted edits made to one of the text that they were made on. What lies
// inside a replacement maps to the start of what was replaced.
func toClient(edits []Edit, offset int) int {
	shift := 0 // what a place behind the edits so far has moved by
	for _, e := range edits {
		start := e.Start + shift
		if offset < start {
			break
		}
		if offset < start+len(e.New) {
			return e.Start
		}
		shift += len(e.New) - (e.End - e.Start)
	}
	return offset - shift
}

// toSent maps a byte offset of the client's text to one of the text that sorted edits make of it. What lies inside
// something replaced maps to the start of the replacement. At an insertion, after tells on which side of it.
func toSent(edits []Edit, offset int, after bool) int {
	shift := 0
	for _, e := range edits {
		if offset < e.Start || offset == e.Start && !(after && e.Start == e.End) {
			break
		}
		if offset < e.End {
			return e.Start + shift
		}
		shift += len(e.New) - (e.End - e.Start)
	}
	return offset + shift
}

// A mover maps offsets as toSent does, each no smaller than the one before, in a time that does not grow with the edits.
type mover struct {
	edits []Edit // those that are not behind
	shift int    // what a place has moved by that is behind the others
}

func (m *mover) toSent(offset int, after bool) int {
	for len(m.edits) > 0 {
		e := m.edits[0]
		if offset < e.End || offset == e.Start && !(after && e.Start == e.End) {
			break
		}
		m.shift += len(e.New) - (e.End - e.Start)
		m.edits = m.edits[1:]
	}
	if len(m.edits) > 0 && offset > m.edits[0].Start && offset < m.edits[0].End {
		return m.edits[0].Start + m.shift
	}
	return offset + m.shift
}

// ClientPosition maps a position in Text.SQL to the client's text; both 1-based and in characters. 0 stays 0.
func (t *Text) ClientPosition(position int) int {
	if position <= 0 || !t.Changed {
		return position
	}
	client, sent := t.asUTF8()
	return charPosition(client, toClient(t.edits, byteOffset(sent, position)))
}

// asUTF8 gives both texts in the encoding that edits count in.
func (t *Text) asUTF8() (client, sent string) {
	if t.clientUTF8 != "" {
		return t.clientUTF8, t.sentUTF8
	}
	return t.Client, t.SQL
}
