package proxy

import (
	"bytes"
	"io"
	"slices"

	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rewrite/prefilter"
)

// A text that cannot be held passes by: what came of it is sent on while it is looked at (prefilter.Passing). The server does
// nothing with a message before it has the whole of it. So if a name under migration comes up when a part has been sent,
// zero bytes are sent in place of all that is still to come: the text then ends too early for the length of its message,
// the server refuses that as invalid (pq_getmsgend, before anything is executed), and the client gets our refusal in place
// of that error. What fails, is skipped or is aborted with it is the server's own doing, as with a stand-in.

const (
	// firstPart is what is looked at before anything is sent, in bytes: most texts name their tables early.
	firstPart = 128 << 10

	// maxBehindText is what a Parse has behind its text at the most: a zero byte, and the types of 65,535 parameters.
	maxBehindText = 1 + 2 + 4*65_535

	// heldBack are so many bytes of a text that its message is invalid when zeros are sent in their place.
	heldBack = 2
)

var zeros [16 << 10]byte

// A passing is the part of a Query or Parse from its text on, on its way to the server. It implements io.Writer for what the
// client sends.
type passing struct {
	out    *wire.Writer
	look   *prefilter.Passing
	refuse func() // says what the client is to get; called once, before the first zero byte, since the server may answer as soon as it has the last
	back   []byte // the last bytes of the text so far, not sent
	behind []byte // what came behind the text, not sent
	ended  bool   // the text has
	spoilt bool   // zeros are sent
	broken bool   // there is more behind the text than can be right: the server says so
}

// Write looks at the next part of the message, which is not kept, and sends what may be sent.
func (p *passing) Write(part []byte) (int, error) {
	n := len(part)
	text := part
	if p.ended {
		text = nil
	} else if end := bytes.IndexByte(part, 0); end >= 0 {
		text, p.ended = part[:end], true
	}
	_, _ = p.look.Write(text)
	if p.look.Hit() == prefilter.Names && !p.spoilt && !p.broken {
		if err := p.spoil(); err != nil {
			return 0, err
		}
	}
	if p.spoilt {
		return n, p.blank(n)
	}
	if err := p.send(text); err != nil {
		return 0, err
	}
	p.behind = append(p.behind, part[len(text):]...)
	if len(p.behind) > maxBehindText {
		p.broken = true
		return n, p.release()
	}
	return n, nil
}

// send sends a part of the text, and what was held back before it, but for the last bytes.
func (p *passing) send(text []byte) error {
	if len(text) < heldBack {
		text = slices.Concat(p.back, text)
		p.back = p.back[:0]
	}
	keep := max(0, len(text)-heldBack)
	if _, err := p.out.Write(p.back); err != nil {
		return err
	}
	if _, err := p.out.Write(text[:keep]); err != nil {
		return err
	}
	p.back = append(p.back[:0], text[keep:]...)
	return nil
}

// release sends all that was held back.
func (p *passing) release() error {
	_, err := p.out.Write(p.back)
	if err == nil {
		_, err = p.out.Write(p.behind)
	}
	p.back, p.behind = nil, nil
	return err
}

// spoil makes the message invalid.
func (p *passing) spoil() error {
	p.spoilt = true
	p.refuse()
	n := len(p.back) + len(p.behind)
	p.back, p.behind = nil, nil
	return p.blank(n)
}

func (p *passing) blank(n int) error {
	for n > 0 {
		k := min(n, len(zeros))
		if _, err := p.out.Write(zeros[:k]); err != nil {
			return err
		}
		n -= k
	}
	return nil
}

// passBy sends the message in s.frame, a Query or a Parse that cannot be held, while it is looked at. It blocks. errMoved: nothing was
// sent.
func (s *session) passBy(now *epoch, t *passingText) error {
	var err error
	if s.frame, err = s.client.In.ReadPart(s.frame, firstPart); err != nil {
		return err
	}
	head := 5
	if s.frame.Type == wire.Parse {
		end := bytes.IndexByte(s.frame.Body, 0)
		if end < 0 {
			return s.refusePassing(t.why()) // of a name that long the server takes a part
		}
		t.name, head = s.frame.Body[:end], 5+end+1
	}
	raw := s.frame.Raw
	first := raw[head:]
	if end := bytes.IndexByte(first, 0); end >= 0 {
		first = first[:end]
	}
	if prefilter.NewPassing(t.look).All(first) == prefilter.Names {
		return s.refusePassing(t.why())
	}
	t.first = first
	e, err := t.begin()
	if err != nil {
		return err
	}
	fail := new(wire.Error)
	e.fail = fail
	p := &passing{out: s.server.Out, look: prefilter.NewPassing(t.look)}
	p.refuse = func() {
		s.queue.mu.Lock()
		defer s.queue.mu.Unlock()
		*fail = *t.why()
	}
	due := s.dueNow()
	if _, err := s.pushIn(now, e); err != nil {
		return err
	}
	if _, err := s.server.Out.Write(raw[:head]); err != nil {
		return err
	}
	if _, err := p.Write(raw[head:]); err != nil {
		return err
	}
	if err := s.client.In.CopyRest(p); err != nil {
		return err
	}
	hit := p.look.Close()
	if hit != prefilter.Names && t.types != nil && len(p.behind) > 0 {
		hit = max(hit, t.types(p.behind[1:]))
	}
	if hit != prefilter.Names || p.broken {
		t.end(hit, due)
		if err := p.release(); err != nil {
			return err
		}
		return s.bound()
	}
	if !p.spoilt {
		if err := p.spoil(); err != nil {
			return err
		}
	}
	return s.bound()
}

// A passingText is what differs between the texts that pass by.
type passingText struct {
	look  func(part []byte) prefilter.Hit
	types func(behind []byte) prefilter.Hit // what the types of a Parse come to; nil: nothing
	why   func() *wire.Error                // refuses one with names
	begin func() (expect, error)            // says what to expect, before anything is sent
	end   func(hit prefilter.Hit, due uint64)

	name  []byte // of a Parse
	first []byte // of the text
}

// refusePassing refuses the message in s.frame, of which nothing was sent, when all of it has come.
func (s *session) refusePassing(why *wire.Error) error {
	kind := s.frame.Type
	unnamed := kind == wire.Parse && s.frame.Body[0] == 0
	if err := s.client.In.CopyRest(io.Discard); err != nil {
		return err
	}
	s.frame = wire.Frame{}
	m := s.standIn(kind, why)
	if unnamed {
		m = s.standInParse(why, true)
	}
	return s.send(&m)
}

// passQuery is the outcome of a Query that cannot be held, while a migration is live.
func (s *session) passQuery(now *epoch) outcome {
	executes := s.mayExecute()
	t := &passingText{
		look: func(part []byte) prefilter.Hit {
			return s.matchMore(now, part, now.binder.MatchPart(part, executes))
		},
		why: s.tooLarge(now),
		end: func(hit prefilter.Hit, due uint64) { s.passed(now, hit, due) },
	}
	t.begin = func() (expect, error) {
		s.doubtIfBlock(t.first)
		return expect{kind: wire.Query, sql: prepared.Unknown[memo](), piece: s.piece}, nil
	}
	return outcome{in: now, instead: &instead{passing: t}}
}

// passQueryUnseen is the outcome of a Query that cannot be held while nothing is live, in a session in which something may be
// prepared in other words than the client's: it must not be executed in those.
func (s *session) passQueryUnseen(now *epoch) outcome {
	t := &passingText{
		look: func(part []byte) prefilter.Hit {
			if prepared.MayExecute(part) {
				return prefilter.Names
			}
			return prefilter.Miss
		},
		why: s.tooLarge(now),
		end: func(prefilter.Hit, uint64) {},
	}
	t.begin = func() (expect, error) {
		s.doubtIfBlock(t.first)
		return expect{kind: wire.Query, sql: prepared.Unknown[memo](), piece: s.piece}, nil
	}
	return outcome{in: now, instead: &instead{passing: t}}
}

// passParse is the outcome of a Parse that cannot be held, while a migration is live. Its text is not remembered.
func (s *session) passParse(now *epoch) outcome {
	executes := s.mayExecute()
	var st *statement
	t := &passingText{
		look: func(part []byte) prefilter.Hit {
			return s.matchKeptMore(now, part, nil, now.binder.MatchPart(part, executes))
		},
		types: func(behind []byte) prefilter.Hit {
			types, _ := typesOf(nil, behind)
			if rows, _ := now.binder.MatchTypes(types); rows {
				return prefilter.Names
			}
			return prefilter.Miss
		},
		why: s.tooLarge(now),
	}
	t.begin = func() (expect, error) {
		if len(t.name) == 0 {
			// If the message turns out invalid, the server does not get as far as to drop the unnamed statement before it.
			s.queue.mu.Lock()
			unnamed := s.queue.stmts.Named(nil)
			s.queue.mu.Unlock()
			e := expect{kind: wire.Close, name: unnamed, flags: hidden}
			if err := s.send(&sending{expect: e, as: asCloseOfNothing}); err != nil {
				return expect{}, err
			}
		}
		st = s.open(t.name, nil, nil, true)
		s.follows = s.follows || mayPrepare(t.first)
		return expect{kind: wire.Parse, stmt: st}, nil
	}
	t.end = func(hit prefilter.Hit, _ uint64) {
		st.Memo.analysis = analysis{binder: now.binder, made: now.made, hit: hit, control: controlOf(t.first)}
	}
	return outcome{in: now, instead: &instead{passing: t}}
}

// tooLarge makes the refusal of the text in s.frame.
func (s *session) tooLarge(now *epoch) func() *wire.Error {
	size := s.frame.Size() - 6
	return func() *wire.Error {
		if size > now.binder.MaxBytes() {
			return ownError(now.binder.TooLarge(size))
		}
		return ownError(now.binder.NoMemory())
	}
}

// passed takes note of what a Query that passes by may change. due is the number of the ReadyForQuery that ends it.
func (s *session) passed(now *epoch, hit prefilter.Hit, due uint64) {
	s.runCode()
	if hit != prefilter.StateWords {
		return
	}
	s.announceAll(now, []rewrite.Made{{Runs: true, Changes: true, Makes: true}}, true)
	s.change()
	s.state.changedAt = due
}

// doubtIfBlock takes note that a text of which this is the first part may prepare something where it is not seen.
func (s *session) doubtIfBlock(first []byte) {
	if word := firstWord(first); bytes.EqualFold(word, []byte("do")) || bytes.EqualFold(word, []byte("call")) {
		s.doubtPrepared()
	}
}

// dueNow is the number of the ReadyForQuery that will end what is sent now.
func (s *session) dueNow() uint64 {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return s.queue.readyDue()
}
