package migrate

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"testing"
	"time"
)

// wrong says what is wrong with a world; "" when nothing is.
func (w *world) wrong() string {
	for n := range w.instances {
		if self := &w.instances[n]; self.serves && self.by != w.epoch {
			return fmt.Sprintf("an instance serves epoch %d while %d is in force", self.by, w.epoch)
		}
	}
	return ""
}

// ends tells whether everybody serves in the end when nothing fails any more, and everybody does what is to be done.
func (m *model) ends(w world) bool {
	calm := *m
	calm.faults = w.faults
	for range 80 {
		served := w.attempt == 0
		for n := range m.fleet {
			served = served && w.instances[n].serves
		}
		if served {
			return true
		}
		calm.sensible(&w).then(&w)
	}
	return false
}

// sensible is the event that comes next when everybody is quick, the leader wants the transition, and an attempt is given up
// when its time is over.
func (m *model) sensible(w *world) event {
	var passes event
	for _, e := range m.events(w) {
		switch e.what {
		case "time passes":
			passes = e
		case "the leader sets a gate", "the leader rolls back":
		case "the leader gives the attempt up":
			if w.left == 0 && !m.agreed(w) {
				return e
			}
		case names[0].beats, names[1].beats:
			// Reads go on for ever. They come when there is news, and once a tick.
			n := strings.Index("ab", e.what[:1])
			g := &w.instances[n].gate
			if w.rows[n].silence > 0 || g.withdrawn || g.attempt != 0 && g.attempt != w.attempt || g.attempt == 0 && !w.instances[n].serves {
				return e
			}
		default:
			return e
		}
	}
	return passes
}

// start is a world in which nothing has happened yet.
func (m *model) start() world {
	w := world{pending: true}
	for n := range m.fleet {
		w.rows[n].there = true
		w.instances[n] = modelInstance{running: true, serves: true, gate: modelGate{serve: m.lease}}
	}
	if last := m.fleet - 1; m.joins {
		w.rows[last], w.instances[last] = modelRow{}, modelInstance{gate: modelGate{snap: -1}}
	}
	return w
}

// explore visits every world that can come of the first, and returns how many there are, and how the first that is wrong, or has
// no good end, has come about. It looks at the end of one world of so many.
func (m *model) explore(one int) (worlds int, wrong []string) {
	type step struct {
		from int32
		what string
	}
	seed := maphash.MakeSeed()
	key := func(w *world) uint64 {
		// Which instance is which makes no difference.
		mirrored := *w
		mirrored.rows[0], mirrored.rows[1] = w.rows[1], w.rows[0]
		mirrored.instances[0], mirrored.instances[1] = w.instances[1], w.instances[0]
		return min(maphash.Comparable(seed, *w), maphash.Comparable(seed, mirrored))
	}
	all, steps, known := []world{m.start()}, []step{{from: -1}}, map[uint64]struct{}{}
	for at := 0; at < len(all); at++ {
		w := all[at]
		problem := w.wrong()
		if problem == "" && at%one == 0 && !m.ends(w) {
			problem = fmt.Sprintf("an instance does not serve any more: %+v", w)
		}
		if problem != "" {
			for i := int32(at); i > 0; i = steps[i].from {
				wrong = append(wrong, steps[i].what)
			}
			slices.Reverse(wrong)
			return len(all), append(wrong, problem)
		}
		for _, e := range m.events(&w) {
			next := w
			e.then(&next)
			if e.fault {
				next.faults++
			}
			if k := key(&next); !seen(known, k) {
				all, steps = append(all, next), append(steps, step{int32(at), e.what})
			}
		}
	}
	return len(all), nil
}

// seen tells whether the key is known, and makes it so.
func seen(known map[uint64]struct{}, key uint64) bool {
	_, was := known[key]
	known[key] = struct{}{}
	return was
}

// One instance is enough for a fleet of any size: the others can only keep the leader from what it may do here at any time.
func TestEveryOrderOfEventsAtAGateIsSafe(t *testing.T) {
	t.Parallel()
	for _, m := range []*model{
		{fleet: 1, faults: 2, attempts: 2, lease: 2, limit: 2},
		{fleet: 1, faults: 2, attempts: 2, lease: 2, limit: 1, joins: true},
	} {
		m.mustHold(t)
	}
}

func (m *model) mustHold(t *testing.T) {
	t.Helper()
	began := time.Now()
	n, wrong := m.explore(50)
	if wrong != nil {
		t.Fatalf("%+v: the last of %d worlds came about so:\n%s", m, n, strings.Join(wrong, "\n"))
	}
	t.Logf("%+v: %d worlds in %s", m, n, time.Since(began))
}

func TestTheModelOfTheGateMissesEveryGuard(t *testing.T) {
	t.Parallel()
	for _, guard := range guards {
		m := &model{fleet: 1, faults: 1, attempts: 1, lease: 2, limit: 1, without: guard}
		n, wrong := m.explore(50)
		if wrong == nil {
			m.joins = true
			n, wrong = m.explore(50)
		}
		if wrong == nil {
			t.Errorf("without %s nothing goes wrong in %d worlds", guard, n)
			continue
		}
		t.Logf("without %s, the last of %d worlds:\n%s", guard, n, strings.Join(wrong, "\n"))
	}
}
