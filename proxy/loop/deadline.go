package loop

import (
	"sync"
	"sync/atomic"
	"time"
)

// A deadline is a time after which waiting is in vain. The zero value is none. It is safe for concurrent use.
type deadline struct {
	set, gone atomic.Bool // there is one; it has passed

	mu     sync.Mutex
	timer  *time.Timer
	round  int           // how often it was changed: a timer of an earlier round has nothing to say
	passed chan struct{} // closed when the time has come; nil as long as nobody has asked
}

// at changes the time; the zero time is never. Who waits already goes by the new one.
func (d *deadline) at(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.round++
	d.set.Store(!t.IsZero())
	over := d.gone.Swap(false)
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if over {
		d.passed = nil
	}
	if t.IsZero() {
		return
	}
	d.channel()
	left := time.Until(t)
	if left <= 0 {
		d.pass()
		return
	}
	round := d.round
	d.timer = time.AfterFunc(left, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.round == round {
			d.pass()
		}
	})
}

// pass says that the time has come. d.mu is held.
func (d *deadline) pass() {
	d.gone.Store(true)
	close(d.passed)
}

func (d *deadline) channel() chan struct{} {
	if d.passed == nil {
		d.passed = make(chan struct{})
	}
	return d.passed
}

// wait is closed when the time has come.
func (d *deadline) wait() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.channel()
}

// isSet tells whether there is a time at all, be it over or not.
func (d *deadline) isSet() bool { return d.set.Load() }

// isOver tells whether the time has come.
func (d *deadline) isOver() bool { return d.gone.Load() }
