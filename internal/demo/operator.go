package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// An operator is who runs the migration: a client of the admin API, like the command line.
type operator struct {
	url       string
	http      *http.Client
	say       func(format string, args ...any)
	migration string // the id

	named chan struct{} // closed when somebody was said to be in the way
	once  sync.Once
}

// call sends one request and decodes the answer into out, if that is not nil. The status is the API's own: 202 is no
// error.
func (o *operator) call(ctx context.Context, method, path, contentType string, body []byte, out any) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, method, o.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := o.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	if resp.StatusCode >= 400 {
		return resp.StatusCode, fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, bytes.TrimSpace(answer))
	}
	if out != nil {
		err = json.Unmarshal(answer, out)
	}
	return resp.StatusCode, err
}

// create stores the migration as a draft.
func (o *operator) create(ctx context.Context, file string) error {
	_, err := o.call(ctx, http.MethodPost, "/v1/migrations", "application/yaml", []byte(file), nil)
	return err
}

// transition asks for a transition and waits until it is done, naming meanwhile who is in its way.
func (o *operator) transition(ctx context.Context, kind migrate.Kind, query string) (window, error) {
	w := window{name: string(kind), start: time.Now()}
	watch, stop := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		o.watch(watch)
	}()
	var st migrate.Status
	path := fmt.Sprintf("/v1/migrations/%s/%s?wait=%s%s", o.migration, kind, patience, query)
	status, err := o.call(ctx, http.MethodPost, path, "", nil, &st)
	w.end = time.Now()
	stop()
	<-watched
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s is not done after %v: %v", kind, patience, st.WaitingFor)
	}
	return w, err
}

// watch says who blocks the pending transition, each once, until ctx ends.
func (o *operator) watch(ctx context.Context) {
	said := map[uint32]bool{}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var st migrate.Status
		if _, err := o.call(ctx, http.MethodGet, "/v1/migrations/"+o.migration, "", nil, &st); err != nil {
			continue // the transition itself tells what is wrong, if anything is
		}
		for _, b := range st.Blockers {
			if !said[b.PID] {
				said[b.PID] = true
				o.say("         blocked by pid %d (%s, open for %.1f s): %s", b.PID, b.Application, b.AgeSeconds, b.Query)
				o.once.Do(func() { close(o.named) })
			}
		}
	}
}

// served waits until the new version of a change of columns is served, and says how far that is.
func (o *operator) served(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for said := time.Now(); ; {
		var st migrate.Status
		if _, err := o.call(ctx, http.MethodGet, "/v1/migrations/"+o.migration, "", nil, &st); err != nil {
			return err
		}
		switch p := st.Progress; {
		case st.Stage == rules.Served && st.Pending == nil:
			return nil
		case p != nil && p.Failure != "":
			return errors.New(p.Failure)
		case p != nil && time.Since(said) > time.Second:
			said = time.Now()
			o.say("         %s", p)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// gone waits until no instance has a session of that version.
func (o *operator) gone(ctx context.Context, version string, urls []string) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		left := 0
		for _, url := range urls {
			var answer admin.Sessions
			if _, err := (&operator{url: url, http: o.http}).call(ctx, http.MethodGet, "/v1/sessions", "", nil, &answer); err != nil {
				return err
			}
			for _, s := range answer.Sessions {
				if s.Version == version {
					left++
				}
			}
		}
		if left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d sessions of %s are still there: %w", left, version, ctx.Err())
		case <-tick.C:
		}
	}
}
