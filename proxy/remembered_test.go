package proxy

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
	"github.com/seguedb/segue/rules"
)

func TestWhatAllSessionsHavePreparedIsBounded(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(people)
	p.Server.mostRemembered = 1 << 20
	first, second := p.login(), p.login()
	pad := " /*" + strings.Repeat("z", 400<<10) + "*/"
	for _, c := range []*wiretest.Client{first, second} {
		send := messages(parse("a", "SELECT last_name FROM individual"+pad), parse("b", "SELECT 1"+pad), parse("c", "SELECT 2"+pad), syncMsg())
		if got := codes(c, send, "Z"); got != "111ZI" {
			t.Fatal(got)
		}
	}
	if n := p.Server.remembered.Load(); n > 1<<20+2*ownTexts {
		t.Errorf("%d bytes are remembered", n)
	}
	p.phase(1, rules.Cutover, renameThere) // by a version of the new names
	for _, c := range []*wiretest.Client{first, second} {
		if got := codes(c, messages(bind("", "a"), execute(""), bind("", "b"), execute(""), bind("", "c"), execute(""), syncMsg()), "Z"); got != "2DDDC2DC2DCZI" {
			t.Errorf("what was prepared is answered with %s", got)
		}
		c.Close()
	}
	pgtest.Eventually(t, func() bool { return p.Server.remembered.Load() == 0 }, "nothing to be remembered")
}

func TestAnErrorOrNoticeThatIsTooLongToBeReadReachesTheClient(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t)
	c := p.login(wire.Parameter{Name: "segue.version", Value: "surname"})
	for _, sql := range []string{
		"DO $$ BEGIN RAISE NOTICE '%', repeat('long ', 5000000); RAISE EXCEPTION '%', repeat('long ', 5000000); END $$",
		"SELECT surname, CAST(repeat('long ', 5000000) AS int) FROM individual",
	} {
		if got := codes(c, simple(sql), "Z"); !strings.HasSuffix(got, "ZI") || !strings.Contains(got, "E<") {
			t.Errorf("%s: %s", sql, got)
		}
	}
	if got := codes(c, simple("SELECT surname FROM individual"), "Z"); got != "TDDDCZI" {
		t.Errorf("after that: %s", got)
	}
}

func TestALongPreparedTextOfWhichNothingIsKnownIsRefusedAndNotTheSession(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(people)
	c := p.login()
	if got := codes(c, messages(parse("a", "SELECT length("+filler(10<<20)+")"), parse("b", "SELECT 1"), syncMsg()), "Z"); got != "11ZI" {
		t.Fatal(got)
	}
	p.phase(1, rules.Active)
	if got := codes(c, messages(bind("", "a"), execute(""), syncMsg()), "Z"); !strings.HasPrefix(got, "E<") || !strings.HasSuffix(got, "ZI") {
		t.Errorf("the long one: %s", got)
	}
	if got := codes(c, messages(bind("", "b"), execute(""), syncMsg()), "Z"); got != "2DCZI" {
		t.Errorf("another: %s", got)
	}
}
