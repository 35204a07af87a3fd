package startup

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
)

func TestWhatTheServerRefusesDuringStartupIsRelayed(t *testing.T) {
	t.Parallel()
	d, _ := openRealDoor(t)
	for name, c := range map[string]struct {
		params []wire.Parameter
		code   string
	}{
		"no such database":        {[]wire.Parameter{{Name: "user", Value: "postgres"}, {Name: "database", Value: "none"}}, "3D000"},
		"no user name":            {[]wire.Parameter{{Name: "database", Value: "postgres"}}, "28000"},
		"no such setting":         {[]wire.Parameter{{Name: "user", Value: "postgres"}, {Name: "no_such", Value: "1"}}, "42704"},
		"a broken replication":    {[]wire.Parameter{{Name: "user", Value: "postgres"}, {Name: "replication", Value: "maybe"}}, "22023"},
		"an option with no sense": {[]wire.Parameter{{Name: "user", Value: "postgres"}, {Name: "options", Value: "-c"}}, "42601"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := wiretest.Dial(t, d.addr)
			client.Say(wire.AppendStartup(nil, 3<<16, c.params))
			for {
				f, err := client.In.Next()
				if err != nil {
					t.Fatal(err)
				}
				if f.Type != wire.ErrorResponse {
					continue
				}
				fields, err := wire.DecodeError(f.Body)
				if err != nil || fields.Get(wire.FieldCode) != c.code || fields.Get(wire.FieldSeverityFixed) != "FATAL" {
					t.Errorf("got %v, %v, want %s", fields, err, c.code)
				}
				break
			}
			client.HearEnd()
		})
	}
}

func TestAServerThatCannotBeReachedIs08006(t *testing.T) {
	t.Parallel()
	d := openDoor(t, Config{Upstream: Upstream{Address: "127.0.0.1:1", SSLMode: "disable", Database: "d"}})
	c := wiretest.Dial(t, d.addr)
	c.Hello("d")
	if e := c.HearFatal(); e.Code != "08006" || !strings.Contains(e.Message, "127.0.0.1:1") || !strings.Contains(e.Message, "refused") || e.Hint == "" {
		t.Errorf("got %+v", e)
	}
}

func TestAServerThatFailsDuringStartupIsReported(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ answer, code, want string }{
		"it closes":              {"", "08006", "the database server closed the connection during start-up"},
		"it closes in a message": {"R\x00\x00\x00\x08", "08006", "the database server closed the connection during start-up"},
		"a negative length":      {"R\xff\xff\xff\xff", "08P01", "the database server broke the protocol during start-up: invalid message length"},
		"an endless message":     {"N\x3f\xff\xff\xff", "08P01", "the database server broke the protocol during start-up: invalid message length"},
		"an empty request":       {"R\x00\x00\x00\x04", "08P01", "the database server broke the protocol during start-up: invalid message format"},
		"a SASL list cut off":    {"R\x00\x00\x00\x0a\x00\x00\x00\x0aSC", "08P01", "the database server broke the protocol during start-up: invalid string in message"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := openDoor(t, Config{Upstream: fakeServer(t, func(s *wiretest.Client) {
				s.In.NextStartup()
				s.Say([]byte(c.answer))
			})})
			client := wiretest.Dial(t, d.addr)
			client.Hello("d")
			if e := client.HearFatal(); e.Code != c.code || e.Message != c.want {
				t.Errorf("got %v", e)
			}
		})
	}
}

func TestAPasswordMessageIsCheckedBeforeItIsRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ answer, want string }{
		"of another type":       {"Q\x00\x00\x00\x06a\x00", "expected password response, got message type 81"},
		"longer than any token": {"p\x00\x01\x00\x00", ""},
		"of a negative length":  {"p\xff\xff\xff\xff", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := openDoor(t, Config{Upstream: fakeServer(t, func(s *wiretest.Client) {
				s.In.NextStartup()
				s.Say(wire.AppendMessage(nil, wire.Authentication, []byte{0, 0, 0, wire.AuthCleartext}))
				if f, err := s.In.Next(); err == nil {
					t.Errorf("the server got %q", f.Raw)
				}
			})})
			client := wiretest.Dial(t, d.addr)
			client.Hello("d")
			client.Hear(wire.Authentication)
			client.Say([]byte(c.answer))
			if c.want == "" {
				client.HearEnd() // as the server: COMMERROR in pq_getmessage
			} else if e := client.HearFatal(); e.Code != "08P01" || e.Message != c.want {
				t.Errorf("got %v", e)
			}
		})
	}
}
