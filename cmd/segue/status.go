package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// statusEvery is how often a status that is watched is read.
const statusEvery = 2 * time.Second

func newStatus(o *options) *cobra.Command {
	var watch, all bool
	cmd := &cobra.Command{
		Use: "status [ID]", Short: "Show everything that matters now on one screen, and what to do next",
		Long: "Status shows each migration with what is true in its phase, who needs the old names, what is pending and what comes\n" +
			"next, and the fleet. It exits 1 when something waits for an operator: statements are held because the database was\n" +
			"changed around Segue, a transition is tried in vain, or sessions are left of an instance that was lost.",
		Example: "  segue status\n  segue status surname --watch",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return takesID()(cmd, args)
		},
		RunE: run(func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			v := &statusView{options: o, client: c, all: all}
			if len(args) > 0 {
				v.id = args[0]
			}
			if !watch {
				return v.once(cmd.Context())
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return v.watch(ctx)
		}),
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "show it again whenever it has changed, until it is interrupted")
	cmd.Flags().BoolVar(&all, "all", false, "with the migrations that are contracted")
	return cmd
}

// A statusView is what one call of status shows.
type statusView struct {
	*options
	client *client
	id     string
	all    bool
}

// read reads the state, and leaves what was not asked for.
func (v *statusView) read(ctx context.Context) (*migrate.Overview, error) {
	if v.id != "" { // the problem of an id that is not stored comes with the one that was meant
		if err := v.client.get(ctx, migrationPath(v.id), nil, nil); err != nil {
			return nil, err
		}
	}
	var state migrate.Overview
	if err := v.client.get(ctx, "/v1/status", nil, &state); err != nil {
		return nil, err
	}
	kept := []migrate.MigrationOverview{}
	for _, m := range state.Migrations {
		done := m.Migration.Phase == rules.Contracted && m.Migration.Pending == nil && m.Migration.Stage == ""
		if m.Migration.ID == v.id || v.id == "" && (v.all || !done) {
			kept = append(kept, m)
		}
	}
	state.Migrations = kept
	return &state, nil
}

func (v *statusView) once(ctx context.Context) error {
	state, err := v.read(ctx)
	if err != nil {
		return err
	}
	if err := v.emit(state, func(w io.Writer) { writeOverview(w, state) }); err != nil {
		return err
	}
	if len(state.Attention) > 0 {
		return &exit{code: exitFailed}
	}
	return nil
}

// watch shows the state again and again: on a terminal in place, else whenever more has changed than the time.
func (v *statusView) watch(ctx context.Context) error {
	screen := v.output == "text" && isTerminal(v.out)
	tick := time.NewTicker(statusEvery)
	defer tick.Stop()
	for last := ""; ctx.Err() == nil; {
		state, err := v.read(ctx)
		var text bytes.Buffer
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			report(&text, "text", err)
		case v.output == "json":
			if err := writeJSON(&text, state); err != nil {
				return err
			}
		default:
			writeOverview(printable{&text}, state)
		}
		if screen {
			fmt.Fprintf(v.out, "\x1b[H\x1b[2J%s", text.String())
		} else if now := timeless(state, text.String()); now != last {
			last = now
			fmt.Fprintf(v.out, "%s\n", text.String())
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	return nil
}

// timeless is a text that changes only where more has changed than the time.
func timeless(state *migrate.Overview, otherwise string) string {
	if state == nil {
		return otherwise
	}
	still := *state
	still.At = time.Time{}
	still.Instances = nil
	for _, i := range state.Instances {
		i.Heartbeat = time.Time{}
		still.Instances = append(still.Instances, i)
	}
	still.Migrations = nil
	for _, m := range state.Migrations {
		m.OldNames = nil
		if p := m.Migration.Pending; p != nil {
			reason := withoutBlockers(p.LastError, m.Migration.Blockers)
			m.Migration.Pending = &migrate.Pending{Kind: p.Kind, LastError: reason}
		}
		m.Migration.Blockers, m.Migration.WaitingFor = nil, nil
		still.Migrations = append(still.Migrations, m)
	}
	var b bytes.Buffer
	_ = writeJSON(&b, still)
	return b.String()
}

func writeOverview(w io.Writer, o *migrate.Overview) {
	fmt.Fprintf(w, "database %s at %s, %s\n", o.Database, o.Server, when(o.At))
	if o.Held != nil {
		fmt.Fprintf(w, "STATEMENTS ARE HELD because of: %s%s\n", o.Held.Because, since(o.At, o.Held.Since))
	}
	for _, m := range o.Migrations {
		fmt.Fprintln(w)
		writeMigration(w, o.At, m)
	}
	if len(o.Migrations) == 0 {
		fmt.Fprintln(w, "no migration is under way")
	}
	fmt.Fprintln(w)
	fmt.Fprintf(w, "sessions  %s\n", sessionsByVersion(o))
	fmt.Fprintf(w, "fleet     %s; traffic held: %s\n", fleet(o.Instances), held(o.Held))
	for _, u := range o.Unknown {
		fmt.Fprintf(w, "unknown   %s\n", u)
	}
}

// phaseNumber is where a phase stands on the way to contracted.
var phaseNumber = map[rules.Phase]string{
	rules.Active: " (1 of 3)", rules.Cutover: " (2 of 3)", rules.Contracted: " (3 of 3)",
}

func writeMigration(w io.Writer, now time.Time, m migrate.MigrationOverview) {
	st := m.Migration
	fmt.Fprintf(w, "%s  %s%s: %s%s\n", st.ID, strings.ToUpper(phaseWords(st.Phase)), phaseNumber[st.Phase], m.Says, since(now, m.Since))
	if len(st.Operations) > 0 {
		fmt.Fprintf(w, "  does        %s\n", operations(st.Operations))
	}
	if p := st.Progress; p != nil {
		fmt.Fprintf(w, "  backfill    %s\n", p)
		if p.Waits != "" {
			fmt.Fprintf(w, "  waits       %s\n", p.Waits)
		}
		if p.Deferred != nil {
			fmt.Fprintf(w, "  left        %s\n", p.Deferred)
		}
		if p.Brakes != nil {
			fmt.Fprintf(w, "  brakes      %s\n", p.Brakes)
		}
	}
	if m.OldNames != nil {
		fmt.Fprintf(w, "  old names   %s\n", oldNames(now, m.OldNames, st.Phase))
	}
	switch p := st.Pending; {
	case p != nil:
		fmt.Fprintf(w, "  pending     %s\n", pending(p, st.Blockers))
		writeBlockers(w, st.Blockers)
	case st.Phase.Live():
		fmt.Fprintln(w, "  pending     nothing")
	}
	if o := st.NotServed; o != nil {
		fmt.Fprintf(w, "  NOT SERVED  %s\n", o.Reason)
	}
	fmt.Fprintf(w, "  next        %s\n", m.Next)
}

// oldNames is who needs the old names, and what contract waits for.
func oldNames(now time.Time, o *migrate.OldNames, p rules.Phase) string {
	text := "not used yet"
	if u := o.Last; u != nil {
		name := strings.TrimSuffix(u.Table+"."+u.Column, ".")
		text = fmt.Sprintf("%s last used %s by user %s (application_name %q)", name, ago(now, u.Last), u.User, u.Application)
	}
	silence := time.Duration(o.Silence * float64(time.Second))
	switch {
	case p != rules.Cutover:
	case silence == 0:
		text += "; contract demands no silence"
	case o.Earliest.After(now):
		text += fmt.Sprintf("; contract needs %s of silence: earliest %s", short(silence), when(o.Earliest))
	default:
		text += fmt.Sprintf("; the silence of %s that contract needs is over", short(silence))
	}
	return text
}

func sessionsByVersion(o *migrate.Overview) string {
	var parts []string
	for _, s := range o.Sessions {
		version := s.Version
		if version == "" {
			version = "unpinned"
		}
		parts = append(parts, fmt.Sprintf("%s %d", version, s.Sessions))
	}
	if len(parts) == 0 {
		parts = []string{"none"}
	}
	text := strings.Join(parts, ", ") + "; not through Segue: " + fmt.Sprint(o.Directs)
	var named []string
	for _, b := range o.Direct {
		named = append(named, fmt.Sprintf("pid %d %s", b.PID, strings.TrimSpace(b.User+" "+b.Application)))
	}
	if len(named) > 0 {
		if o.Directs > len(named) {
			named = append(named, "…")
		}
		text += " (" + strings.Join(named, ", ") + ")"
	}
	return text
}

// fleet lists the instances; of those that were lost only what still counts.
func fleet(all []migrate.InstanceInfo) string {
	var parts []string
	for _, i := range all {
		switch {
		case i.Expired && i.Sessions > 0:
			parts = append(parts, fmt.Sprintf("%s LOST, with %d sessions left", i.ID, i.Sessions))
		case i.Expired:
		case i.NotServed != nil:
			parts = append(parts, i.ID+" NOT READY")
		default:
			parts = append(parts, i.ID+" ready")
		}
	}
	if len(parts) == 0 {
		return "no instance"
	}
	return strings.Join(parts, ", ")
}

func held(h *migrate.Held) string {
	if h == nil {
		return "no"
	}
	return fmt.Sprintf("YES, %d sessions wait", h.Sessions)
}
