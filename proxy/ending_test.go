package proxy

import (
	"context"
	"strconv"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
)

func TestWhatAClientSentIsExecutedThoughItLeaves(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run("CREATE TABLE t (n int)")
	c := p.login()
	c.Say(simple("INSERT INTO t VALUES (1)"))
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
	if e := other.HearFatal(); e.Code != "57P01" {
		t.Errorf("%v", e)
	}
	c.Say(simple("SELECT 1"))
	c.HearUntil(wire.ReadyForQuery)
}

func TestWhatCameBeforeTheServerClosedIsDelivered(t *testing.T) {
	t.Parallel()
	up := fakeServer(t, func(s *wiretest.Client) {
		if _, err := s.In.NextStartup(); err != nil {
			return
		}
		s.Say(wiretest.Greeting([]byte("key!")))
		if _, err := s.In.Next(); err != nil {
			return
		}
		s.Say(wire.AppendMessage(nil, wire.DataRow, []byte{0, 0}))
		s.Say([]byte{'D', 0, 0, 0, 100, 'c', 'u', 't'})
	})
	p := openProxy(t, func(c *Config) { c.Upstream = up })
	c := wiretest.Dial(t, p.addr)
	c.Hello("d")
	c.HearUntil(wire.ReadyForQuery)
	c.Say(simple("SELECT"))
	c.Hear(wire.DataRow)
	c.HearEnd()
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
			c := wiretest.Dial(t, addr)
			c.Hello(p.database)
			c.HearUntil(wire.ReadyForQuery)
			c.Say(bytes)
			if f, err := c.Next(); !wiretest.Gone(err) {
				t.Errorf("%s: %s says %q, %v", name, side, f.Raw, err)
			}
		}
	}
	c := p.login()
	c.Say([]byte{'Q', 0, 0, 0, 100, 'c', 'u', 't'})
	c.Close()
	bystander.Say(simple("SELECT 1"))
	bystander.HearUntil(wire.ReadyForQuery)
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
			up := fakeServer(t, func(s *wiretest.Client) {
				if _, err := s.In.NextStartup(); err != nil {
					return
				}
				s.Say(wiretest.Greeting([]byte("key!")))
				if _, err := s.In.Next(); err != nil {
					return
				}
				s.Say(answer)
				_, _ = s.In.Next()
			})
			p := openProxy(t, func(c *Config) { c.Upstream = up })
			c := wiretest.Dial(t, p.addr)
			c.Hello("d")
			c.HearUntil(wire.ReadyForQuery)
			c.Say(simple("SELECT"))
			for {
				f, err := c.In.Next()
				if err != nil || f.Type == wire.ReadyForQuery || f.Type == wire.ErrorResponse {
					break
				}
			}
		})
	}
}
