package startup

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
)

func TestEveryStartupParameterReachesTheServer(t *testing.T) {
	t.Parallel()
	d, through := openRealDoor(t)
	cfg, err := pgx.ParseConfig(through)
	if err != nil {
		t.Fatal(err)
	}
	cfg.RuntimeParams = map[string]string{
		"application_name": "shop", "DateStyle": "German, DMY", "segue.version": "v2", "extra_float_digits": "1",
		"options": `-c geqo=off -c my.spaced=a\ b`,
	}
	conn, err := pgx.ConnectConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for setting, want := range map[string]string{
		"application_name": "shop", "datestyle": "German, DMY", "segue.version": "v2", "extra_float_digits": "1",
		"geqo": "off", "my.spaced": "a b",
	} {
		var got string
		if err := conn.QueryRow(context.Background(), "select current_setting($1)", setting).Scan(&got); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", setting, got, err, want)
		}
	}
	l := <-d.links
	if l.Request.Version != "v2" || l.Request.Application != "shop" || l.PassThrough || l.Status != wire.Idle {
		t.Errorf("version %q, application %q, passthrough %v, status %q", l.Request.Version, l.Request.Application, l.PassThrough, l.Status)
	}
	if l.PID != conn.PgConn().PID() || l.Parameters["DateStyle"] != "German, DMY" {
		t.Errorf("pid %d, DateStyle %q", l.PID, l.Parameters["DateStyle"])
	}
}

func TestAStartupPacketFollowsARefusedRequestForEncryption(t *testing.T) {
	t.Parallel()
	for name, requests := range map[string][]uint32{
		"TLS":         {wire.SSLRequestCode},
		"GSSAPI":      {wire.GSSENCRequestCode},
		"TLS, GSSAPI": {wire.SSLRequestCode, wire.GSSENCRequestCode},
		"GSSAPI, TLS": {wire.GSSENCRequestCode, wire.SSLRequestCode},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _ := openRealDoor(t)
			c := wiretest.Dial(t, d.addr)
			for _, code := range requests {
				c.Say(wire.AppendRequest(nil, code))
				if b := c.HearByte(); b != 'N' {
					t.Fatalf("answer %q", b)
				}
			}
			c.Hello(d.upstream.database)
			c.HearUntil(wire.ReadyForQuery)
			c.Say(wire.AppendQuery(nil, "select 1"))
			if got := c.HearUntil(wire.ReadyForQuery); got != "TDCZ" {
				t.Errorf("messages %q", got)
			}
		})
	}
}

func TestBytesThatCameBeforeEncryptionAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		request uint32
		tls     bool
		want    string
	}{
		"with TLS":    {wire.SSLRequestCode, true, "received unencrypted data after SSL request"},
		"without TLS": {wire.SSLRequestCode, false, "received unencrypted data after SSL request"},
		"GSSAPI":      {wire.GSSENCRequestCode, false, "received unencrypted data after GSSAPI encryption request"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _ := openRealDoor(t, func(e *Entrance) {
				if c.tls {
					e.tls = wiretest.NewAuthority(t).Server(t)
				}
			})
			client := wiretest.Dial(t, d.addr)
			stuffed := wire.AppendRequest(nil, c.request)
			client.Say(wire.AppendStartup(stuffed, 3<<16, []wire.Parameter{{Name: "user", Value: "mallory"}}))
			if e := client.HearFatal(); e.Code != "08P01" || e.Message != c.want || e.Detail == "" {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func TestTheServerAnswersNewerMinorVersionsAndProtocolOptions(t *testing.T) {
	t.Parallel()
	d, _ := openRealDoor(t)
	c := wiretest.Dial(t, d.addr)
	c.Say(wire.AppendStartup(nil, 3<<16|2, []wire.Parameter{
		{Name: "user", Value: pgtest.Cluster().Superuser}, {Name: "database", Value: d.upstream.database}, {Name: "_pq_.future", Value: "1"},
	}))
	got := c.Hear(wire.NegotiateProtocolVersion)
	if want := "\x00\x00\x00\x00\x00\x00\x00\x01_pq_.future\x00"; string(got[len(got)-len(want):]) != want && string(got[2:]) != want[2:] {
		t.Errorf("got %q", got)
	}
	c.HearUntil(wire.ReadyForQuery)
}

func TestALongCancelKeyIsRelayedAndKept(t *testing.T) {
	t.Parallel()
	key := []byte(strings.Repeat("k", wire.MaxKey))
	d := openDoor(t, Config{Upstream: fakeServer(t, func(s *wiretest.Client) {
		if p, err := s.In.NextStartup(); err != nil || p.Code != 3<<16|2 {
			t.Errorf("packet %x, %v", p.Code, err)
		}
		s.Say(wiretest.Greeting(key))
		s.In.Next()
	})})
	c := wiretest.Dial(t, d.addr)
	c.Say(wire.AppendStartup(nil, 3<<16|2, []wire.Parameter{{Name: "user", Value: "u"}, {Name: "database", Value: "d"}}))
	c.Hear(wire.Authentication)
	c.Hear(wire.ParameterStatus)
	if pid, got, err := wire.DecodeBackendKeyData(c.Hear(wire.BackendKeyData)); err != nil || pid != 42 || string(got) != string(key) {
		t.Errorf("pid %d, key %q, %v", pid, got, err)
	}
	c.Hear(wire.ReadyForQuery)
	if l := <-d.links; l.PID != 42 || string(l.Key) != string(key) {
		t.Errorf("link has pid %d, key %q", l.PID, l.Key)
	}
}

func TestAServerThatSendsNoCancelKeyIsServed(t *testing.T) {
	t.Parallel()
	d := openDoor(t, Config{Upstream: fakeServer(t, func(s *wiretest.Client) {
		s.In.NextStartup()
		s.Say(wiretest.Greeting(nil))
		s.In.Next()
	})})
	c := wiretest.Dial(t, d.addr)
	c.Hello("d")
	if got := c.HearUntil(wire.ReadyForQuery); got != "RSZ" {
		t.Errorf("messages %q", got)
	}
	if l := <-d.links; l.PID != 0 || l.Key != nil {
		t.Errorf("pid %d, key %q", l.PID, l.Key)
	}
}

func TestNoticesAndUnknownMessagesDuringStartupAreRelayed(t *testing.T) {
	t.Parallel()
	d := openDoor(t, Config{Upstream: fakeServer(t, func(s *wiretest.Client) {
		s.In.NextStartup()
		s.Say(wire.AppendMessage(nil, wire.NoticeResponse, []byte("SNOTICE\x00Mhello\x00\x00")))
		s.Say(append(wire.AppendMessage(nil, '?', []byte("new")), wiretest.Greeting(nil)...))
		s.In.Next()
	})})
	c := wiretest.Dial(t, d.addr)
	c.Hello("d")
	if got := c.HearUntil(wire.ReadyForQuery); got != "N?RSZ" {
		t.Errorf("messages %q", got)
	}
}

func TestAClientThatIsNotAdmittedNeverReachesTheServer(t *testing.T) {
	t.Parallel()
	refusal := &wire.Error{Severity: "FATAL", Code: "57P03", Message: "version v9 is not served yet", Hint: "wait"}
	d := openDoor(t, Config{Upstream: fakeServer(t, func(*wiretest.Client) { t.Error("the server was contacted") })}, func(e *Entrance) {
		e.admit = func(s Request) *wire.Error {
			if s.Version != "v9" {
				t.Errorf("version %q", s.Version)
			}
			return refusal
		}
	})
	c := wiretest.Dial(t, d.addr)
	c.Hello("d", wire.Parameter{Name: "options", Value: "-c segue.version=v9"})
	if diff := cmp.Diff(refusal, c.HearFatal()); diff != "" {
		t.Error(diff)
	}
}

func TestAClientThatSaysNothingIsClosedInTime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		start func(*wiretest.Client)
		heard string // before the end
	}{
		"at all":                    {func(*wiretest.Client) {}, ""},
		"after a length":            {func(c *wiretest.Client) { c.Say([]byte{0, 0, 0, 40}) }, ""},
		"after the TLS offer":       {func(c *wiretest.Client) { c.Say(wire.AppendRequest(nil, wire.SSLRequestCode)) }, "N"},
		"when asked for a password": {func(c *wiretest.Client) { c.Hello("d") }, "R\x00\x00\x00\x08\x00\x00\x00\x03"},
		"when asked for a token":    {func(c *wiretest.Client) { c.Hello("gss") }, "R\x00\x00\x00\x08\x00\x00\x00\x07"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			upstream := fakeServer(t, func(s *wiretest.Client) {
				kind := byte(wire.AuthCleartext)
				if p, _ := s.In.NextStartup(); strings.Contains(string(p.Body), "gss") {
					kind = wire.AuthGSS
				}
				s.Say(wire.AppendMessage(nil, wire.Authentication, []byte{0, 0, 0, kind}))
				s.In.Next()
			})
			// The time can be over before the client is asked, on a busy machine. Then it gets more.
			for timeout := 50 * time.Millisecond; ; timeout *= 2 {
				d := openDoor(t, Config{Upstream: upstream}, func(e *Entrance) { e.clientTime = timeout })
				c := wiretest.Dial(t, d.addr)
				tc.start(c)
				heard, err := io.ReadAll(c.In)
				if err != nil && !wiretest.Gone(err) {
					t.Error(err)
				}
				if string(heard) == tc.heard {
					break
				}
				if timeout > pgtest.Patience {
					t.Fatalf("the client hears %q, and then the end; want %q", heard, tc.heard)
				}
			}
		})
	}
}

func TestReplicationAndOtherDatabasesArePassedThrough(t *testing.T) {
	t.Parallel()
	d, through := openRealDoor(t)
	t.Run("replication", func(t *testing.T) {
		c := wiretest.Dial(t, d.addr)
		c.Hello(d.upstream.database, wire.Parameter{Name: "replication", Value: "database"})
		c.HearUntil(wire.ReadyForQuery)
		c.Say(wire.AppendQuery(nil, "IDENTIFY_SYSTEM"))
		if got := c.HearUntil(wire.ReadyForQuery); got != "TDCZ" {
			t.Errorf("messages %q", got)
		}
		if l := <-d.links; !l.PassThrough {
			t.Error("it is looked at")
		}
	})
	t.Run("another database", func(t *testing.T) {
		pgtest.Connect(t, strings.Replace(through, "/"+d.upstream.database, "/postgres", 1))
		if l := <-d.links; !l.PassThrough {
			t.Error("it is looked at")
		}
	})
	t.Run("the database with rules", func(t *testing.T) {
		pgtest.Connect(t, through)
		if l := <-d.links; l.PassThrough {
			t.Error("it is not looked at")
		}
	})
}
