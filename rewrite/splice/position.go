package splice

// ToClient maps a byte offset of the text that sorted edits made to one of the text that they were made on. What lies
// inside a replacement maps to the start of what was replaced.
func ToClient(edits []Edit, offset int) int {
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

// ToSent maps a byte offset of the client's text to one of the text that sorted edits make of it. What lies inside
// something replaced maps to the start of the replacement. At an insertion, after tells on which side of it.
func ToSent(edits []Edit, offset int, after bool) int {
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

// A Mover maps offsets as ToSent does, each no smaller than the one before, in a time that does not grow with the edits.
type Mover struct {
	Edits []Edit // those that are not behind
	shift int    // what a place has moved by that is behind the others
}

// ToSent is the function ToSent for the next offset.
func (m *Mover) ToSent(offset int, after bool) int {
	for len(m.Edits) > 0 {
		e := m.Edits[0]
		if offset < e.End || offset == e.Start && !(after && e.Start == e.End) {
			break
		}
		m.shift += len(e.New) - (e.End - e.Start)
		m.Edits = m.Edits[1:]
	}
	if len(m.Edits) > 0 && offset > m.Edits[0].Start && offset < m.Edits[0].End {
		return m.Edits[0].Start + m.shift
	}
	return offset + m.shift
}

// Unedited maps a range of the text that was sent back; ok is false where it begins or ends inside an edit.
func Unedited(edits []Edit, start, end int) (from, to int, ok bool) {
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
