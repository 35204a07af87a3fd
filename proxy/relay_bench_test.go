package proxy

import (
	"bytes"
	"testing"

	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/startup"
	"github.com/seguedb/segue/proxy/wire"
)

// BenchmarkRelay is what the proxy does for a prepared statement and its answer while nothing is live, 4 messages and 5, with
// both sides in memory.
func BenchmarkRelay(b *testing.B) {
	p := openProxy(b)
	s := &session{link: new(startup.Link), client: wire.NewConn(nullConn{}), server: wire.NewConn(nullConn{}), srv: p.Server}
	s.queue.init(wire.Idle, prepared.Reading{})
	request := messages(bind("", "", []byte("1")), describePortal(""), execute(""), syncMsg())
	answer := messages(
		wire.AppendMessage(nil, wire.BindComplete, nil), wire.AppendMessage(nil, wire.NoData, nil),
		wire.AppendMessage(nil, wire.DataRow, []byte{0, 0}), wire.AppendCommandComplete(nil, "SELECT 1"), wire.AppendReadyForQuery(nil, 'I'))
	in, out := new(bytes.Reader), new(bytes.Reader)
	s.client.In, s.server.In = wire.NewReader(in, 0), wire.NewReader(out, 0)
	b.ReportAllocs()
	for b.Loop() {
		in.Reset(request)
		_ = s.serveClient()
		out.Reset(answer)
		_ = s.serveServer()
	}
}
