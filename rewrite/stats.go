package rewrite

import "sync/atomic"

// Stats count what binders do; several may share one. All counters only grow, and are safe for concurrent use.
type Stats struct {
	Hits         atomic.Uint64 // texts answered from the cache
	TemplateHits atomic.Uint64 // texts rewritten like an earlier one that differs in constants and comments only
	Misses       atomic.Uint64 // texts bound anew
	Concerned    atomic.Uint64 // statements that name a table under migration, each time
	Refused      atomic.Uint64 // statements refused with 0A000, each time
	Ambiguous    atomic.Uint64 // unpinned texts that several versions bind differently, each time
	ParseErrors  atomic.Uint64 // texts that the parser could not read
	Unproven     atomic.Uint64 // rewrites whose proof failed: a bug of ours
	Mispredicts  atomic.Uint64 // rewrites whose answer was not the predicted one: a bug of ours
}

// tally is what one use of a text adds to the counters.
type tally struct{ concerned, refused, ambiguous uint64 }

func (t *Text) countUse(s *Stats) {
	if t.tally.concerned > 0 {
		s.Concerned.Add(t.tally.concerned)
	}
	if t.tally.refused > 0 {
		s.Refused.Add(t.tally.refused)
	}
	if t.tally.ambiguous > 0 {
		s.Ambiguous.Add(t.tally.ambiguous)
	}
}
