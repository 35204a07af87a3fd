package proxy

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/wire"
)

func newQueue() *queue {
	q := new(queue)
	q.init(wire.Idle, prepared.Reading{})
	return q
}

func (q *queue) say(t *testing.T, kinds string) {
	t.Helper()
	for _, k := range []byte(kinds) {
		if k == 'f' {
			k = wire.CopyDone
		}
		if err := q.push(expect{kind: k}); err != nil {
			t.Fatal(err)
		}
	}
}

func (q *queue) hear(kinds string) {
	for _, k := range []byte(kinds) {
		body := []byte(nil)
		if k == wire.ReadyForQuery {
			body = []byte{wire.Idle}
		}
		q.respond(k, body)
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
		"copy in a query":                       {"Q", "G", "c", "CG", "Sc", "CZ"},
		"notices everywhere":                    {"PBES", "N1NS2ANCNZ"},
		"portal suspended":                      {"PBEES", "12DsDCZ"},
		"a ready too many":                      {"Q", "CZZ", "PBES", "12CZ"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := newQueue()
			for i, turn := range turns {
				if i%2 == 0 {
					q.say(t, turn)
				} else {
					q.hear(turn)
				}
			}
			if !q.quiet() || q.skipping || q.ring.readies != 0 {
				t.Errorf("%d answers are due, %+v", q.ring.n, q)
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
			q := newQueue()
			made := 0
			for _, a := range c.acts {
				e := expect{}
				switch a.say {
				case "hear":
					q.hear(a.name)
					continue
				case "P":
					e.stmt = q.stmts.Open([]byte(a.name), []byte(strconv.Itoa(made)), nil)
					made++
				case "C":
					e.name = q.stmts.Named([]byte(a.name))
				}
				e.kind = a.say[0]
				_ = q.push(e)
			}
			var got strings.Builder
			for _, n := range []string{"", "a", "b"} {
				if st, _ := q.stmts.Find([]byte(n)); st != nil {
					got.WriteString(n + string(st.Text))
				}
			}
			if got.String() != c.want {
				t.Errorf("prepared are %q, want %q", got.String(), c.want)
			}
			if c.want == "" && q.stmts.Any() {
				t.Error("names are left")
			}
		})
	}
}

func FuzzAServerCannotBreakTheQueue(f *testing.F) {
	f.Add("PBESQFc", "12CZEGTDn3sIVt")
	f.Fuzz(func(t *testing.T, said, heard string) {
		q := newQueue()
		for i := range max(len(said), len(heard)) {
			if i < len(said) && strings.IndexByte("QPBDECSFc", said[i]) >= 0 {
				e := expect{kind: said[i]}
				if said[i] == 'P' {
					e.stmt = q.stmts.Open([]byte{said[i]}, nil, nil)
				}
				_ = q.push(e)
			}
			if i < len(heard) {
				q.respond(heard[i], []byte{'I'})
			}
		}
		if q.ring.readies > q.ring.n {
			t.Fatalf("%+v", q)
		}
	})
}
