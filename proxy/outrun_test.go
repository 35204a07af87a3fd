package proxy

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
	"github.com/seguedb/segue/rules"
)

// ownMakings make the next text of a session be bound by the catalog as its own server shows it.
var ownMakings = map[string][]string{
	"a temporary table":          {"CREATE TEMP TABLE mine AS SELECT i AS who FROM individual i"},
	"a temporary table, gone":    {"CREATE TEMP TABLE mine (a int)", "DROP TABLE mine"},
	"a table":                    {"CREATE TABLE mine AS SELECT i AS who FROM individual i"},
	"a view, in the transaction": {"BEGIN", "CREATE OR REPLACE VIEW mine AS SELECT 1 AS n"},
	"a view":                     {"CREATE OR REPLACE VIEW mine AS SELECT 1 AS n"},
}

// renames are transitions that a session may outrun: it sees the names behind them before the proxy is told.
var renames = map[string]struct {
	before, after rules.Phase
	ddl           string
}{
	"cutover":  {rules.Active, rules.Cutover, renameThere},
	"rollback": {rules.Cutover, rules.Active, renameBack},
}

// openUnread is openOutdated where what was made does not get into the catalog of the snapshot.
func openUnread(t *testing.T, change ...func(*Config)) *outdated {
	return openOutdated(t, append(change, func(c *Config) { c.SchemaChanged = func(func()) {} })...)
}

// eachOutrun runs a test for all that can be made before each of the renames.
func eachOutrun(t *testing.T, test func(t *testing.T, o *outdated, c *wiretest.Client, rename func(), taken func())) {
	for making, made := range ownMakings {
		for way, r := range renames {
			t.Run(making+", "+way, func(t *testing.T) {
				t.Parallel()
				o := openUnread(t)
				if r.before == rules.Cutover {
					o.phase(2, rules.Cutover, renameThere)
				}
				taken := func() { o.Open(o.snapshot(3, migration(t, 1, r.after, surname))) }
				o.catchUp = func(context.Context) error { taken(); return nil }
				c := o.loginBase()
				for _, sql := range made {
					c.Say(simple(sql))
					c.HearUntil(wire.ReadyForQuery)
				}
				test(t, o, c, func() { o.run(r.ddl) }, taken)
			})
		}
	}
}

func TestASessionThatSeesARenameFirstHasItsTextBoundWhenThatIsKnown(t *testing.T) {
	t.Parallel()
	texts := map[string]struct {
		send []byte
		want string
	}{
		"a simple query":    {simple("SELECT last_name FROM individual WHERE id = 1"), "TDCZ"},
		"an extended query": {messages(parse("", "SELECT last_name FROM individual WHERE id = 1"), bind("", ""), execute(""), syncMsg()), "12DCZ"},
		"what makes more":   {simple("CREATE TABLE more AS SELECT last_name FROM individual"), "CZ"},
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachOutrun(t, func(t *testing.T, _ *outdated, c *wiretest.Client, rename, _ func()) {
				rename()
				c.Say(text.send)
				if got := strings.ReplaceAll(c.HearUntil(wire.ReadyForQuery), "S", ""); got != text.want {
					t.Errorf("heard %q, want %q", got, text.want)
				}
			})
		})
	}
}

func TestASessionThatSeesARenameBehindAClosedGateWaitsForIt(t *testing.T) {
	t.Parallel()
	eachOutrun(t, func(t *testing.T, o *outdated, c *wiretest.Client, rename, taken func()) {
		o.catchUp = func(context.Context) error { return nil } // there is no news while the outcome is open
		o.closeGate(o.Server.epoch.Load().binder.Snapshot().Tables...)
		rename()
		c.Say(simple("SELECT last_name FROM individual WHERE id = 1"))
		o.held(1)
		taken()
		if got := c.HearUntil(wire.ReadyForQuery); got != "TDCZ" {
			t.Errorf("heard %q", got)
		}
	})
}

// contradicted expects the error of a session whose own schema does not fit.
func contradicted(t *testing.T, c *wiretest.Client) {
	t.Helper()
	if err := c.HearError(); err.Code != "0A000" || !strings.Contains(err.Message, "as this session sees it") {
		t.Errorf("got %v", err)
	}
	c.Hear(wire.ReadyForQuery)
}

func TestASessionThatHasRenamedItselfIsToldSo(t *testing.T) {
	t.Parallel()
	for name, gated := range map[string]bool{"with the gate open": false, "at a closed gate, which waits for it": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := openUnread(t)
			o.unaware()
			o.run("CREATE FUNCTION rename_it() RETURNS void LANGUAGE sql AS '" + renameThere + "'")
			c := o.loginBase()
			for _, sql := range []string{"BEGIN", "SELECT rename_it()", "CREATE OR REPLACE VIEW mine AS SELECT 1 AS n"} {
				c.Say(simple(sql))
				c.HearUntil(wire.ReadyForQuery)
			}
			if gated {
				o.closeGate(o.Server.epoch.Load().binder.Snapshot().Tables...)
			}
			c.Say(simple("SELECT last_name FROM individual"))
			contradicted(t, c)
		})
	}
}

func TestWhatIsNotConfirmedInTimeIsRefused(t *testing.T) {
	t.Parallel()
	for name, catchUp := range map[string]func(context.Context) error{
		"no answer": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"no touch":  func(context.Context) error { return errors.New("out of touch") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := openUnread(t, func(c *Config) { c.CatchUpTimeout = 50 * time.Millisecond })
			o.catchUp = catchUp
			c := o.loginBase()
			c.Say(simple("CREATE OR REPLACE VIEW mine AS SELECT 1 AS n"))
			c.HearUntil(wire.ReadyForQuery)
			o.rename()
			c.Say(simple("SELECT last_name FROM individual WHERE id = 1"))
			contradicted(t, c)
		})
	}
}

func TestAWaitForNewsOfARenameCanBeCancelled(t *testing.T) {
	t.Parallel()
	o := openUnread(t)
	began, _ := o.slow()
	c := o.loginBase()
	c.Say(simple("CREATE OR REPLACE VIEW mine AS SELECT 1 AS n"))
	c.HearUntil(wire.ReadyForQuery)
	o.rename()
	c.Say(simple("SELECT last_name FROM individual WHERE id = 1"))
	<-began
	for _, s := range o.list() {
		s.held.interrupt()
	}
	if err := c.HearError(); err.Code != "57014" {
		t.Errorf("got %v", err)
	}
	c.Hear(wire.ReadyForQuery)
}
