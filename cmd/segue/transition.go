package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/migrate"
)

const (
	followEvery = 250 * time.Millisecond // how often attempts are looked at while a transition is awaited
	longestWait = 10 * time.Minute       // asked of one request
)

// A transition is one of the verbs that move a migration, with its flags.
type transition struct {
	*options
	kind    migrate.Kind
	body    admin.TransitionOptions
	timeout time.Duration
	noWait  bool
}

// transitionCommand makes the command of a verb; it adds the flags that every verb has.
func transitionCommand(o *options, kind migrate.Kind, short, long string) (*cobra.Command, *transition) {
	t := &transition{options: o, kind: kind}
	cmd := &cobra.Command{
		Use: string(kind) + " ID", Short: short, Long: long, Args: cobra.ExactArgs(1),
		RunE: run(func(cmd *cobra.Command, args []string) error { return t.run(cmd.Context(), args[0]) }),
	}
	f := cmd.Flags()
	f.DurationVar(&t.timeout, "timeout", time.Minute, "how long to wait for the outcome")
	f.BoolVar(&t.noWait, "no-wait", false, "ask for it and return at once")
	f.StringVar(&t.body.Deadline, "deadline", "", "have it given up after this time (default: it is tried until it succeeds)")
	f.BoolVar(&t.body.Force, "force", false, "override a refusal that can be overridden; needs --reason")
	f.StringVar(&t.body.Reason, "reason", "", "why, for the audit")
	return cmd, t
}

// run asks for the transition and waits for its outcome, telling what keeps it from happening meanwhile.
func (t *transition) run(ctx context.Context, id string) error {
	if t.body.Force && t.body.Reason == "" {
		return usageError(errors.New("--force needs --reason: it is kept in the audit"))
	}
	if t.timeout < 0 {
		return usageError(errors.New("--timeout cannot be negative"))
	}
	c, err := t.client()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	st, done, err := t.await(ctx, c, id)
	switch {
	case err != nil && ctx.Err() != nil:
		fmt.Fprintf(t.err, "interrupted: the %s of %s goes on in the background; stop it with: segue cancel %s\n", t.kind, id, id)
		return &exit{code: exitTrying}
	case err != nil:
		return err
	}
	if err := t.emit(st, func(w io.Writer) { t.tell(w, st, done) }); err != nil {
		return err
	}
	if !done {
		return &exit{code: exitTrying}
	}
	return nil
}

func (t *transition) tell(w io.Writer, st *migrate.Status, done bool) {
	if done {
		fmt.Fprintf(w, "%s is %s\n", st.ID, strings.ReplaceAll(string(st.Phase), "_", " "))
		return
	}
	fmt.Fprintf(w, "%s is %s; its %s is still being tried; stop it with: segue cancel %s\n", st.ID, st.Phase, t.kind, st.ID)
	writePending(w, st)
}

// await posts until the transition is over or the timeout has passed. done tells which.
func (t *transition) await(ctx context.Context, c *client, id string) (st *migrate.Status, done bool, err error) {
	end := time.Now().Add(t.timeout)
	if !t.noWait {
		watching, stop := context.WithCancel(ctx)
		finished := make(chan struct{})
		go func() {
			defer close(finished)
			t.follow(watching, c, id)
		}()
		defer func() { stop(); <-finished }()
	}
	for {
		wait := time.Duration(0)
		if !t.noWait {
			wait = min(max(time.Until(end), 0), longestWait)
		}
		body := t.body
		body.Wait = wait.Round(time.Millisecond).String()
		st = &migrate.Status{}
		code, err := c.post(ctx, migrationPath(id, string(t.kind)), body, st)
		if err != nil {
			return nil, false, err
		}
		if code == http.StatusOK {
			return st, true, nil
		}
		if t.noWait || !time.Now().Before(end) {
			return st, false, nil
		}
	}
}

// follow writes each attempt that failed, and who was in the way, until ctx ends. It is a courtesy: errors of its
// requests are left to the request that waits.
func (t *transition) follow(ctx context.Context, c *client, id string) {
	if t.output == "json" {
		return
	}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for last := ""; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var st migrate.Status
		if c.get(ctx, migrationPath(id), nil, &st) != nil || st.Pending == nil {
			continue
		}
		// Ages grow all the time: they are shown, but make no news.
		news := fmt.Sprint(st.Pending.Attempts, st.Pending.LastError, st.WaitingFor, len(st.Blockers))
		if news == last || st.Pending.Attempts == 0 {
			continue
		}
		last = news
		writePending(printable{t.err}, &st)
	}
}

// writePending says how far a transition is and what it waits for.
func writePending(w io.Writer, st *migrate.Status) {
	p := st.Pending
	if p == nil {
		return
	}
	line := fmt.Sprintf("%s: attempt %d", p.Kind, p.Attempts)
	if p.LastError != "" {
		line += ": " + withoutBlockers(p.LastError, st.Blockers)
	}
	fmt.Fprintln(w, line)
	for _, what := range st.WaitingFor {
		if what != p.LastError {
			fmt.Fprintf(w, "  waits for %s\n", what)
		}
	}
	writeBlockers(w, st.Blockers)
}

// withoutBlockers cuts the list of blockers off a reason that ends in it, where they are shown in lines of their own.
func withoutBlockers(reason string, blockers []migrate.Blocker) string {
	if len(blockers) == 0 || blockers[0].Why == "" {
		return reason
	}
	if before, _, found := strings.Cut(reason, ": "+blockers[0].Why); found {
		return before
	}
	return reason
}
