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
func (p *pipeline) flying(tables map[catalog.OID]bool) (flying, flightMark) {
	mark := flightMark{p.readies, p.readyDue(), len(p.flights)}
	state := flyingNone
	for _, f := range p.flights {
		if !slices.ContainsFunc(f.tables, func(oid catalog.OID) bool { return tables[oid] }) {
			continue
		}
		if f.ready != p.readies+1 || f.ends {
			return flyingMore, mark
		}
		state = flyingOneGroup
	}
	return state, mark
}

// groupMayEnd takes note that a statement that may end a transaction is about to be sent in the open group: locks that
// are held now may be gone before all of the group is done.
func (p *pipeline) groupMayEnd() {
	p.groupEnds = true
	for i := range p.flights {
		if p.flights[i].ready == p.readyDue() {
			p.flights[i].ends = true
		}
	}
}

// unseen registers what was sent before these tables came under migration: nobody has looked whether it names one, nor
// whether it ends a transaction. The epoch in which they are under migration must be in force already, so that whoever
// pushes later looks.
func (p *pipeline) unseen(tables []catalog.OID) {
	if p.quiet() {
		return
	}
	ready := p.readies + uint64(p.ring.readies)
	if p.unsynced || p.ring.readies == 0 {
		ready++
	}
	p.flights = append(p.flights, flight{tables, ready, true})
}

// landAborted forgets all flights when the server has aborted what it was doing, outside a transaction block, and discards
// what comes up to Sync: it holds no lock any more, and executes nothing.
func (p *pipeline) landAborted() {
	clear(p.flights)
	p.flights = p.flights[:0]
}

// land forgets the flights that are over.
func (p *pipeline) land() {
	if len(p.flights) == 0 {
		return
	}
	kept := p.flights[:0]
	if !p.quiet() {
		for _, f := range p.flights {
			if f.ready > p.readies {
				kept = append(kept, f)
			}
		}
	}
	clear(p.flights[len(kept):])
	p.flights = kept
}
