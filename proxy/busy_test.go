package proxy

import (
	"testing"

	"github.com/seguedb/segue/proxy/wire"
)

func TestASessionSaysForHowLongItsTransactionIsOpen(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	c := p.login()
	open := func() float64 { return p.Sessions()[0].TransactionSeconds }
	if age := open(); age != 0 {
		t.Errorf("an idle session has had a transaction for %v s", age)
	}
	c.Say(simple("BEGIN"))
	c.HearUntil(wire.ReadyForQuery)
	first := open()
	c.Say(simple("SELECT 1"))
	c.HearUntil(wire.ReadyForQuery)
	if second := open(); first <= 0 || second <= first {
		t.Errorf("the transaction is open for %v s, and later for %v s", first, second)
	}
	c.Say(simple("COMMIT"))
	c.HearUntil(wire.ReadyForQuery)
	if age := open(); age != 0 {
		t.Errorf("after COMMIT the transaction is open for %v s", age)
	}
	c.Say(messages(parse("", "SELECT 1"), bind("", ""), execute(""), flush()))
	c.HearUntil(wire.CommandComplete)
	if age := open(); age <= 0 {
		t.Errorf("the open group of the extended protocol counts as %v s", age)
	}
	c.Say(syncMsg())
	c.HearUntil(wire.ReadyForQuery)
	if age := open(); age != 0 {
		t.Errorf("after Sync the transaction is open for %v s", age)
	}
}
