package proxy

import (
	"context"
	"strconv"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
)

func TestWhatAClientSentIsExecutedThoughItLeaves(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run("CREATE TABLE t (n int)")
	c := p.login()
	c.say(simple("INSERT INTO t VALUES (1)"))
	c.Close()
	watch := pgtest.Connect(t, p.direct)
	pgtest.Eventually(t, func() bool {
		var rows, backends int
		err := watch.QueryRow(context.Background(), `SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND backend_type = 'client backend')`).Scan(&rows, &backends)
		return err == nil && rows == 1 && backends == 1
	}, "the statement is executed and the backend ends")
}

func TestAServerThatEndsASessionEndsItForTheClient(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	c, other := p.login(), p.login()
	var pid uint32
	for _, s := range p.Sessions() {
		if s.Client == other.LocalAddr().String() {
			pid = s.PID
		}
	}
	p.run("SELECT pg_terminate_backend(" + strconv.Itoa(int(pid)) + ")")
	if e := other.hearFatal(); e.Code != "57P01" {
		t.Errorf("%v", e)
	}
	c.say(simple("SELECT 1"))
	c.hearUntil(wire.ReadyForQuery)
}

func TestWhatCameBeforeTheServerClosedIsDelivered(t *testing.T) {
	t.Parallel()
	up := fakeServer(t, func(s *rawClient) {
		if _, err := s.in.NextStartup(); err != nil {
			return
		}
		s.say(greeting([]byte("key!")))
		if _, err := s.in.Next(); err != nil {
			return
		}
		s.say(wire.AppendMessage(nil, wire.DataRow, []byte{0, 0}))
		s.say([]byte{'D', 0, 0, 0, 100, 'c', 'u', 't'})
	})
	p := openProxy(t, func(c *Config) { c.Upstream = up })
	c := dialRaw(t, p.addr)
	c.hello("d")
	c.hearUntil(wire.ReadyForQuery)
	c.say(simple("SELECT"))
	c.hear(wire.DataRow)
	c.hearEnd()
}

func TestGarbageEndsOneSessionOnly(t *testing.T) {
	t.Parallel()
	garbage := map[string][]byte{
		"a length that is too small": {'Q', 0, 0, 0, 3, 'x'},
		"a negative length":          {'Q', 0xff, 0xff, 0xff, 0xff},
		"a length beyond all bounds": {'d', 0x7f, 0xff, 0xff, 0xff},
	}
	p := openProxy(t)
	bystander := p.login()
	for name, bytes := range garbage {
		for side, addr := range map[string]string{"PostgreSQL": pgtest.Cluster().Address(), "Segue": p.addr} {
			c := dialRaw(t, addr)
			c.hello(p.database)
			c.hearUntil(wire.ReadyForQuery)
			c.say(bytes)
			if f, err := c.next(); !gone(err) {
				t.Errorf("%s: %s says %q, %v", name, side, f.Raw, err)
			}
		}
	}
	c := p.login()
	c.say([]byte{'Q', 0, 0, 0, 100, 'c', 'u', 't'})
	c.Close()
	bystander.say(simple("SELECT 1"))
	bystander.hearUntil(wire.ReadyForQuery)
}

func TestGarbageOfAServerIsNotTrusted(t *testing.T) {
	t.Parallel()
	answers := map[string][]byte{
		"a negative length":        {'D', 0xff, 0xff, 0xff, 0xff},
		"a row that lies":          messages(wire.AppendMessage(nil, wire.DataRow, []byte{0xff, 0xff, 1}), wire.AppendReadyForQuery(nil, 'I')),
		"an error without an end":  messages(wire.AppendMessage(nil, wire.ErrorResponse, []byte("SERROR")), wire.AppendReadyForQuery(nil, 'I')),
		"answers to nothing asked": messages(wire.AppendMessage(nil, '1', nil), wire.AppendMessage(nil, 'G', nil), wire.AppendReadyForQuery(nil, 'I'), wire.AppendReadyForQuery(nil, 'I')),
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			up := fakeServer(t, func(s *rawClient) {
				if _, err := s.in.NextStartup(); err != nil {
					return
				}
				s.say(greeting([]byte("key!")))
				if _, err := s.in.Next(); err != nil {
					return
				}
				s.say(answer)
				_, _ = s.in.Next()
			})
			p := openProxy(t, func(c *Config) { c.Upstream = up })
			c := dialRaw(t, p.addr)
			c.hello("d")
			c.hearUntil(wire.ReadyForQuery)
			c.say(simple("SELECT"))
			for {
				f, err := c.in.Next()
				if err != nil || f.Type == wire.ReadyForQuery || f.Type == wire.ErrorResponse {
					break
				}
			}
		})
	}
}
