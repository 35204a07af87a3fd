package main

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/admin/admintest"
	"github.com/seguedb/segue/migrate"
)

// The scripts run the real main.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"segue": main})
}

// Each script talks to an admin API of its own, whose control has no database behind it. Beside testscript's own there
// are these commands:
//
//	exits CODE segue ARGS…   like exec, and the exit code must be that
//	stuck ID                 transitions of that migration are blocked from here on …
//	free ID                  … until here, where the pending one happens
//	refuse ID                from here on contract is refused for that migration
//	lost                     the instance has lost touch with the database from here on
//	down REASON MEND         the live migrations are not served from here on
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			control := &admintest.Control{}
			s, err := admin.New(admin.Config{Control: control, Program: "test"})
			if err != nil {
				return err
			}
			api := httptest.NewServer(s.Handler())
			env.Defer(api.Close)
			env.Setenv("SEGUE_ADMIN", api.URL)
			env.Values[controlKey{}] = control
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": cmdExits, "stuck": cmdStuck, "free": cmdFree, "refuse": cmdRefuse, "down": cmdDown,
			"lost": func(ts *testscript.TestScript, _ bool, _ []string) { control(ts).Lose(admintest.ErrNotReady) },
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

type controlKey struct{}

func control(ts *testscript.TestScript) *admintest.Control {
	return ts.Value(controlKey{}).(*admintest.Control)
}

func cmdExits(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	got := "0"
	var failed interface{ ExitCode() int }
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &failed) {
		got = fmt.Sprint(failed.ExitCode())
	} else {
		ts.Check(err)
	}
	if got != args[0] {
		ts.Fatalf("the exit code is %s, want %s", got, args[0])
	}
}

func cmdStuck(ts *testscript.TestScript, _ bool, args []string) {
	control(ts).Block(args[0], migrate.Blocker{
		PID: 4711, User: "batch", Application: "nightly", AgeSeconds: 12.5, Instance: "two",
		Why: "pid 4711 holds a lock on public.individual", Query: "UPDATE individual\nSET city = 'x'", State: "idle in transaction",
		Since: admintest.Epoch, Waiting: 1, End: "SELECT pg_terminate_backend(4711)",
	}, migrate.Blocker{PID: 4712, User: "web", WaitsFor: []uint32{4711}, Why: "pid 4712 holds a lock on public.individual"})
}

func cmdDown(ts *testscript.TestScript, _ bool, args []string) {
	control(ts).Fail(&migrate.Outage{Kind: migrate.WrongNames, Reason: args[0], Since: admintest.Epoch, Mend: args[1:]})
}

func cmdFree(ts *testscript.TestScript, _ bool, args []string) { control(ts).Free(args[0]) }

func cmdRefuse(ts *testscript.TestScript, _ bool, args []string) {
	control(ts).Deny(args[0], &migrate.ConflictError{
		Message: "contract of " + args[0] + " is not earned yet", Hint: "see segue usage " + args[0],
		Missing: []string{"2 sessions of version base are open"},
	})
}
