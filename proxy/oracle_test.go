package proxy

import (
	"sync/atomic"
	"testing"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rules"
)

// TestATextWhoseResultWasNotAsPredictedIsRefusedFromThenOn has a column replaced behind the proxy's back by another of the
// same name, which the binder knows by its number.
func TestATextWhoseResultWasNotAsPredictedIsRefusedFromThenOn(t *testing.T) {
	t.Parallel()
	run := messages(bind("", "s"), describePortal(""), execute(""), syncMsg())
	for name, text := range map[string][]byte{
		"a simple query":       simple("SELECT surname FROM individual"),
		"a prepared statement": run,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32 // to read the catalog again
			p := openProxy(t, func(c *Config) { c.StrictOracle, c.SchemaChanged = false, func(func()) { asked.Add(1) } })
			p.run(people)
			p.phase(1, rules.Active)
			p.run("ALTER TABLE individual DROP last_name; ALTER TABLE individual ADD last_name text")
			c := p.login(wire.Parameter{Name: "segue.version", Value: "surname"})
			c.Say(messages(parse("s", "SELECT surname FROM individual"), syncMsg()))
			c.HearUntil(wire.ReadyForQuery)
			c.Say(text)
			c.HearUntil(wire.RowDescription) // the first result is delivered: it is the server's answer to what was sent
			c.HearUntil(wire.ReadyForQuery)
			if asked.Load() == 0 {
				t.Error("the catalog is not read again")
			}
			for range 2 {
				c.Say(text)
				if e := c.HearError(); e.Code != "0A000" {
					t.Errorf("%v", e)
				}
				c.Hear(wire.ReadyForQuery)
			}
			p.Open(p.snapshot(2, migration(t, 1, rules.Active, surname)))
			c.Say(text)
			c.HearUntil(wire.RowDescription)
			c.HearUntil(wire.ReadyForQuery)
		})
	}
}

// TestADescriptionIsOnlyOfThePortalThatWasBound has a Bind skipped, and the portal of before described in a later group.
func TestADescriptionIsOnlyOfThePortalThatWasBound(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(people)
	p.phase(1, rules.Cutover, renameThere)
	c := p.loginBase()
	const first, other = "SELECT id, last_name FROM individual", "SELECT last_name AS other FROM individual"
	hears(c, step{messages(parse("a", first), parse("b", other), parse("f", "SELECT 1 / $1::int, last_name FROM individual"), syncMsg()), "Z"})
	heard := hears(c, step{messages(simple("BEGIN"), bind("p", "a"), syncMsg(), simple("SAVEPOINT s"),
		bind("", "f", []byte("0")), execute(""), closing("x"), bind("p", "b"), syncMsg(),
		simple("ROLLBACK TO s"), describePortal("p"), syncMsg()), "ZZZZZZ"})
	if got := heard[len(heard)-2]; got != "T <nil> id:1:23:0 last_name:2:25:0" {
		t.Errorf("the client hears %q", heard)
	}
	hears(c, step{simple("ROLLBACK"), "Z"})
	heard = hears(c, step{messages(bind("", "b"), describePortal(""), execute(""), syncMsg()), "Z"})
	if got := heard[1]; got != "T <nil> other:2:25:0" {
		t.Errorf("afterwards it hears %q", heard)
	}
}
