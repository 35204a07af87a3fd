package startup

import (
	"testing"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
)

// A server that speaks GSSAPI may send its last token together with AuthenticationOk, or wait for one more of the
// client's: both must work, because only the two ends know.
func TestTokensAreRelayedWhoeverSpeaksLast(t *testing.T) {
	t.Parallel()
	for name, rounds := range map[string]int{"the server": 0, "the client": 1, "the client, after a while": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token := func(kind byte, data string) []byte {
				return wire.AppendMessage(nil, wire.Authentication, append([]byte{0, 0, 0, kind}, data...))
			}
			d := openDoor(t, Config{Upstream: fakeServer(t, func(s *wiretest.Client) {
				s.In.NextStartup()
				s.Say(token(wire.AuthGSS, ""))
				for range rounds + 1 {
					s.Hear(wire.AuthReply)
					s.Say(token(wire.AuthGSSContinue, "token"))
				}
				s.Say(wiretest.Greeting(nil))
				if got := string(s.Hear(wire.Query)); got != "select 1\x00" {
					t.Errorf("the session's first query: %q", got)
				}
			})})
			c := wiretest.Dial(t, d.addr)
			c.Hello("d")
			c.Hear(wire.Authentication)
			for range rounds + 1 {
				c.Say(wire.AppendMessage(nil, wire.AuthReply, []byte("mine")))
				c.Hear(wire.Authentication)
			}
			if got := c.HearUntil(wire.ReadyForQuery); got != "RSZ" {
				t.Errorf("messages %q", got)
			}
			c.Say(wire.AppendQuery(nil, "select 1"))
			c.HearEnd()
		})
	}
}

func TestAClientThatLeavesInTheMiddleOfATokenExchangeEndsIt(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	d := openDoor(t, Config{Upstream: fakeServer(t, func(s *wiretest.Client) {
		s.In.NextStartup()
		s.Say(wire.AppendMessage(nil, wire.Authentication, []byte{0, 0, 0, wire.AuthGSS}))
		s.HearEnd()
		close(ended)
	})})
	c := wiretest.Dial(t, d.addr)
	c.Hello("d")
	c.Hear(wire.Authentication)
	c.Close()
	<-ended
	if err := <-d.errs; err == nil {
		t.Error("a link was established")
	}
}
