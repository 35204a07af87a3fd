package proxy

import (
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
	"github.com/seguedb/segue/rules"
)

func TestEachExecutionIsCountedByNameVersionAndClient(t *testing.T) {
	t.Parallel()
	p, table := openShop(t)
	c := p.login(wire.Parameter{Name: "segue.version", Value: "surname"}, wire.Parameter{Name: "application_name", Value: "shop"})
	c.Say(messages(parse("s", "SELECT surname FROM individual WHERE surname = 'secret' AND id = $1::int"), syncMsg()))
	c.HearUntil(wire.ReadyForQuery)
	for range 3 {
		c.Say(messages(bind("", "s", []byte("1")), execute(""), syncMsg()))
		c.HearUntil(wire.ReadyForQuery)
	}
	c.Say(simple("SELECT surname FROM individual WHERE surname = 'secret' AND id = 1; SELECT last_name FROM individual"))
	c.HearError()
	find := func(column string) (found int64) {
		for _, u := range p.Uses() {
			if u.Column != column {
				continue
			}
			found += u.Count
			if u.Table != table || u.Name != "individual" || u.Version != "surname" || u.Application != "shop" || u.User == "" {
				t.Errorf("%+v", u)
			}
			if u.Sample == "" || strings.Contains(u.Sample, "secret") {
				t.Errorf("sample %q", u.Sample)
			}
		}
		return found
	}
	if n := find("surname"); n != 4 {
		t.Errorf("counted %d", n)
	}
	if left := p.Uses(); len(left) != 0 {
		t.Errorf("counted again: %+v", left)
	}
	c.Hear(wire.ReadyForQuery)
	c.Say(simple("SELECT surname FROM individual"))
	c.HearUntil(wire.ReadyForQuery)
	c.Close()
	pgtest.Eventually(t, func() bool { return len(p.Sessions()) == 0 }, "the session ends")
	if n := find("surname"); n != 1 {
		t.Errorf("of a session that has ended %d are counted", n)
	}
}

func TestTheVersionOfASessionFollowsWhatItSets(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t, func(c *Config) {
		c.Versions.Match = []VersionMatch{{Application: "new", Version: "surname"}}
	})
	version := func() string { return p.Sessions()[0].Version }
	c := p.login(wire.Parameter{Name: "options", Value: "-c segue.version=base"})
	if got := version(); got != rules.Base {
		t.Errorf("by options: %q", got)
	}
	ok := func(sql string) {
		t.Helper()
		c.Say(simple(sql))
		c.HearUntil(wire.ReadyForQuery)
	}
	fails := func(sql string) {
		t.Helper()
		c.Say(simple(sql))
		if e := c.HearError(); e.Code != "42703" {
			t.Errorf("%s: %v", sql, e)
		}
		c.Hear(wire.ReadyForQuery)
	}
	ok("SELECT last_name FROM individual")
	fails("SELECT surname FROM individual")
	ok("SET segue.version = 'surname'")
	ok("SELECT surname FROM individual")
	fails("SELECT last_name FROM individual")
	ok("BEGIN")
	ok("SET LOCAL segue.version = 'base'")
	ok("SELECT last_name FROM individual")
	ok("COMMIT")
	fails("SELECT last_name FROM individual")
	if got := version(); got != "surname" {
		t.Errorf("after SET LOCAL: %q", got)
	}
	ok("BEGIN")
	ok("SET segue.version = 'base'")
	ok("SELECT last_name FROM individual")
	ok("ROLLBACK")
	ok("SELECT surname FROM individual")
	ok("SELECT set_config('segue.version', '', false)")
	ok("SET application_name = 'new'")
	fails("SELECT last_name FROM individual")
	ok("SET application_name = 'other'")
	ok("SELECT last_name FROM individual") // unpinned: either version's names do
	ok("SELECT surname FROM individual")
	if got := version(); got != "" {
		t.Errorf("unpinned: %q", got)
	}
	ok("RESET segue.version")
	fails("SELECT surname FROM individual")
}

func TestAVersionThatIsNotServedIsRefusedAtConnection(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t)
	draft := migration(t, 2, rules.Draft, strings.ReplaceAll(surname, "surname", "later"))
	p.Open(p.snapshot(2, migration(t, 1, rules.Active, surname), draft))
	for version, want := range map[string]string{"nonsense": "22023", "later": "57P03"} {
		c := wiretest.Dial(t, p.addr)
		c.Hello(p.database, wire.Parameter{Name: "segue.version", Value: version})
		if e := c.HearFatal(); e.Code != want || !strings.Contains(e.Hint, "base, surname") {
			t.Errorf("%s: %v, hint %q", version, e, e.Hint)
		}
	}
	p.Open(p.snapshot(3, migration(t, 1, rules.Active, surname)))
	p.login(wire.Parameter{Name: "segue.version", Value: "surname"})
}

func TestTheMetricsCountWhatHappens(t *testing.T) {
	t.Parallel()
	p, table := openShop(t)
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(p.Collector()); err != nil {
		t.Fatal(err)
	}
	c := p.login(wire.Parameter{Name: "segue.version", Value: "surname"})
	p.closeGate(table)
	c.Say(simple("SELECT surname FROM individual"))
	p.held(1)
	p.Open(p.Server.epoch.Load().binder.Snapshot())
	c.HearUntil(wire.ReadyForQuery)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, f := range families {
		m := f.GetMetric()[0]
		if m.GetCounter().GetValue() == 1 || m.GetGauge().GetValue() == 1 || m.GetHistogram().GetSampleCount() == 1 {
			seen = append(seen, f.GetName())
		}
	}
	for _, want := range []string{"segue_held_total", "segue_hold_seconds", "segue_messages_total", "segue_rewritten_total", "segue_sessions"} {
		if !slices.Contains(seen, want) {
			t.Errorf("%s is not 1; these are: %v", want, seen)
		}
	}
}

func TestDDLOfItsOwnSessionsIsNoticed(t *testing.T) {
	t.Parallel()
	noticed := make(chan struct{}, 10)
	p, _ := openShop(t, func(c *Config) { c.SchemaChanged = func(func()) { noticed <- struct{}{} } })
	c := p.login()
	for _, sql := range []string{"CREATE TABLE x ()", "ALTER TABLE x ADD a int", "DROP TABLE x"} {
		c.Say(simple(sql))
		c.HearUntil(wire.ReadyForQuery)
		<-noticed
	}
}
