package startup

import (
	"context"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
)

// Whoever sends what is no start-up packet hears what PostgreSQL says to it, which mostly is nothing, and ends nobody else.
func TestGarbageIsAnsweredAsPostgreSQLAnswersIt(t *testing.T) {
	t.Parallel()
	d, through := openRealDoor(t)
	bystander := pgtest.Connect(t, through)
	refusedTLS := string(wire.AppendRequest(nil, wire.SSLRequestCode))
	for name, c := range map[string]struct {
		bytes string
		eof   bool // the client then sends no more
		told  bool // whether PostgreSQL says anything
	}{
		"nothing":                                {"", true, false},
		"Terminate":                              {"X\x00\x00\x00\x04", false, false},
		"Terminate, and the end":                 {"X\x00\x00\x00\x04", true, false},
		"Terminate after TLS was refused":        {refusedTLS + "|X\x00\x00\x00\x04", false, false},
		"the end after TLS was refused":          {refusedTLS + "|", true, false},
		"one byte":                               {"\x00", true, false},
		"a length":                               {"\x00\x00\x00\x28", true, false},
		"a packet cut off":                       {"\x00\x00\x00\x20\x00\x03", true, false},
		"a length under 8":                       {"\x00\x00\x00\x07xxx", false, false},
		"a negative length":                      {"\xff\xff\xff\xff\x00\x03\x00\x00", false, false},
		"a packet over 10000 bytes":              {"\x00\x00\x27\x15\x00\x03\x00\x00", false, false},
		"HTTP":                                   {"GET / HTTP/1.1\r\n\r\n", false, false},
		"SSH":                                    {"SSH-2.0-OpenSSH_9.2\r\n", false, false},
		"a Query":                                {"Q\x00\x00\x00\x0dselect 1\x00", false, false},
		"a cancel request without a key":         {"\x00\x00\x00\x0c\x04\xd2\x16\x2e\x00\x00\x00\x01", false, false},
		"a second request for TLS":               {refusedTLS + "|" + refusedTLS, false, true},
		"a start-up packet without a terminator": {"\x00\x00\x00\x0f\x00\x03\x00\x00user\x00ux", false, true},
		"a start-up packet that goes on too long": {"\x00\x00\x00\x11\x00\x03\x00\x00user\x00u\x00\x00x", false, true},
		"a start-up packet without a user":        {"\x00\x00\x00\x09\x00\x03\x00\x00\x00", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			theirs := answerTo(t, pgtest.Cluster().Address(), c.bytes, c.eof)
			if (theirs != "") != c.told {
				t.Fatalf("PostgreSQL says %q", theirs)
			}
			if ours := answerTo(t, d.addr, c.bytes, c.eof); ours != theirs {
				t.Errorf("Segue says %q, and PostgreSQL %q", ours, theirs)
			}
		})
	}
	t.Run("others go on", func(t *testing.T) {
		var one int
		if err := bystander.QueryRow(context.Background(), "select 1").Scan(&one); err != nil {
			t.Errorf("another connection: %v", err)
		}
		pgtest.Connect(t, through)
	})
}

// answerTo sends bytes and returns the SQLSTATE of the answer, or "" when the connection is closed without one. Where the bytes
// have a bar, the answer to a request for encryption is awaited.
func answerTo(t *testing.T, addr, bytes string, eof bool) string {
	t.Helper()
	c := wiretest.Dial(t, addr)
	for i := 0; i < len(bytes); i++ {
		if bytes[i] == '|' {
			c.Say([]byte(bytes[:i]))
			c.HearByte()
			bytes = bytes[i+1:]
			break
		}
	}
	c.Say([]byte(bytes))
	if eof {
		_ = c.EndStream()
	}
	f, err := c.Next()
	if wiretest.Gone(err) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	fields, err := wire.DecodeError(f.Body)
	if err != nil {
		t.Fatalf("%s says %q: %v", addr, f.Raw, err)
	}
	c.HearEnd()
	return fields.Get(wire.FieldSeverity) + " " + fields.Get(wire.FieldCode)
}

// PostgreSQL answers in the form of that protocol, which no client reads any more.
func TestProtocol2IsRefused(t *testing.T) {
	t.Parallel()
	d, _ := openRealDoor(t)
	c := wiretest.Dial(t, d.addr)
	c.Say([]byte("\x00\x00\x00\x09\x00\x02\x00\x00\x00"))
	if e := c.HearFatal(); e.Code != "0A000" || e.Message != "unsupported frontend protocol 2.0: server supports 3.0 to 3.2" {
		t.Errorf("got %v", e)
	}
}
