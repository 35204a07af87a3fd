package proxy

import "github.com/seguedb/segue/proxy/wire"

// A ring is a growing queue without allocation in the steady state.
type ring struct {
	slots   []expect // its length is a power of two
	head, n int
	readies int // entries that ReadyForQuery answers
}

// ringRoom is what a session keeps while nothing is in flight.
const ringRoom = 16

func endsWithReady(kind byte) bool {
	return kind == wire.Sync || kind == wire.Query || kind == wire.FuncCall
}

func (r *ring) at(i int) *expect { return &r.slots[(r.head+i)&(len(r.slots)-1)] }

func (r *ring) push(e expect) {
	if r.n == len(r.slots) {
		r.resize(max(ringRoom, 2*len(r.slots)))
	}
	r.n++
	*r.at(r.n - 1) = e
	if endsWithReady(e.kind) {
		r.readies++
	}
}

// pop removes the first entry; there must be one.
func (r *ring) pop() expect {
	e := *r.at(0)
	*r.at(0) = expect{}
	r.head = (r.head + 1) & (len(r.slots) - 1)
	r.n--
	if endsWithReady(e.kind) {
		r.readies--
	}
	if r.n == 0 && len(r.slots) > 16*ringRoom {
		r.resize(ringRoom)
	}
	return e
}

// remove takes entry i out of the middle.
func (r *ring) remove(i int) {
	if endsWithReady(r.at(i).kind) {
		r.readies--
	}
	for ; i+1 < r.n; i++ {
		*r.at(i) = *r.at(i + 1)
	}
	r.n--
	*r.at(r.n) = expect{}
}

func (r *ring) resize(size int) {
	slots := make([]expect, size)
	for i := range r.n {
		slots[i] = *r.at(i)
	}
	r.slots, r.head = slots, 0
}
