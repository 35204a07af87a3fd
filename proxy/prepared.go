package proxy

import (
	"encoding/binary"

	"github.com/seguedb/segue/rewrite"
)

// maxRemembered bounds the bytes of statement texts that a session remembers. Of what is prepared beyond it only the
// names are kept: such statements go on as they are, and are refused once a migration is live.
const maxRemembered = 32 << 20

// statementCost is what a remembered statement costs beside its text.
const statementCost = 256

// A statement is one prepared statement as the client knows it, and what the server has under its name.
// Its fields are guarded by queue.mu, except plan, which is the client's goroutine's.
type statement struct {
	slot      *slot
	text      []byte   // the client's
	lost      bool     // text was not kept, for want of room
	types     []uint32 // of the parameters, as far as the client gave them
	described []uint32 // of all parameters, once the server has told
	known     bool     // described is set
	result    result   // of which the client may know

	have    served // by the server, as far as it has answered
	want    served // when all is answered that was sent
	pending int    // Parse messages sent to prepare it anew that are not answered

	plan plan
}

// served is what the server has prepared under a statement's name.
type served struct {
	text   *rewrite.Text // nil: the client's own text
	absent bool          // nothing, because preparing it anew has failed
}

// is tells whether that is what sending t would give; nil stands for the client's own text.
func (v served) is(t *rewrite.Text) bool {
	switch {
	case v.absent:
		return false
	case v.text == nil || t == nil:
		return (v.text == nil || !v.text.Changed) && (t == nil || !t.Changed)
	}
	return v.text.SQL == t.SQL
}

// describe keeps the parameter types of a ParameterDescription. What is cut off or malformed is not kept.
func (st *statement) describe(body []byte) {
	if len(body) < 2 || len(body) != 2+4*int(binary.BigEndian.Uint16(body)) {
		return
	}
	st.described, st.known = st.described[:0], true
	for body = body[2:]; len(body) > 0; body = body[4:] {
		st.described = append(st.described, binary.BigEndian.Uint32(body))
	}
}

// parameters are the types with which to prepare the statement anew.
func (st *statement) parameters() []uint32 {
	if st.known {
		return st.described
	}
	return st.types
}

func (st *statement) cost() int { return statementCost + len(st.text) + 4*len(st.types) }

// A slot is a name under which something is, was or will be prepared.
type slot struct {
	name      string
	committed *statement // what the server has confirmed
	latest    *statement // what it will be when all that was sent succeeds; nil: nothing
	pending   int        // Parse and Close messages sent and not answered
	closing   statement  // stands for the slot in the expect of a Close
}

// prepared holds the session's prepared statements. Lookups see what the messages sent so far will have done. That is
// right even though one of them may fail, for then the server skips what depends on it, up to Sync; and when the failure
// is known, the slot falls back to what was confirmed.
type prepared struct {
	named   map[string]*slot
	unnamed slot
	bytes   int
	spare   *statement // an unnamed one to use again
	bySQL   bool       // a PREPARE was seen
	unsure  bool       // a DEALLOCATE of one that is not known was seen
}

func (p *prepared) init() {
	p.unnamed.closing.slot = &p.unnamed
}

// lookup finds the statement of that name, or returns nil.
func (p *prepared) lookup(name []byte) *statement {
	if len(name) == 0 {
		return p.unnamed.latest
	}
	if s := p.named[string(name)]; s != nil {
		return s.latest
	}
	return nil
}

// closing returns what to put into the expect of a Close, or nil when nothing of that name is known.
func (p *prepared) closing(name []byte) *statement {
	if len(name) == 0 {
		return &p.unnamed.closing
	}
	if s := p.named[string(name)]; s != nil {
		return &s.closing
	}
	return nil
}

// open makes the statement of a Parse; it counts from sent on. keep says whether there is room for the text.
func (p *prepared) open(name, text []byte, types []uint32) *statement {
	s, st := &p.unnamed, p.spare
	if len(name) > 0 {
		if s = p.named[string(name)]; s == nil {
			s = &slot{name: string(name)}
			s.closing.slot = s
		}
		st = nil
	}
	if st == nil {
		st = new(statement)
	} else {
		p.spare = nil
		*st = statement{text: st.text[:0], types: st.types[:0], described: st.described[:0]}
	}
	st.slot = s
	if p.bytes+len(text) > maxRemembered {
		st.lost = true
		return st
	}
	st.text = append(st.text, text...)
	st.types = append(st.types, types...)
	return st
}

// sent takes note of a Parse or Close.
func (p *prepared) sent(e expect) {
	switch {
	case e.stmt == nil:
	case e.flags&reprepare != 0:
		if e.kind == 'P' {
			e.stmt.pending++
			e.stmt.want = served{text: e.text}
		}
	default:
		s := e.stmt.slot
		s.pending++
		s.latest = nil
		if e.kind == 'P' {
			s.latest = e.stmt
			p.bytes += e.stmt.cost()
			if s != &p.unnamed {
				if p.named == nil {
					p.named = make(map[string]*slot)
				}
				p.named[s.name] = s
			}
		}
	}
}

// done takes note of a ParseComplete or CloseComplete.
func (p *prepared) done(e *expect) {
	switch {
	case e.stmt == nil:
	case e.flags&reprepare != 0:
		e.stmt.have = served{absent: true}
		if e.kind == 'P' {
			e.stmt.have = served{text: e.text}
			e.stmt.pending--
		}
	default:
		s := e.stmt.slot
		p.forget(s.committed)
		s.committed = nil
		if e.kind == 'P' {
			s.committed = e.stmt
		}
		p.settle(s)
	}
}

// dropped takes note that a Parse or Close had no effect, because it or something before it failed.
func (p *prepared) dropped(e expect) {
	switch {
	case e.stmt == nil:
	case e.flags&reprepare != 0:
		if e.kind != 'P' {
			return
		}
		if e.stmt.pending--; e.stmt.pending == 0 {
			e.stmt.want = e.stmt.have
		}
	default:
		if e.kind == 'P' {
			p.bytes -= e.stmt.cost()
		}
		p.settle(e.stmt.slot)
	}
}

// settle counts an answer for the slot.
func (p *prepared) settle(s *slot) {
	s.pending--
	p.rest(s)
}

// rest lets a slot without pending messages show what is confirmed, and forgets it when that is nothing.
func (p *prepared) rest(s *slot) {
	if s.pending > 0 {
		return
	}
	s.latest = s.committed
	if s.committed == nil && s != &p.unnamed && p.named[s.name] == s {
		delete(p.named, s.name)
	}
}

// forget takes a confirmed statement out of the count. The memory of an unnamed one serves for the next: by the time it
// is replaced, nothing that was sent later can mean it.
func (p *prepared) forget(st *statement) {
	if st == nil {
		return
	}
	p.bytes -= st.cost()
	p.spares(st)
}

// spares keeps the memory of an unnamed statement that was replaced or has ended.
func (p *prepared) spares(st *statement) {
	if st.slot == &p.unnamed && st != p.unnamed.latest && cap(st.text) <= 64<<10 {
		p.spare = st
	}
}

// queried takes note that a simple Query was executed, which ends the unnamed statement (exec_simple_query in postgres.c).
func (p *prepared) queried() {
	if st := p.unnamed.committed; st != nil {
		p.drop(&p.unnamed)
		p.spares(st)
	}
}

// dropAll takes note of DEALLOCATE ALL or DISCARD ALL, which leave the unnamed statement alone.
func (p *prepared) dropAll() {
	p.bySQL, p.unsure = false, false
	for _, s := range p.named {
		p.drop(s)
	}
}

func (p *prepared) drop(s *slot) {
	p.forget(s.committed)
	s.committed = nil
	p.rest(s)
}

// deallocated takes note of a DEALLOCATE; the expect names the slot if its text was understood.
func (p *prepared) deallocated(e *expect) {
	if e.kind == 'Q' && e.stmt != nil {
		p.drop(e.stmt.slot)
		return
	}
	p.unsure = len(p.named) > 0
}

// only drops all statements that are confirmed and not in the set.
func (p *prepared) only(names map[string]bool) {
	for name, s := range p.named {
		if s.committed != nil && !names[name] {
			p.drop(s)
		}
	}
	p.unsure = false
}
