package demo

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// A display tells what happens: lines for what was done, and between them how the apps are getting on, on a terminal
// in one line that is written over, else once every two seconds.
type display struct {
	out      io.Writer
	terminal bool
	start    time.Time

	mu    sync.Mutex
	phase string
	live  bool // the cursor stands at the end of a line that is to be written over
}

// step says what is done next.
func (d *display) step(phase, format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.phase = phase
	d.line(fmt.Sprintf("%5.1f s  %-10s %s", time.Since(d.start).Seconds(), phase, fmt.Sprintf(format, args...)))
}

// say adds a line to the last step.
func (d *display) say(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.line(fmt.Sprintf(format, args...))
}

// line writes one whole line; d.mu must be held.
func (d *display) line(s string) {
	if d.live {
		fmt.Fprint(d.out, "\r\x1b[K")
		d.live = false
	}
	fmt.Fprintln(d.out, s)
}

// follow shows how the apps are getting on until stop is closed.
func (d *display) follow(stop <-chan struct{}, apps ...*app) {
	every := 2 * time.Second
	if d.terminal {
		every = 200 * time.Millisecond
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	last := make([]int64, len(apps))
	at := time.Now()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		seconds := time.Since(at).Seconds()
		at = time.Now()
		text, failed := "", int64(0)
		for i, a := range apps {
			n, errs := a.counts()
			text += fmt.Sprintf("  %s %6.0f/s", a.title, float64(n-last[i])/seconds)
			last[i] = n
			failed += errs
		}
		d.progress(fmt.Sprintf("%s  errors %d", text, failed))
	}
}

// progress shows one state of things.
func (d *display) progress(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := fmt.Sprintf("%5.1f s  %-10s%s", time.Since(d.start).Seconds(), d.phase, text)
	if !d.terminal {
		d.line(s)
		return
	}
	fmt.Fprint(d.out, "\r\x1b[K"+s)
	d.live = true
}
