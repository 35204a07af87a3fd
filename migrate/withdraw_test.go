package migrate

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// lock makes every transition of the tables wait until the connection's transaction ends.
func (f *fleet) lock() *pgx.Conn {
	f.t.Helper()
	conn := pgtest.Connect(f.t, f.url)
	if _, err := conn.Exec(f.t.Context(), `BEGIN; LOCK TABLE public.individual IN SHARE MODE`); err != nil {
		f.t.Fatal(err)
	}
	return conn
}

// conflict is the refusal that err must be.
func conflict(t *testing.T, err error) *ConflictError {
	t.Helper()
	e, ok := errors.AsType[*ConflictError](err)
	if !ok {
		t.Fatalf("got %v, want a refusal", err)
	}
	return e
}

// kinds lists the kinds of the migration's newest events, the newest last.
func (f *fleet) kinds(n int) []string {
	f.t.Helper()
	events, err := f.instances[0].Events(f.t.Context(), "surname")
	if err != nil {
		f.t.Fatal(err)
	}
	var out []string
	for _, e := range events {
		if e.Kind != eventAttempt {
			out = append(out, e.Kind)
		}
	}
	return out[max(0, len(out)-n):]
}

func TestCancelOnlyWithdrawsAndDeleteOnlyRemoves(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	f.create(surname)
	ctx, i := t.Context(), f.instances[0]
	if _, err := i.Cancel(ctx, "surname", "test"); !strings.Contains(conflict(t, err).Message, "nothing is being tried") {
		t.Errorf("with nothing pending: %v", err)
	}
	f.must("surname", activate)
	conn := f.lock()
	if err := i.Request(ctx, "surname", cutover); err != nil {
		t.Fatal(err)
	}
	if e := conflict(t, i.Delete(ctx, "surname", "test")); e.HintCLI != "withdraw that first: segue cancel surname" {
		t.Errorf("deleting what is pending: %+v", e)
	}
	if err := i.Request(ctx, "surname", activate); !strings.Contains(conflict(t, err).HintCLI, "segue cancel surname") {
		t.Errorf("another transition meanwhile: %v", err)
	}
	if kind, err := i.Cancel(ctx, "surname", "ops"); err != nil || kind != Cutover {
		t.Errorf("cancelled %q, %v", kind, err)
	}
	// Who waits for it is told, and not that all is well.
	if _, err := i.Wait(ctx, "surname"); !strings.Contains(conflict(t, err).Message, `cutover of "surname" was withdrawn by ops; it stays active`) {
		t.Errorf("who waits is told %v", err)
	}
	if err := conflict(t, i.Delete(ctx, "surname", "test")); err.HintCLI == "" {
		t.Errorf("deleting a live migration: %v", err)
	}
	if _, err := conn.Exec(ctx, `COMMIT`); err != nil {
		t.Fatal(err)
	}
	f.must("surname", activate, rollback) // the withdrawal is not the answer to what is asked for later
	// What was a pending transition a moment ago is not removed by who wants to cancel it.
	if _, err := i.Cancel(ctx, "surname", "test"); !strings.Contains(conflict(t, err).Message, "nothing is being tried") || f.phase("surname") != rules.RolledBack {
		t.Errorf("cancelling what is over: %v", err)
	}
	if err := i.Delete(ctx, "surname", "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Get(ctx, "surname"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a deleted migration gives %v", err)
	}
}

func TestARollbackTakesThePlaceOfWhatIsBeingTried(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reach   []Request
		pending Request
		back    Request
		to      rules.Phase
	}{
		"to active, of a cutover":  {[]Request{activate}, cutover, backToActive, rules.Active},
		"whole, of a cutover":      {[]Request{activate}, cutover, rollback, rules.RolledBack},
		"to active, of a contract": {[]Request{activate, cutover}, contract, backToActive, rules.Active},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 2, shop)
			f.create(surname)
			f.must("surname", tc.reach...)
			conn := f.lock()
			if err := f.instances[0].Request(t.Context(), "surname", tc.pending); err != nil {
				t.Fatal(err)
			}
			f.blocked(1)
			if err := f.instances[1].Request(t.Context(), "surname", tc.back); err != nil {
				t.Fatalf("the way back is refused: %v", err)
			}
			if st, err := f.instances[0].Get(t.Context(), "surname"); err != nil || st.Pending != nil && st.Pending.Kind != Rollback {
				t.Errorf("pending is %+v, %v", st, err)
			}
			if _, err := conn.Exec(t.Context(), `COMMIT`); err != nil {
				t.Fatal(err)
			}
			f.must("surname", tc.back)
			if f.phase("surname") != tc.to || !f.hasColumn("public.individual", "last_name") {
				t.Errorf("the phase is %s", f.phase("surname"))
			}
			if kinds := f.kinds(6); !slices.Contains(kinds, eventWithdrawn) || kinds[len(kinds)-1] != eventDone {
				t.Errorf("the history ends in %v", kinds)
			}
			detail := value[string](f, `SELECT detail FROM segue.audit WHERE kind = 'withdrawn'`)
			if want := string(tc.pending.Kind) + ": a rollback to " + string(tc.to) + " takes its place"; detail != want {
				t.Errorf("the audit says %q, want %q", detail, want)
			}
		})
	}
}

func TestARollbackDoesNotWithdrawAnotherRollback(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(surname)
	f.must("surname", activate, cutover)
	f.lock()
	if err := f.instances[0].Request(t.Context(), "surname", backToActive); err != nil {
		t.Fatal(err)
	}
	if e := conflict(t, f.instances[0].Request(t.Context(), "surname", rollback)); !strings.Contains(e.HintCLI, "segue cancel surname") || e.Allowed != nil {
		t.Errorf("it is refused with %+v", e)
	}
}
