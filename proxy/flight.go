package proxy

import (
	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite"
)

// A flight is a message that names tables under migration, sent and not yet followed by the ReadyForQuery that ends it.
type flight struct {
	text  *rewrite.Text
	ready uint64 // number of that ReadyForQuery
	ends  bool   // something else that it ends may end a transaction
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
		if !names(f.text, tables) {
			continue
		}
		if f.ready != q.readies+1 || f.text.TxControl || f.ends {
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

func names(t *rewrite.Text, tables map[catalog.OID]bool) bool {
	for _, oid := range t.Tables {
		if tables[oid] {
			return true
		}
	}
	return false
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
