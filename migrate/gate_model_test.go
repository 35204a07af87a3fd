package migrate

import (
	"errors"
	"slices"
	"time"

	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// The model is of one transition in a fleet. The gate of each instance (gateState) and what the leader's transaction checks
// (stands, agreed) are the code that runs; the rows, the clock, the connections and the processes are the model's. Every
// order of events is tried: what is on its way can arrive at any later time, or never. The leader is taken to do any of its
// steps at any moment, so that nothing rests on the order in which it does them, but on what its transaction checks.
//
// Time is in ticks. The only thing that happens without delay is what a process does by its own clock: a process that
// is frozen past its lease is not promised anything (docs/cutover.md, failure modes). That a statement in flight is waited for
// is Traffic's part.
type world struct {
	epoch     int8 // in force; the names in the database are its
	pending   bool
	attempt   int8 // 0: no gate is set
	left      int8 // ticks until that is over
	attempts  int8 // gates that were set until now
	checked   bool // the leader's transaction has checked and holds the epoch and all rows that were there
	rows      [2]modelRow
	instances [2]modelInstance
	faults    int8 // that have happened
}

// A modelRow is a row of segue.instance.
type modelRow struct {
	there, expired bool
	locked         bool // by the leader's transaction
	epoch          int8
	acknowledged   int8
	silence        int8 // age of the heartbeat
}

type modelInstance struct {
	running bool
	gate    modelGate
	reading modelRead
	working modelWork
	unheard int8 // attempt whose acknowledgement the server may still get, though nobody waits for the answer; 0: none

	serves bool // Traffic is open
	by     int8 // the epoch that it was opened with
}

// A modelRead is how far the follower is.
type modelRead struct {
	step           readStep
	age            int8 // since it was begun
	renewed        bool
	knows          bool // it was begun after the withdrawal of the gate's attempt
	epoch, attempt int8 // as they were read
	left           int8 // of the gate, when that was read
}

type readStep byte

const (
	toBeat readStep = iota
	toRegister
	toRead
	toTell
)

// modelWork is how far the task of the gate is.
type modelWork byte

const (
	nothing modelWork = iota
	toDrain           // statements in flight are waited for
	toWrite           // the acknowledgement or the withdrawal is on its way
	toHear            // it was written, and the answer is on its way
)

// A modelGate is a gateState with ages for times: none is looked at but by how far it is from now.
type modelGate struct {
	snap                        int8 // -1: none
	closed, suspended, promised bool
	serve, until                int8 // ticks to come
	withdrawn                   bool // a read knows when
	attempt, refused            int8
	task                        task
}

const tick = time.Second

var modelNow = time.Unix(1_000_000, 0)

func at(ticks int8) time.Time { return modelNow.Add(time.Duration(ticks) * tick) }

// ticksTo is how far off a time is; what is over is 0.
func ticksTo(t time.Time) int8 { return int8(max(0, (t.Sub(modelNow)+tick-1)/tick)) }

// A modelHand runs the gate of one instance, and is what it does things with.
type modelHand struct {
	m    *model
	self *modelInstance
	gate gateState
}

func (m *model) hand(w *world, n int) *modelHand {
	self := &w.instances[n]
	k := &self.gate
	h := &modelHand{m: m, self: self}
	h.gate = gateState{lease: time.Duration(m.lease) * tick, closed: k.closed, promised: k.promised, serve: at(k.serve), until: at(k.until),
		attempt: int64(k.attempt), refused: int64(k.refused), task: k.task}
	if k.snap >= 0 {
		h.gate.snap = snapshots[k.snap]
	}
	if k.suspended {
		h.gate.suspended = modelOutage
	}
	switch {
	case k.withdrawn && self.reading.knows:
		h.gate.withdrawn = at(-self.reading.age - 1)
	case k.withdrawn:
		h.gate.withdrawn = modelNow // later than any read was begun
	}
	return h
}

var modelOutage = &Outage{Kind: OutOfTouch}

// keep stores the gate back into the world.
func (h *modelHand) keep() {
	g := &h.gate
	k := modelGate{snap: -1, closed: g.closed, suspended: g.suspended != nil, promised: g.promised, serve: ticksTo(g.serve),
		withdrawn: !g.withdrawn.IsZero(), attempt: int8(g.attempt), refused: int8(g.refused), task: g.task}
	if g.snap != nil {
		k.snap = int8(g.snap.Epoch)
	}
	if g.attempt != 0 {
		k.until = ticksTo(g.until)
	}
	h.self.gate = k
}

func (h *modelHand) now() time.Time         { return modelNow }
func (h *modelHand) suspend(*Outage)        { h.self.serves = false }
func (h *modelHand) open(s *rules.Snapshot) { h.self.serves, h.self.by = true, int8(s.Epoch) }
func (h *modelHand) withdraw(int64)         { h.self.working = toWrite }
func (h *modelHand) hold(*store.Transition, time.Time) {
	h.self.serves, h.self.working = false, toDrain
}
func (h *modelHand) endTask() {
	h.giveUpWaiting()
	h.self.working = nothing
}

// giveUpWaiting leaves an acknowledgement that is on its way to whoever gets it.
func (h *modelHand) giveUpWaiting() {
	if h.self.working == toWrite && h.gate.task == holding {
		h.self.unheard = int8(h.gate.attempt)
	}
}

// worked ends the task of the gate.
func (h *modelHand) worked(err error) {
	h.giveUpWaiting()
	h.self.working = nothing
	h.gate.worked(err, h)
	if h.m.without == "staying closed after a promise" {
		h.gate.promised = false
	}
	h.keep()
}

// A model is how much is tried, and which guard of the protocol is taken away.
type model struct {
	fleet        int  // 1 or 2 instances
	faults       int8 // at most: an instance killed, the server restarted, a connection lost
	attempts     int8 // at most
	lease, limit int8 // and the drain limit, in ticks
	joins        bool // the last instance is not there yet
	without      string
}

// guards are those without which something goes wrong. How a model without one behaves is where the name stands.
var guards = []string{
	"staying closed after a promise",
	"a read begun after the withdrawal",
	"the lease",
	"the acknowledgements in the leader's check",
	"patience longer than the lease",
	"registering after expiry",
	"registration behind the leader's lock",
	"withdrawal of what is still on its way",
	"withdrawal by registration",
}

// longAgo is an age at which a lease that was renewed then is over, and so is the leader's patience.
func (m *model) longAgo() int8 {
	return int8((patience(time.Duration(m.lease)*tick) + tick - 1) / tick)
}

var errModel = errors.New("the connection was lost")

// An event is something that can happen in a world.
type event struct {
	what  string
	fault bool
	then  func(*world)
}

// events are all that can happen next.
func (m *model) events(w *world) []event {
	all := m.leader(w, make([]event, 0, 16))
	all = append(all, event{"time passes", false, m.pass})
	for n := range m.fleet {
		all = m.instance(w, n, all)
	}
	if w.faults == m.faults {
		return slices.DeleteFunc(all, func(e event) bool { return e.fault })
	}
	return append(all, event{"the server restarts", true, m.restart})
}

// instance has what can happen to an instance.
func (m *model) instance(w *world, n int, all []event) []event {
	self := &w.instances[n]
	if self.unheard != 0 && !w.rows[n].locked {
		all = append(all, event{names[n].late, false, func(w *world) {
			m.acknowledge(w, n, w.instances[n].unheard)
			w.instances[n].unheard = 0
		}})
	}
	if !self.running {
		return append(all, event{names[n].starts, false, func(w *world) {
			w.instances[n] = modelInstance{running: true, gate: modelGate{snap: -1}, reading: modelRead{step: toRegister}, unheard: w.instances[n].unheard}
		}})
	}
	all = m.follower(w, n, all)
	all = m.task(w, n, all)
	return append(all, event{names[n].killed, true, func(w *world) {
		m.hand(w, n).giveUpWaiting()
		w.instances[n] = modelInstance{gate: modelGate{snap: -1}, unheard: w.instances[n].unheard}
	}})
}

// restart is one of the server: connections end, and what was on its way is lost.
func (m *model) restart(w *world) {
	w.unlock()
	for n := range m.fleet {
		if self := &w.instances[n]; self.running {
			self.reading = modelRead{step: toRegister}
			if self.working > toDrain {
				m.hand(w, n).worked(errModel)
			}
		}
		w.instances[n].unheard = 0
	}
}

// names are what is said of the instances.
var names = func() (all [2]struct {
	late, starts, killed, expired, registers, beats, reads, acts, cut, drains, undrained, writes, hears, unheard string
}) {
	for n, id := range []string{"a", "b"} {
		x := &all[n]
		x.late, x.starts, x.killed = "a late acknowledgement of "+id+" arrives", id+" starts", id+" is killed"
		x.expired, x.registers, x.beats = "the leader takes "+id+" for lost", id+" registers", id+" beats"
		x.reads, x.acts, x.cut = id+" reads", id+" acts on what it read", id+" loses its control connection"
		x.drains, x.undrained = id+" has drained", id+" has not drained in time"
		x.writes, x.hears, x.unheard = id+" writes its answer", id+" hears that it is written", id+" does not hear whether it is written"
	}
	return all
}()

// leader has what whoever leads may do.
func (m *model) leader(w *world, all []event) []event {
	if w.checked {
		return append(all,
			event{"the leader commits", false, func(w *world) {
				w.pending, w.attempt, w.left = false, 0, 0
				w.epoch++
				w.unlock()
			}},
			event{"the leader rolls back", false, (*world).unlock})
	}
	limit := patience(time.Duration(m.lease) * tick)
	if m.without == "patience longer than the lease" {
		limit = tick
	}
	for n, row := range w.rows {
		if row.there && !row.expired && time.Duration(row.silence)*tick >= limit {
			all = append(all, event{names[n].expired, false, func(w *world) {
				w.rows[n].expired, w.rows[n].acknowledged = true, min(w.rows[n].acknowledged, 0)
			}})
		}
	}
	switch {
	case !w.pending:
	case w.attempt != 0:
		all = append(all, event{"the leader gives the attempt up", false, func(w *world) { w.attempt, w.left = 0, 0 }})
		if m.agreed(w) {
			all = append(all, event{"the leader has checked", false, func(w *world) {
				w.checked = true
				for n := range w.rows {
					w.rows[n].locked = w.rows[n].there
				}
			}})
		}
	case w.attempts < m.attempts:
		all = append(all, event{"the leader sets a gate", false, func(w *world) { w.attempts++; w.attempt, w.left = w.attempts, m.limit }})
	}
	return all
}

// unlock ends the leader's transaction.
func (w *world) unlock() {
	w.checked = false
	for n := range w.rows {
		w.rows[n].locked = false
	}
}

// agreed is what the leader's transaction checks.
func (m *model) agreed(w *world) bool {
	attempt := int64(w.attempt)
	if m.without == "the acknowledgements in the leader's check" {
		attempt = 0
	}
	begun := &move{Transition: &store.Transition{}, migration: &rules.Migration{ID: "m"}, epoch: int64(w.epoch)}
	if stands(begun, &store.Transition{Migration: "m", Gate: store.Gate{Attempt: attempt}}, attempt, int64(w.epoch)) != nil {
		return false
	}
	var rows []*store.InstanceRow
	for _, r := range w.rows {
		if r.there {
			rows = append(rows, &store.InstanceRow{Epoch: int64(r.epoch), Acknowledged: int64(r.acknowledged), Expired: r.expired})
		}
	}
	return agreed(rows, attempt, int64(w.epoch)) == nil
}

// pass lets a tick pass. What processes do by their own clocks they do at once.
func (m *model) pass(w *world) {
	older := func(age *int8) { *age = min(*age+1, m.longAgo()) }
	nearer := func(left *int8) { *left = max(*left-1, 0) }
	nearer(&w.left)
	for n := range m.fleet {
		older(&w.rows[n].silence)
		self := &w.instances[n]
		if !self.running {
			continue
		}
		if self.reading.step >= toRead {
			older(&self.reading.age)
		}
		nearer(&self.gate.serve)
		nearer(&self.gate.until)
		if m.without == "the lease" {
			self.gate.serve = m.lease
		}
		if h := m.hand(w, n); !modelNow.Before(h.gate.due(modelNow)) {
			h.gate.overdue(h)
			h.keep()
		}
	}
}

// follower has what can happen to the reading of the control tables. A read is begun when its heartbeat is written: that it
// was begun earlier only makes the lease shorter.
func (m *model) follower(w *world, n int, all []event) []event {
	fenced := m.without != "registering after expiry"
	switch w.instances[n].reading.step {
	case toRegister:
		if w.rows[n].locked || w.checked && m.without != "registration behind the leader's lock" {
			return all
		}
		return append(all, event{names[n].registers, false, func(w *world) {
			row := modelRow{there: true, epoch: max(w.instances[n].gate.snap, 0)}
			if w.rows[n].there && m.without != "withdrawal by registration" {
				row.acknowledged = -w.attempt
			}
			w.rows[n] = row
			w.instances[n].reading = modelRead{}
		}})
	case toBeat:
		all = append(all, event{names[n].beats, false, func(w *world) {
			self, row := &w.instances[n], &w.rows[n]
			self.reading = modelRead{step: toRead, knows: self.gate.withdrawn || m.without == "a read begun after the withdrawal"}
			// It waits for nobody, so it renews nothing while the leader has the row.
			if !row.locked && row.there && (!row.expired || !fenced) {
				row.silence, row.epoch, self.reading.renewed = 0, max(self.gate.snap, 0), true
			}
		}})
	case toRead:
		all = append(all, event{names[n].reads, false, func(w *world) {
			r := &w.instances[n].reading
			if row := w.rows[n]; row.expired && fenced {
				*r = modelRead{step: toRegister}
				h := m.hand(w, n)
				h.gate.lost(h)
				h.keep()
				return
			}
			r.step, r.epoch, r.attempt, r.left = toTell, w.epoch, w.attempt, w.left
		}})
	case toTell:
		all = append(all, event{names[n].acts, false, func(w *world) {
			h, o := m.hand(w, n), w.instances[n].reading.observation()
			w.instances[n].reading = modelRead{}
			if h.gate.snap == nil && !usable(o, h.gate.lease, modelNow) {
				return // it starts with another one
			}
			h.gate.take(o, h)
			h.keep()
		}})
	}
	return append(all, event{names[n].cut, true, func(w *world) { w.instances[n].reading = modelRead{step: toRegister} }})
}

// observation is what was read, as the follower hands it on.
func (r *modelRead) observation() *observation {
	o := &observation{begun: at(-r.age), renewed: r.renewed, snap: snapshots[r.epoch], state: &store.State{Epoch: int64(r.epoch), Registered: true}}
	if r.attempt != 0 {
		until := at(r.left)
		o.state.Transition = &store.Transition{Gate: store.Gate{Attempt: int64(r.attempt), Until: &until}, Now: modelNow}
	}
	return o
}

// task has what can happen to the task of the gate.
func (m *model) task(w *world, n int, all []event) []event {
	self := &w.instances[n]
	switch self.working {
	case nothing:
		return all
	case toDrain:
		all = append(all, event{names[n].drains, false, func(w *world) { w.instances[n].working = toWrite }})
		if self.gate.until == 0 {
			all = append(all, event{names[n].undrained, false, func(w *world) { m.hand(w, n).worked(errNotHeld) }})
		}
		return all
	case toWrite:
		if !w.rows[n].locked {
			all = append(all, event{names[n].writes, false, func(w *world) {
				self := &w.instances[n]
				self.working = toHear
				switch {
				case self.gate.task == holding:
					m.acknowledge(w, n, self.gate.attempt)
				case m.without == "withdrawal of what is still on its way":
					w.rows[n].acknowledged = 0
				default:
					w.rows[n].acknowledged = -self.gate.attempt
				}
			}})
		}
	case toHear:
		all = append(all, event{names[n].hears, false, func(w *world) { m.hand(w, n).worked(nil) }})
	}
	return append(all, event{names[n].unheard, true, func(w *world) { m.hand(w, n).worked(errModel) }})
}

// acknowledge is store.Acknowledge.
func (m *model) acknowledge(w *world, n int, attempt int8) {
	if r := &w.rows[n]; r.there && !r.expired && r.acknowledged != -attempt && w.attempt == attempt {
		r.acknowledged, r.epoch, r.silence = attempt, max(w.instances[n].gate.snap, 0), 0
	}
}
