package proxy

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/wire"
)

func newPipeline() *pipeline {
	p := new(pipeline)
	p.init(wire.Idle, prepared.Reading{})
	return p
}

func (p *pipeline) say(kinds string) {
	for _, k := range []byte(kinds) {
		if k == 'f' {
			k = wire.CopyDone
		}
		p.push(expect{kind: k})
	}
}

func (p *pipeline) hear(kinds string) {
	for _, k := range []byte(kinds) {
		body := []byte(nil)
		if k == wire.ReadyForQuery {
			body = []byte{wire.Idle}
		}
		p.respond(k, body)
	}
}

// TestNothingIsDueWhenAllHasBeenAnswered lists what is sent (c stands for the end of a COPY) and answered in turn.
func TestNothingIsDueWhenAllHasBeenAnswered(t *testing.T) {
	t.Parallel()
	for name, turns := range map[string][]string{
		"a simple query":                        {"Q", "TDDCTDCIZ"},
		"an extended query":                     {"PBDES", "12TDCZ"},
		"two groups":                            {"PBESPBES", "12CZ12CZ"},
		"an error skips to sync":                {"PBESPBES", "1EZ12CZ"},
		"an error with sync to come":            {"PBE", "E", "PBEQS", "Z"},
		"a query skipped":                       {"PQS", "EZ"},
		"an error at sync":                      {"PBES", "12CEZ"},
		"a function call":                       {"F", "VZ", "F", "EZ"},
		"copy in with sync inside":              {"PBES", "12G", "ScS", "CZ"},
		"copy in sent whole":                    {"PBEcS", "12GCZ"},
		"copy in that fails, sync ahead":        {"PBES", "12GE", "cS", "Z"},
		"copy in that fails and was sent whole": {"PBEcS", "12GEZ"},
		"copy that never began":                 {"PBEcS", "12EZ", "Qc", "EZ"},
		"copy in that another message ends":     {"PBESPBES", "12GEZ", "Q", "CZ"},
		"copy in a query":                       {"Q", "G", "c", "CG", "Sc", "CZ"},
		"notices everywhere":                    {"PBES", "N1NS2ANCNZ"},
		"portal suspended":                      {"PBEES", "12DsDCZ"},
		"a ready too many":                      {"Q", "CZZ", "PBES", "12CZ"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPipeline()
			for i, turn := range turns {
				if i%2 == 0 {
					p.say(turn)
				} else {
					p.hear(turn)
				}
			}
			if !p.quiet() || p.skipping || p.ring.readies != 0 {
				t.Errorf("%d answers are due, %+v", p.ring.n, p)
			}
		})
	}
}

func TestTheRingKeepsItsOrderAndGivesMemoryBack(t *testing.T) {
	t.Parallel()
	var r ring
	random := rand.New(rand.NewPCG(1, 2))
	next, first := 0, 0
	stmts := make(map[*statement]int)
	for range 100000 {
		if random.IntN(3) > 0 || r.n == 0 {
			st := new(statement)
			stmts[st] = next
			next++
			r.push(expect{kind: wire.Sync, stmt: st})
		} else {
			if e := r.pop(); stmts[e.stmt] != first {
				t.Fatalf("got %d, want %d", stmts[e.stmt], first)
			}
			first++
		}
		if r.readies != r.n || r.n != next-first {
			t.Fatalf("%d of %d", r.readies, r.n)
		}
	}
	for r.n > 0 {
		r.pop()
	}
	if len(r.slots) != ringRoom {
		t.Errorf("%d slots are kept", len(r.slots))
	}
}

func TestPreparedStatementsAreThoseTheServerHas(t *testing.T) {
	t.Parallel()
	type act struct {
		say, name string
	}
	for name, c := range map[string]struct {
		acts []act
		want string // names with the number of the Parse that made them
	}{
		"confirmed":                    {[]act{{"P", "a"}, {"S", ""}, {"hear", "1Z"}}, "a0"},
		"expected":                     {[]act{{"P", "a"}}, "a0"},
		"failed":                       {[]act{{"P", "a"}, {"S", ""}, {"hear", "EZ"}}, ""},
		"failed to replace":            {[]act{{"P", "a"}, {"S", ""}, {"hear", "1Z"}, {"P", "a"}, {"S", ""}, {"hear", "EZ"}}, "a0"},
		"closed":                       {[]act{{"P", "a"}, {"S", ""}, {"hear", "1Z"}, {"C", "a"}, {"S", ""}, {"hear", "3Z"}}, ""},
		"close skipped":                {[]act{{"P", "a"}, {"S", ""}, {"hear", "1Z"}, {"P", "b"}, {"C", "a"}, {"S", ""}, {"hear", "EZ"}}, "a0"},
		"closed and made again":        {[]act{{"P", "a"}, {"C", "a"}, {"P", "a"}, {"S", ""}, {"hear", "131Z"}}, "a1"},
		"skipped, later one not":       {[]act{{"P", "a"}, {"S", ""}, {"P", "a"}, {"S", ""}, {"hear", "EZ"}}, "a1"},
		"unnamed replaced":             {[]act{{"P", ""}, {"P", ""}, {"S", ""}, {"hear", "11Z"}}, "1"},
		"unnamed, second one skipped":  {[]act{{"P", ""}, {"S", ""}, {"hear", "1Z"}, {"B", ""}, {"P", ""}, {"S", ""}, {"hear", "EZ"}}, "0"},
		"while the server skips":       {[]act{{"B", ""}, {"hear", "E"}, {"P", "a"}, {"S", ""}, {"hear", "Z"}}, ""},
		"nothing is left of a failure": {[]act{{"B", ""}, {"P", "a"}, {"P", "b"}, {"S", ""}, {"hear", "EZ"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPipeline()
			made := 0
			for _, a := range c.acts {
				e := expect{}
				switch a.say {
				case "hear":
					p.hear(a.name)
					continue
				case "P":
					e.stmt = p.stmts.Open([]byte(a.name), []byte(strconv.Itoa(made)), nil)
					made++
				case "C":
					e.name = p.stmts.Named([]byte(a.name))
				}
				e.kind = a.say[0]
				p.push(e)
			}
			var got strings.Builder
			for _, n := range []string{"", "a", "b"} {
				if st, _ := p.stmts.Find([]byte(n)); st != nil {
					got.WriteString(n + string(st.Text))
				}
			}
			if got.String() != c.want {
				t.Errorf("prepared are %q, want %q", got.String(), c.want)
			}
			if c.want == "" && p.stmts.Any() {
				t.Error("names are left")
			}
		})
	}
}

// TestATransactionIsOpenForAsLongAsTheServerIsAtIt goes by a clock that shows how many messages have been sent and received.
func TestATransactionIsOpenForAsLongAsTheServerIsAtIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		states string // of each ReadyForQuery
		talk   []string
		want   []time.Duration // after each part of the talk
	}{
		"a statement":                    {"I", []string{"Q", "CZ"}, []time.Duration{1, 0}},
		"a block":                        {"TTI", []string{"Q", "CZ", "Q", "CZ", "Q", "CZ"}, []time.Duration{1, 3, 4, 6, 7, 0}},
		"a group that waits for another": {"II", []string{"QQ", "CZ", "CZ"}, []time.Duration{2, 1, 0}},
		"a group that is open":           {"I", []string{"PBE", "12C", "S", "Z"}, []time.Duration{3, 6, 7, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPipeline()
			now := time.Unix(0, 1)
			p.clock = func() time.Time { return now }
			states := c.states
			for i, part := range c.talk {
				for _, kind := range []byte(part) {
					if strings.IndexByte("QPBES", kind) >= 0 {
						p.push(expect{kind: kind})
					} else if kind == wire.ReadyForQuery {
						p.respond(kind, []byte{states[0]})
						states = states[1:]
					} else {
						p.respond(kind, nil)
					}
					now = now.Add(1)
				}
				if got := p.busyFor(); got != c.want[i] {
					t.Errorf("after part %d it is open for %d, want %d", i, got, c.want[i])
				}
			}
		})
	}
}

func FuzzAServerCannotBreakThePipeline(f *testing.F) {
	f.Add("PBESQFc", "12CZEGTDn3sIVt")
	f.Fuzz(func(t *testing.T, said, heard string) {
		p := newPipeline()
		for i := range max(len(said), len(heard)) {
			if i < len(said) && strings.IndexByte("QPBDECSFc", said[i]) >= 0 {
				e := expect{kind: said[i]}
				if said[i] == 'P' {
					e.stmt = p.stmts.Open([]byte{said[i]}, nil, nil)
				}
				p.push(e)
			}
			if i < len(heard) {
				p.respond(heard[i], []byte{'I'})
			}
		}
		if p.ring.readies > p.ring.n {
			t.Fatalf("%+v", p)
		}
	})
}
