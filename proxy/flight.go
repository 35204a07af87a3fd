package proxy

import (
	"slices"

	"github.com/seguedb/segue/catalog"
)

// A flight is what names tables under migration, or may do so, sent and not yet followed by the ReadyForQuery that ends
// it.
type flight struct {
	tables []catalog.OID
	ready  uint64 // number of that ReadyForQuery
	ends   bool   // it, or something else that the ReadyForQuery ends, may end a transaction
}

// flying says what a session has in flight on some tables.
type flying byte

const (
	flyingNone     flying = iota
	flyingOneGroup        // the next ReadyForQuery ends it all, and nothing in it ends a transaction
	flyingMore
)

// A flightMark changes whenever something lands or takes off.
type flightMark struct {
	readies uint64
	due     uint64
	flights int
}

// flying tells what is in flight on the tables.
func (q *queue) flying(tables map[catalog.OID]bool) (flying, flightMark) {
	q.mu.Lock()
	defer q.mu.Unlock()
	mark := flightMark{q.readies, q.readyDue(), len(q.flights)}
	state := flyingNone
	for _, f := range q.flights {
		if !slices.ContainsFunc(f.tables, func(oid catalog.OID) bool { return tables[oid] }) {
			continue
		}
		if f.ready != q.readies+1 || f.ends {
			return flyingMore, mark
		}
		state = flyingOneGroup
	}
	return state, mark
}

// groupMayEnd takes note that a statement that may end a transaction is about to be sent in the open group: locks that
// are held now may be gone before all of the group is done.
func (q *queue) groupMayEnd() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.groupEnds = true
	for i := range q.flights {
		if q.flights[i].ready == q.readyDue() {
			q.flights[i].ends = true
		}
	}
}

// unseen registers what was sent before these tables came under migration: nobody has looked whether it names one, nor
// whether it ends a transaction. The epoch in which they are under migration must be in force already, so that whoever
// pushes later looks.
func (q *queue) unseen(tables []catalog.OID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.quiet() {
		return
	}
	ready := q.readies + uint64(q.ring.readies)
	if q.unsynced || q.ring.readies == 0 {
		ready++
	}
	q.flights = append(q.flights, flight{tables, ready, true})
}

// landAborted forgets all flights when the server has aborted what it was doing, outside a transaction block, and discards
// what comes up to Sync: it holds no lock any more, and executes nothing.
func (q *queue) landAborted() {
	clear(q.flights)
	q.flights = q.flights[:0]
}

// land forgets the flights that are over.
func (q *queue) land() {
	if len(q.flights) == 0 {
		return
	}
	kept := q.flights[:0]
	if !q.quiet() {
		for _, f := range q.flights {
			if f.ready > q.readies {
				kept = append(kept, f)
			}
		}
	}
	clear(q.flights[len(kept):])
	q.flights = kept
}
