package fleet

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/test/checker"
	"github.com/seguedb/segue/test/checker/proof"
)

const (
	quick      = 2 * time.Millisecond // between two things that a client does
	reconnects = 20 * time.Millisecond
	watches    = 10 * time.Millisecond
	longest    = time.Minute // that one thing may take; what is frozen, or waits for a lock, takes seconds
)

// use lets a member work until it is told to stop.
func (r *Round) use(ctx context.Context, m *member, stop <-chan struct{}) {
	defer m.Leave()
	pace := cmp.Or(r.Pace, quick)
	for wait := pace; ; {
		select {
		case <-stop:
			return
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = pace
		if !m.Past && r.away[m.Side].Load() {
			m.Leave()
			m.last.Store("it has been shut down")
			continue
		}
		step, cancel := context.WithTimeout(ctx, longest)
		did, err, broken := m.Step(step)
		late := step.Err() != nil
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case late:
			r.fail(proof.Stuck, "%s has waited for more than %s", m.Name, longest)
		case broken != nil:
			r.fail(proof.WrongError, "%v", broken)
		}
		if did {
			m.done.Add(1)
		}
		if err != nil {
			m.last.Store(err.Error())
			wait = reconnects
		}
	}
}

// watch tells those past the proxy what the database has.
func (r *Round) watch(ctx context.Context, stop <-chan struct{}) {
	o := &observer{url: r.url}
	defer o.close()
	tick := time.NewTicker(watches)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		began := r.crew.Now()
		if s, err := o.look(ctx); err == nil {
			r.crew.Learn(s.Standing, began)
		} else {
			r.crew.Blind()
		}
	}
}

// may reports whether a member has to get on while a migration stands so.
func may(m *member, renames bool, s checker.Standing) bool {
	if m.Side == proof.Old && !m.Past {
		return s.Phase != rules.Contracted
	}
	if renames && m.Past {
		return true
	}
	if m.Side == proof.Old {
		return s.Phase != rules.Contracted
	}
	switch {
	case renames:
		return s.Phase == rules.Active || s.Phase == rules.Cutover || s.Phase == rules.Contracted
	case s.Phase == rules.Contracted:
		return true
	}
	return s.Stage() == rules.Served || s.Stage() == rules.Owned
}

// getsOn waits until every member that may work has done something since now.
func (r *Round) getsOn(ctx context.Context, s checker.Standing) {
	from := make([]int64, len(r.members))
	for n, m := range r.members {
		from[n] = m.done.Load()
	}
	for n, m := range r.members {
		if !may(m, r.Migration.Renames(), s) {
			continue
		}
		if err := await(ctx, func() error {
			if m.done.Load() > from[n] {
				return nil
			}
			return fmt.Errorf("%v", m.last.Load())
		}); err != nil && ctx.Err() == nil {
			r.fail(proof.Stuck, "%s does nothing any more: %v", m.Name, err)
		}
	}
}

// await waits until there is no error. It gives up with the last one when patience is over.
func await(ctx context.Context, look func() error) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.Now().Add(patience)
	for {
		err := look()
		if err == nil || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
