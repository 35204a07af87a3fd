package prepared

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"
)

// TestTheAccountSaysWhatTheServerHas has a client and a model of PostgresMain (postgres.c) talk in any order, with errors at
// any place, while statements are prepared anew in between. Whenever the account is sure of a statement, a Bind that is sent
// then must find that one, nothing, or be skipped; and when all is answered the account and the server are the same.
func TestTheAccountSaysWhatTheServerHas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		t.Repeat(map[string]func(*rapid.T){
			"parse":  w.parse,
			"close":  w.close,
			"bind":   w.bind,
			"sync":   func(*rapid.T) { w.send(message{kind: 'S'}) },
			"query":  w.query,
			"anew":   w.anew,
			"serve":  w.serve,
			"serve+": func(t *rapid.T) { w.serve(t); w.serve(t); w.serve(t) },
			"":       func(*rapid.T) {},
		})
		w.finish(t)
	})
}

type (
	account   = Account[struct{}]
	stmt      = Statement[struct{}]
	sqlChange = Change[struct{}]
)

// A message is one that the client has sent, or that was sent unknown to it.
type message struct {
	kind    byte // P C B S Q, r and p (a hidden Close and Parse)
	name    string
	st      *stmt
	closed  *Name[struct{}]
	found   *stmt // of a Bind: what the account was sure of
	sure    bool
	changes *Changes[struct{}]
	script  []sqlStep
}

// A sqlStep is a statement of a Query: PREPARE, DEALLOCATE, DEALLOCATE ALL, one that fails, or any other.
type sqlStep struct {
	verb string
	name string
	st   *stmt
}

// A have is what the model of the server has under a name.
type have struct {
	st   *stmt
	text string
}

type world struct {
	a        account
	server   map[string]have
	inbox    []message
	skipping bool
	made     int
}

func newWorld(*rapid.T) *world {
	w := &world{server: map[string]have{}}
	w.a.Init(Reading{Encoding: "UTF8", Standard: true})
	return w
}

var names = []string{"", "a", "b"}

func (w *world) text() []byte {
	w.made++
	return fmt.Appendf(nil, "text %d", w.made)
}

func (w *world) send(m message) {
	switch m.kind {
	case 'P':
		w.a.SentParse(m.st)
	case 'C':
		if m.closed != nil {
			w.a.SentClose(m.closed)
		}
	case 'Q':
		if m.changes != nil {
			w.a.SentChanges(m.changes)
		}
		w.a.Group()
	case 'S':
		w.a.Group()
	}
	w.inbox = append(w.inbox, m)
}

func (w *world) parse(t *rapid.T) {
	name := rapid.SampledFrom(names).Draw(t, "name")
	st := w.a.Open([]byte(name), w.text(), nil)
	if rapid.Bool().Draw(t, "changed") {
		st.Have = Served{Text: "changed " + string(st.Text)}
	}
	w.send(message{kind: 'P', name: name, st: st})
}

func (w *world) close(t *rapid.T) {
	name := rapid.SampledFrom(names).Draw(t, "name")
	w.send(message{kind: 'C', name: name, closed: w.a.Named([]byte(name))})
}

func (w *world) bind(t *rapid.T) {
	name := rapid.SampledFrom(names).Draw(t, "name")
	st, sure := w.a.Find([]byte(name))
	w.send(message{kind: 'B', name: name, found: st, sure: sure})
}

func (w *world) query(t *rapid.T) {
	var m message
	var list []sqlChange
	for range rapid.IntRange(0, 3).Draw(t, "statements") {
		step := sqlStep{verb: rapid.SampledFrom([]string{"PREPARE", "DEALLOCATE", "DEALLOCATE ALL", "SELECT", "fail"}).Draw(t, "verb")}
		c := sqlChange{}
		step.name = rapid.SampledFrom(names[1:]).Draw(t, "name")
		switch step.verb {
		case "PREPARE":
			step.st = w.a.OpenSQL([]byte(step.name), w.text(), 0, "a string")
			c.Prepare = step.st
		case "DEALLOCATE":
			c.Deallocate = step.name
		case "DEALLOCATE ALL":
			c.All = true
		}
		m.script, list = append(m.script, step), append(list, c)
	}
	m.kind, m.changes = 'Q', NewChanges(list)
	w.send(m)
}

// anew prepares a statement in another text, as the session does: when all is answered, in one go.
func (w *world) anew(t *rapid.T) {
	name := rapid.SampledFrom(names).Draw(t, "name")
	for len(w.inbox) > 0 {
		w.serve(t)
	}
	st := w.a.Confirmed([]byte(name))
	if st == nil || w.skipping {
		return
	}
	w.made++
	w.a.Replace(st, Served{Text: fmt.Sprintf("anew %d", w.made)})
	w.inbox = append(w.inbox, message{kind: 'r', name: name, st: st}, message{kind: 'p', name: name, st: st})
	if !rapid.Bool().Draw(t, "open group") {
		w.inbox = append(w.inbox, message{kind: 'S'})
		w.a.Group()
	}
	for len(w.inbox) > 0 {
		w.serve(t)
	}
	w.a.Kept(st)
}

// serve has the server take the next message.
func (w *world) serve(t *rapid.T) {
	if len(w.inbox) == 0 {
		return
	}
	m := w.inbox[0]
	w.inbox = w.inbox[1:]
	fails := rapid.IntRange(0, 5).Draw(t, "luck") == 0
	switch {
	case m.kind == 'S':
		w.skipping = false
		w.a.Ready()
	case w.skipping:
		w.skip(m)
	case m.kind == 'Q':
		w.execute(m)
	case m.kind == 'P' && m.name != "" && w.server[m.name].st != nil, fails:
		w.skipping = true
		if m.kind == 'P' {
			w.a.ParseFailed(m.st)
			if m.name == "" {
				delete(w.server, "")
			}
		}
		w.skip(m)
	default:
		w.succeed(t, m)
	}
}

func (w *world) skip(m message) {
	switch m.kind {
	case 'P':
		w.a.ParseSkipped(m.st)
	case 'C':
		if m.closed != nil {
			w.a.CloseSkipped(m.closed)
		}
	case 'Q':
		if m.changes != nil {
			w.a.Over(m.changes)
		}
	}
}

func (w *world) succeed(t *rapid.T, m message) {
	switch m.kind {
	case 'P':
		w.server[m.name] = have{m.st, m.st.Have.Text}
		w.a.Parsed(m.st)
	case 'C':
		delete(w.server, m.name)
		if m.closed != nil {
			w.a.Closed(m.closed)
		}
	case 'B':
		if got := w.server[m.name].st; m.sure && got != nil && got != m.found {
			t.Fatalf("Bind of %q runs %q where %v was sure", m.name, got.Text, m.found)
		}
	case 'r':
		delete(w.server, m.name)
		w.a.Removed(m.st)
	case 'p':
		w.server[m.name] = have{m.st, m.st.Coming.Text}
		w.a.Replaced(m.st)
	}
}

// execute runs a simple Query.
func (w *world) execute(m message) {
	delete(w.server, "")
	for i, step := range m.script {
		_, exists := w.server[step.name]
		switch {
		case step.verb == "fail", step.verb == "PREPARE" && exists, step.verb == "DEALLOCATE" && !exists:
			w.over(m)
			return
		case step.verb == "PREPARE":
			w.server[step.name] = have{step.st, ""}
		case step.verb == "DEALLOCATE":
			delete(w.server, step.name)
		case step.verb == "DEALLOCATE ALL":
			maps.DeleteFunc(w.server, func(name string, _ have) bool { return name != "" })
		}
		w.a.Tag(m.changes, i, step.verb)
	}
	w.over(m)
}

func (w *world) over(m message) {
	if m.changes != nil {
		w.a.Over(m.changes)
	}
	w.a.Queried()
	w.a.Ready()
}

// finish has all answered, and compares.
func (w *world) finish(t *rapid.T) {
	w.send(message{kind: 'S'})
	for len(w.inbox) > 0 {
		w.serve(t)
	}
	others, bytes := 0, 0
	for _, name := range names {
		st, sure := w.a.Find([]byte(name))
		want, exists := w.server[name]
		if !sure || st != nil && !st.Have.Absent != exists || st == nil && exists || exists && (st != want.st || st.Have.Text != want.text) {
			t.Fatalf("under %q the account has %+v, and the server %+v", name, st, want)
		}
		if st != nil {
			bytes += st.cost()
			if st.other() {
				others++
			}
		}
	}
	if w.a.bytes != bytes || w.a.others != others || len(w.a.named) > 2 {
		t.Fatalf("%d bytes and %d in other texts are counted, where there are %d and %d", w.a.bytes, w.a.others, bytes, others)
	}
}
