package main

import (
	"context"

	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
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
		Use: string(kind) + " ID", Short: short, Long: long, Args: takesID(),
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

// check refuses flags that cannot be meant.
func (t *transition) check() error {
	if t.body.Force && t.body.Reason == "" {
		return mistake("--force needs --reason", `say why the refusal is wrong here, as in --reason "nobody calls it": it is kept in the audit`)
	}
	if t.timeout < 0 {
		return mistake("--timeout cannot be negative", "give --no-wait to return at once")
	}
	if d, err := time.ParseDuration(t.body.Deadline); t.body.Deadline != "" && (err != nil || d < 0) {
		return mistake(fmt.Sprintf("--deadline cannot be %q", t.body.Deadline), "give a duration with its unit, such as 30s or 5m")
	}
	return nil
}

// run asks for the transition and waits for its outcome, telling what keeps it from happening meanwhile.
func (t *transition) run(ctx context.Context, id string) error {
	if err := t.check(); err != nil {
		return err
	}
	c, err := t.client()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	before := t.before(ctx, c, id)
	shown := newWaiting(t.err, id)
	st, done, err := t.await(ctx, c, id, shown)
	switch {
	case err != nil && ctx.Err() != nil:
		fmt.Fprintf(t.err, "interrupted: the %s of %s goes on in the background; stop it with: segue cancel %s\n", t.kind, id, id)
		return &exit{code: exitTrying}
	case err != nil:
		return err
	}
	err = t.emit(st, func(w io.Writer) {
		switch {
		case !done:
			t.tellTrying(w, st, shown)
		case before == st.Phase && t.kind != migrate.Purge && t.kind != migrate.Amend:
			fmt.Fprintf(w, "%s is %s already, and nothing was done: %s\nnext: %s\n", st.ID, phaseWords(st.Phase), st.Says(), st.Next())
		default:
			t.tellDone(ctx, w, c, st)
		}
	})
	if err == nil && !done {
		return &exit{code: exitTrying}
	}
	return err
}

// before is the phase before the transition is asked for, "" when it is not known or something is pending.
func (t *transition) before(ctx context.Context, c *client, id string) rules.Phase {
	var st migrate.Status
	if t.output == "json" || c.get(ctx, migrationPath(id), nil, &st) != nil || st.Pending != nil {
		return ""
	}
	return st.Phase
}

// tellDone says what is true now, how long traffic paused for it, and what comes next.
func (t *transition) tellDone(ctx context.Context, w io.Writer, c *client, st *migrate.Status) {
	what := string(t.kind)
	if t.kind == migrate.Rollback && st.Phase == rules.Active {
		what += " to active"
	}
	fmt.Fprintf(w, "%s of %s is done: %s%s\n", what, st.ID, st.Says(), pauseOf(ctx, c, st.ID))
	fmt.Fprintf(w, "next: %s\n", st.Next())
}

// pauseOf is for how long statements were held for the last transition, as far as that can be read.
func pauseOf(ctx context.Context, c *client, id string) string {
	var tr admin.Transitions
	if c.get(ctx, migrationPath(id, "transitions"), nil, &tr) != nil {
		return ""
	}
	for _, e := range slices.Backward(tr.Events) {
		if e.Kind == "committed" && e.PauseMS > 0 {
			return fmt.Sprintf(" (statements paused for %.1f ms)", e.PauseMS)
		}
		if e.Kind == "committed" {
			break
		}
	}
	return ""
}

// tellTrying says that it goes on without us. What was shown while we waited is not said again.
func (t *transition) tellTrying(w io.Writer, st *migrate.Status, shown *waiting) {
	fmt.Fprintf(w, "%s is %s; its %s is still being tried; stop it with: segue cancel %s\n", st.ID, phaseWords(st.Phase), t.kind, st.ID)
	if st.Pending != nil && shown.last != newsOf(st) {
		writePending(w, st)
	}
}

// await posts until the transition is over or the timeout has passed. done tells which.
func (t *transition) await(ctx context.Context, c *client, id string, shown *waiting) (st *migrate.Status, done bool, err error) {
	end := time.Now().Add(t.timeout)
	if !t.noWait && t.output != "json" {
		watching, stop := context.WithCancel(ctx)
		finished := make(chan struct{})
		go func() {
			defer close(finished)
			shown.follow(watching, c)
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
