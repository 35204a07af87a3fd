package rewrite

import (
	"hash/maphash"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
)

// A slot is a stretch of a text that may read otherwise without the text meaning another thing to the binder: a constant, or
// the white space and comments between two tokens.
type slot struct {
	start, end int // bytes
	class      class
}

// touchedBy tells whether an edit changes something of the slot.
func (p slot) touchedBy(e splice.Edit) bool {
	return e.Start < p.end && p.start < e.End || p.start < e.Start && e.Start < p.end
}

// A class says what a slot must be replaced by so that the parser takes the same way through its grammar: its tokens are
// then of the same kinds.
type class byte

// The classes.
const (
	classString  class = 's' // '…', and no continuation of one
	classInteger class = 'i' // ICONST: a decimal number that fits into an int4
	classDecimal class = 'f' // FCONST: a decimal number with a fraction or an exponent
	classBig     class = 'b' // FCONST as well: a decimal number that fits into an int8 and not into an int4
	classComment class = 'c' // a gap with a comment in it
)

// slotsOf finds the slots of a text; ok is false where it is not certain which there are. The text is valid UTF-8, and read
// with standard_conforming_strings on.
func slotsOf(sql string) (list []slot, t *syntax.Tokens, ok bool) {
	if strings.IndexByte(sql, 0) >= 0 || !utf8.ValidString(sql) {
		return nil, nil, false
	}
	cut, ok := syntax.Lex(sql)
	if !ok {
		return nil, nil, false
	}
	at, before := 0, ast.Token_NUL
	gap := func(end int) {
		// Strings on both sides of a gap may be one, which depends on what is in the gap.
		if before != ast.Token_SCONST && strings.ContainsAny(sql[at:end], "-/") {
			list = append(list, slot{at, end, classComment})
		}
	}
	for _, k := range cut {
		gap(k.Start)
		if c := classOf(sql, k, before); c != 0 {
			list = append(list, slot{k.Start, k.End, c})
		}
		at, before = k.End, k.Kind
	}
	gap(len(sql))
	return list, &syntax.Tokens{SQL: sql, List: cut}, true
}

// classOf is the class of a token; 0 where it is no constant, or is written in a way that is left alone.
func classOf(sql string, k syntax.Token, before ast.Token) class {
	text := sql[k.Start:k.End]
	switch {
	case k.Kind == ast.Token_SCONST && text[0] == '\'' && before != ast.Token_NCHAR && before != ast.Token_SCONST && before != ast.Token_UESCAPE:
		return classString
	case k.Kind != ast.Token_ICONST && k.Kind != ast.Token_FCONST, k.End < len(sql) && syntax.IsIdentPart(sql[k.End]):
		return 0
	case k.Kind == ast.Token_FCONST:
		return classDecimal
	}
	n, err := strconv.ParseInt(text, 10, 64) // takes no underscores and no other base
	switch {
	case err != nil:
		return 0
	case n > maxInt4:
		return classBig
	}
	return classInteger
}

const maxInt4 = 1<<31 - 1

// templateHash hashes a text but for what its slots read.
func templateHash(seed maphash.Seed, sql string, slots []slot) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	at := 0
	for _, p := range slots {
		_, _ = h.WriteString(sql[at:p.start]) // hashing has no errors
		_, _ = h.Write([]byte{0, byte(p.class)})
		at = p.end
	}
	_, _ = h.WriteString(sql[at:])
	return h.Sum64()
}

// sameBut tells whether two texts are equal but for the slots that are free.
func sameBut(one string, slots []slot, free []bool, other string, others []slot) bool {
	if len(slots) != len(others) {
		return false
	}
	at, otherAt := 0, 0
	for i, p := range slots {
		o := others[i]
		if p.class != o.class || one[at:p.start] != other[otherAt:o.start] || !free[i] && one[p.start:p.end] != other[o.start:o.end] {
			return false
		}
		at, otherAt = p.end, o.end
	}
	return one[at:] == other[otherAt:]
}

// A shift tells by how much places move when slots of another length are put in. It is cheapest to ask in order.
type shift struct {
	from, to []slot
	places   []int // of from; nil when they are its own
	next     int   // the first slot that is not counted in by
	by, last int
}

func newShift(from, to []slot, places []int) *shift {
	return &shift{from: from, to: to, places: places}
}

// at is by how much a place moves: the sum of what the slots before it have grown.
func (m *shift) at(place int) int {
	if place < m.last {
		m.next, m.by = 0, 0
	}
	m.last = place
	for ; m.next < len(m.from); m.next++ {
		begins := m.from[m.next].start
		if m.places != nil {
			begins = m.places[m.next]
		}
		if begins >= place {
			break
		}
		m.by += (m.to[m.next].end - m.to[m.next].start) - (m.from[m.next].end - m.from[m.next].start)
	}
	return m.by
}
