package migrate

import (
	"math/rand/v2"
	"time"
)

// The waits between attempts: they grow from backoffFirst, twofold, to the cap that the caller gives.
const (
	backoffFirst = 100 * time.Millisecond
	backoffGate  = 5 * time.Second // after an attempt that held statements back
	backoffLook  = time.Second     // after one that only looked, and so cost nobody anything
)

// A backoff counts the attempts that have failed in a row.
type backoff struct{ failed int }

// next is the time to wait after one more failure: between half of it and the whole, so that leaders of several
// databases on one server do not fall into step.
func (b *backoff) next(limit time.Duration) time.Duration {
	d := limit
	if b.failed < 16 {
		d = min(limit, backoffFirst<<b.failed)
	}
	b.failed++
	return d/2 + rand.N(d/2+1)
}

// reset begins anew.
func (b *backoff) reset() { b.failed = 0 }
