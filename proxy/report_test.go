package proxy

import (
	"bytes"
	"testing"

	"github.com/seguedb/segue/proxy/startup"
	"github.com/seguedb/segue/proxy/wire"
)

// TestAReportThatComesWithAnAnswerOfOursWaits has the server report search_path while it answers a question of the proxy's, as
// it does from version 18 on.
func TestAReportThatComesWithAnAnswerOfOursWaits(t *testing.T) {
	t.Parallel()
	report := wire.AppendParameterStatus(nil, "search_path", "pg_catalog")[5:]
	p := newPipeline()
	heard := func(when string, want action) {
		t.Helper()
		if v := p.respond(wire.ParameterStatus, report); v.action != want {
			t.Errorf("%s: the action is %d, want %d", when, v.action, want)
		}
	}
	heard("while nothing is due", forward)
	if _, err := ownQuery("SELECT 1", false).start(p); err != nil {
		t.Fatal(err)
	}
	heard("before the answer", later)
	p.hear("312C33")
	heard("before its ReadyForQuery", later)
	p.hear("Z")
	heard("behind it", forward)
	p.say("Q")
	heard("with an answer of the client's", forward)
}

// TestAnOlderReportIsNotHeardBehindANewerOne has a report wait that came with an answer of ours, and then one that need not wait.
func TestAnOlderReportIsNotHeardBehindANewerOne(t *testing.T) {
	t.Parallel()
	var heard bytes.Buffer
	s := &session{link: &startup.Link{}, client: &wire.Conn{Out: wire.NewWriter(&heard)}}
	hold := func(kind byte, raw []byte, v verdict, want bool) {
		t.Helper()
		if held, err := s.holdTag(kind, raw, v); err != nil || held != want {
			t.Errorf("%c is held: %t, %v", kind, held, err)
		}
	}
	report := func(name, value string) []byte { return wire.AppendParameterStatus(nil, name, value) }
	hold(wire.ParameterStatus, report("search_path", "pg_catalog"), verdict{action: later}, true)
	hold(wire.ParameterStatus, report("TimeZone", "UTC"), verdict{action: later}, true)
	hold(wire.ParameterStatus, report("search_path", "public"), verdict{}, false)
	hold(wire.ReadyForQuery, []byte("Z\x00\x00\x00\x05I"), verdict{}, false)
	if err := s.client.Out.Flush(); err != nil {
		t.Fatal(err)
	}
	if want := report("TimeZone", "UTC"); !bytes.Equal(heard.Bytes(), want) {
		t.Errorf("the client hears %q, want %q", heard.Bytes(), want)
	}
}
