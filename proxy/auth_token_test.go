package proxy

import (
	"testing"

	"github.com/seguedb/segue/proxy/wire"
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
			d := openDoor(t, Config{Upstream: fakeServer(t, func(s *rawClient) {
				s.in.NextStartup()
				s.say(token(wire.AuthGSS, ""))
				for range rounds + 1 {
					s.hear(wire.AuthReply)
					s.say(token(wire.AuthGSSContinue, "token"))
				}
				s.say(greeting(nil))
				if got := string(s.hear(wire.Query)); got != "select 1\x00" {
					t.Errorf("the session's first query: %q", got)
				}
			})})
			c := dialRaw(t, d.addr)
			c.hello("d")
			c.hear(wire.Authentication)
			for range rounds + 1 {
				c.say(wire.AppendMessage(nil, wire.AuthReply, []byte("mine")))
				c.hear(wire.Authentication)
			}
			if got := c.hearUntil(wire.ReadyForQuery); got != "RSZ" {
				t.Errorf("messages %q", got)
			}
			c.say(wire.AppendQuery(nil, "select 1"))
			c.hearEnd()
		})
	}
}

func TestAClientThatLeavesInTheMiddleOfATokenExchangeEndsIt(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	d := openDoor(t, Config{Upstream: fakeServer(t, func(s *rawClient) {
		s.in.NextStartup()
		s.say(wire.AppendMessage(nil, wire.Authentication, []byte{0, 0, 0, wire.AuthGSS}))
		s.hearEnd()
		close(ended)
	})})
	c := dialRaw(t, d.addr)
	c.hello("d")
	c.hear(wire.Authentication)
	c.Close()
	<-ended
	if err := <-d.errs; err == nil {
		t.Error("a link was established")
	}
}
