package proxy

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
	"github.com/seguedb/segue/rules"
)

// surnameActive renames a column of people.
func surnameActive(t *testing.T) *rules.Migration {
	return migration(t, 1, rules.Active, "id: surname\noperations:\n  - rename_column: { table: public.individual, from: last_name, to: surname }\n")
}

func TestASessionWithoutAVersionIsKnownByTheVersionsWhoseNamesItUses(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(people)
	p.Open(p.snapshot(1, surnameActive(t)))
	needs := map[string]string{}
	for _, tc := range []struct {
		version string
		sql     string
		want    string
	}{
		{"", "SELECT surname FROM individual", "surname"},
		{"", "SELECT last_name FROM individual", ""},
		{"", "SELECT count(*) FROM individual", ""},
		{"", "SELECT id FROM individual", ""},
		{"surname", "SELECT surname FROM individual", ""},
	} {
		c := p.login(wire.Parameter{Name: "segue.version", Value: tc.version}, wire.Parameter{Name: "application_name", Value: tc.version + ": " + tc.sql})
		c.Say(simple(tc.sql))
		c.HearUntil(wire.ReadyForQuery)
		needs[tc.version+": "+tc.sql] = tc.want
		for _, s := range p.Sessions() {
			if want := needs[s.Application]; strings.Join(s.Needs, " ") != want {
				t.Errorf("%s: it needs %q, want %q", s.Application, s.Needs, want)
			}
		}
	}
	p.End(&migrate.Ending{Versions: []string{"surname"}, Why: `rollback of "surname"`})
	pgtest.Eventually(t, func() bool { return len(p.Sessions()) == 3 }, "the pinned one and the one that needs the version are gone")
}

func TestSessionsOfAVersionThatEndsAreEndedWhereverTheyAre(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(people)
	p.Open(p.snapshot(1, surnameActive(t)))
	as := func(version string) *wiretest.Client {
		return p.login(wire.Parameter{Name: "segue.version", Value: version})
	}
	idle, open, busy, held, stays, unpinned := as("surname"), as("surname"), as("surname"), as("surname"), as("base"), p.login()
	later := as("base")
	open.Say(messages(simple("BEGIN"), simple("SELECT surname FROM individual FOR UPDATE")))
	open.HearUntil(wire.ReadyForQuery)
	open.HearUntil(wire.ReadyForQuery)
	busy.Say(simple("SELECT pg_sleep(600)"))
	watch := pgtest.Connect(t, p.direct)
	backends := func(where string) (n int) {
		err := watch.QueryRow(context.Background(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND `+where).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	pgtest.Eventually(t, func() bool { return backends("query LIKE '%pg_sleep%'") == 1 }, "the statement runs")
	p.Suspend(&migrate.Outage{Reason: "of a test"})
	held.Say(simple("SELECT surname FROM individual"))
	pgtest.Eventually(t, func() bool {
		for _, s := range p.Sessions() {
			if s.Held {
				return true
			}
		}
		return false
	}, "a statement is held")

	p.End(&migrate.Ending{Versions: []string{"surname"}, Why: `rollback of "surname"`})
	for name, c := range map[string]*wiretest.Client{"idle": idle, "in a transaction": open, "in a statement": busy, "held": held} {
		e := c.HearFatal()
		if e.Code != "57P01" || !strings.Contains(e.Detail, `rollback of "surname"`) || e.Hint == "" {
			t.Errorf("a session that is %s is told %+v", name, e)
		}
	}
	p.Open(p.snapshot(2, surnameActive(t)))
	pgtest.Eventually(t, func() bool { return backends("true") == 3 }, "their backends are gone, that in the statement too")
	stays.Say(simple("SELECT last_name FROM individual"))
	stays.HearUntil(wire.ReadyForQuery)
	unpinned.Say(simple("SELECT last_name FROM individual"))
	unpinned.HearUntil(wire.ReadyForQuery)

	// Nobody comes back, neither by a new connection nor by SET.
	late := wiretest.Dial(t, p.addr)
	late.Hello(p.database, wire.Parameter{Name: "segue.version", Value: "surname"})
	if e := late.HearFatal(); e.Code != "57P03" || !strings.Contains(e.Message, "it ends by rollback") {
		t.Errorf("a new session is told %+v", e)
	}
	later.Say(simple("SET segue.version = 'surname'"))
	later.HearUntil(wire.ReadyForQuery)
	later.Say(simple("SELECT surname FROM individual"))
	later.HearUntil(wire.ReadyForQuery)
	p.End(&migrate.Ending{Versions: []string{"surname"}, Why: `rollback of "surname"`})
	if e := later.HearFatal(); e.Code != "57P01" {
		t.Errorf("a session that has set the version is told %+v", e)
	}

	p.End(nil)
	as("surname")
}

func TestASessionOfAVersionThatEndsLeavesNoLockBehind(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(people)
	p.Open(p.snapshot(1, surnameActive(t)))
	c := p.login(wire.Parameter{Name: "segue.version", Value: "surname"})
	c.Say(simple("BEGIN; UPDATE individual SET surname = 'x'; SELECT pg_sleep(600)"))
	watch := pgtest.Connect(t, p.direct)
	locked := func() (n int) {
		err := watch.QueryRow(context.Background(),
			`SELECT count(*) FROM pg_locks WHERE relation = 'individual'::regclass AND pid <> pg_backend_pid()`).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	pgtest.Eventually(t, func() bool { return locked() > 0 }, "the table is locked")
	p.End(&migrate.Ending{Versions: []string{"surname"}, Why: "contract of " + strconv.Quote("next")})
	c.HearFatal()
	pgtest.Eventually(t, func() bool { return locked() == 0 }, "the lock is gone")
}
