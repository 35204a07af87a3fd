package startup

import "sync/atomic"

// places counts the connections that are served, from their start-up packet on. It is safe for concurrent use.
type places struct {
	max   int64 // 0: no limit
	taken atomic.Int64
}

// take takes a place, and reports whether there was one. give gives it back.
func (p *places) take() bool {
	if n := p.taken.Add(1); p.max > 0 && n > p.max {
		p.taken.Add(-1)
		return false
	}
	return true
}

func (p *places) give() { p.taken.Add(-1) }
