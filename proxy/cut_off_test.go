package proxy

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
)

// backends counts the server's sessions of the database, without the one that asks.
func (r *running) backends() int {
	var n int
	conn := pgtest.Connect(r.t, r.direct)
	defer conn.Close(r.t.Context())
	if err := conn.QueryRow(r.t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
		AND backend_type = 'client backend' AND pid <> pg_backend_pid()`).Scan(&n); err != nil {
		r.t.Fatal(err)
	}
	return n
}

func TestAClientThatGoesWithinAMessageLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	open := map[string]func(*testing.T) *running{
		"while nothing is live": func(t *testing.T) *running { return openProxy(t) },
		"under a migration":     func(t *testing.T) *running { p, _ := openShop(t); return p },
	}
	for when, open := range open {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			p := open(t)
			for _, kind := range []byte{wire.Query, wire.Parse, wire.Bind, wire.CopyData, wire.FuncCall} {
				c := p.login()
				c.Say(append(binary.BigEndian.AppendUint32([]byte{kind}, 50_000_000), bytes.Repeat([]byte{'z'}, 200_000)...))
				c.Close()
			}
			pgtest.Eventually(t, func() bool { return len(p.Sessions()) == 0 && p.backends() == 0 }, "the sessions to end")
		})
	}
}
