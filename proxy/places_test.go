package proxy

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
)

func TestBeyondMaxConnectionsClientsAreToldWhatTheServerSays(t *testing.T) {
	t.Parallel()
	p := openProxy(t, func(c *Config) { c.MaxConnections = 2 })
	one, two := p.login(), p.login(wire.Parameter{Name: "replication", Value: "database"})
	for range 3 {
		c := wiretest.Dial(t, p.addr)
		c.Hello(p.database)
		if e := c.HearFatal(); e.Code != "53300" || e.Message != "sorry, too many clients already" {
			t.Errorf("got %v", e)
		}
	}
	t.Run("cancel requests are served", func(t *testing.T) {
		c := wiretest.Dial(t, p.addr)
		c.Say(wire.AppendCancelRequest(nil, 1, []byte("abcd")))
		c.HearEnd()
	})
	for _, c := range []*wiretest.Client{one, two} {
		c.Say(wire.AppendTerminate(nil))
		c.HearEnd()
	}
	pgtest.Eventually(t, func() bool {
		for range 2 {
			conn, err := pgx.Connect(t.Context(), p.url)
			if err != nil {
				return false
			}
			defer conn.Close(t.Context())
		}
		return true
	}, "both places are given back")
}
