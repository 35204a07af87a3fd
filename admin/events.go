package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// heartbeat keeps an idle event stream from being cut by what lies between.
const heartbeat = 15 * time.Second

// streamEvents sends each new event as a server-sent event of type "event" until the client goes. A reader that is too
// slow misses events, so clients read the state again after one and take the event as the occasion.
func (s *Server) streamEvents(w http.ResponseWriter, r *http.Request) error {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		return &Problem{
			Status: http.StatusServiceUnavailable, Title: "Too many event streams",
			Detail: fmt.Sprintf("%d event streams are open, and this instance serves no more", maxStreams),
			Hint:   "close one, or ask /v1/migrations again from time to time",
		}
	}
	only := r.URL.Query().Get("migration")
	events := s.cfg.Control.Subscribe(r.Context())
	rc := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	send := func(format string, args ...any) bool {
		if err := rc.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return false
		}
		_, err := fmt.Fprintf(w, format, args...)
		return err == nil && rc.Flush() == nil
	}
	if !send(": connected\nretry: 2000\n\n") {
		return nil
	}
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for ok := true; ok; {
		select {
		case <-r.Context().Done():
			return nil
		case <-tick.C:
			ok = send(": still here\n\n")
		case ev, open := <-events:
			if !open {
				return nil
			}
			if only != "" && ev.Migration != only {
				continue
			}
			data, err := json.Marshal(ev)
			if err != nil {
				s.log.Error("an event could not be encoded", "error", err)
				continue
			}
			ok = send("event: event\ndata: %s\n\n", data)
		}
	}
	return nil
}
