package migrate

import (
	"context"
	"sync"

	"github.com/seguedb/segue/store"
)

// The kinds of events.
const (
	eventCreated   = "created"
	eventDeleted   = "deleted"
	eventRequested = "requested"
	eventUnchanged = "unchanged" // what was asked for is so already
	eventAttempt   = "attempt"   // that came to nothing
	eventFailed    = "failed"    // the transition is given up
	eventCommitted = "committed" // in the transaction of the change
	eventDone      = "done"      // every instance serves it
	eventWithdrawn = "withdrawn"
	eventStopped   = "stopped" // a backfill, until somebody resumes it
	eventPaused    = "paused"
	eventResumed   = "resumed"
	eventBraked    = "braked"
)

// eventsShown is how many events of a history are read at most, the newest ones.
const eventsShown = 1000

func eventOf(r store.AuditRow) Event {
	e := Event{At: r.At, Migration: r.Migration, Kind: r.Kind, Detail: r.Detail, Actor: r.Actor}
	if r.PauseMS != nil {
		e.PauseMS = *r.PauseMS
	}
	return e
}

// Events is the history of one migration, or of all when id is empty, newest last.
func (i *Instance) Events(ctx context.Context, id string) ([]Event, error) {
	pool, err := i.database()
	if err != nil {
		return nil, err
	}
	rows, err := store.LoadAudit(ctx, pool, id, 0, eventsShown)
	if err != nil {
		return nil, err
	}
	if id != "" && len(rows) == 0 {
		if _, err := i.Get(ctx, id); err != nil {
			return nil, err
		}
	}
	events := make([]Event, len(rows))
	for n, r := range rows {
		events[n] = eventOf(r)
	}
	return events, nil
}

// Subscribe returns a channel that gets each new event until ctx ends; slow receivers miss events. It is closed then.
func (i *Instance) Subscribe(ctx context.Context) <-chan Event {
	ch := make(chan Event, 64)
	i.events.add(ch)
	context.AfterFunc(ctx, func() { i.events.remove(ch) })
	return ch
}

// subscribers are the channels that get events. It is safe for concurrent use.
type subscribers struct {
	mu  sync.Mutex
	all map[chan Event]bool
}

func (s *subscribers) add(ch chan Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[chan Event]bool)
	}
	s.all[ch] = true
}

func (s *subscribers) remove(ch chan Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, ch)
	close(ch)
}

func (s *subscribers) publish(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ch := range s.all {
		select {
		case ch <- e:
		default:
		}
	}
}
