package proxy

import (
	"bytes"
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/prepared"
	"github.com/seguedb/segue/proxy/startup"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
	"github.com/seguedb/segue/rules"
)

// loneSession is a session of the proxy whose connections the test holds itself.
func loneSession(t testing.TB, p *running) (s *session, client *wiretest.Client) {
	t.Helper()
	c := p.login()
	c.Say(syncMsg()) // login can be over before the session is listed
	c.HearUntil(wire.ReadyForQuery)
	return p.list()[0], c
}

func TestABatchLeavesInOneWrite(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	s, c := loneSession(t, p)
	batch := bytes.Repeat(messages(parse("", "SELECT 1"), bind("", ""), describePortal(""), execute("")), 20)
	before := s.server.Out.Writes()
	c.Say(append(batch, syncMsg()...))
	c.HearUntil(wire.ReadyForQuery)
	if n := s.server.Out.Writes() - before; n != 1 {
		t.Errorf("%d writes to the server", n)
	}
	before = s.client.Out.Writes()
	c.Say(simple("SELECT generate_series(1, 100)"))
	c.HearUntil(wire.ReadyForQuery)
	if n := s.client.Out.Writes() - before; n != 1 {
		t.Errorf("%d writes to the client", n)
	}
}

func TestABatchThatIsRewrittenLeavesInOneWrite(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t)
	s, c := loneSession(t, p)
	c.Say(simple("SELECT last_name FROM individual")) // reads the state of the session
	c.HearUntil(wire.ReadyForQuery)
	batch := bytes.Repeat(messages(parse("", "SELECT last_name FROM individual"), bind("", ""), execute("")), 20)
	before := s.server.Out.Writes()
	c.Say(append(batch, syncMsg()...))
	c.HearUntil(wire.ReadyForQuery)
	if n := s.server.Out.Writes() - before; n != 1 {
		t.Errorf("%d writes to the server", n)
	}
}

// TestNothingIsAllocatedPerMessageWhileNothingIsLive drives both loops over in-memory connections.
func TestNothingIsAllocatedPerMessageWhileNothingIsLive(t *testing.T) {
	p := openProxy(t)
	s := &session{link: new(startup.Link), client: wire.NewConn(nullConn{}), server: wire.NewConn(nullConn{}), srv: p.Server}
	s.queue.init(wire.Idle, prepared.Reading{})
	request := messages(parse("", "SELECT $1::int"), bind("", "", []byte("1")), describePortal(""), execute(""), syncMsg(), simple("SELECT 1"))
	row := wire.AppendMessage(nil, wire.DataRow, []byte{0, 0})
	answer := messages(
		wire.AppendMessage(nil, wire.ParseComplete, nil), wire.AppendMessage(nil, wire.BindComplete, nil),
		wire.AppendMessage(nil, wire.NoData, nil), row, wire.AppendCommandComplete(nil, "SELECT 1"), wire.AppendReadyForQuery(nil, 'I'),
		row, wire.AppendCommandComplete(nil, "SELECT 1"), wire.AppendReadyForQuery(nil, 'I'))
	in, out := new(bytes.Reader), new(bytes.Reader)
	s.client.In, s.server.In = wire.NewReader(in, 0), wire.NewReader(out, 0)
	round := func() {
		in.Reset(request)
		_ = s.serveClient()
		out.Reset(answer)
		_ = s.serveServer()
	}
	for range 10 {
		round()
	}
	if n := testing.AllocsPerRun(100, round); n > 0 && !raceDetector {
		t.Errorf("%.1f allocations in a round of 15 messages", n)
	}
	if !s.queue.quiet() {
		t.Error("answers are left over")
	}
}

// nullConn takes all that is written.
type nullConn struct{ net.Conn }

func (nullConn) Write(p []byte) (int, error) { return len(p), nil }

func TestPsqlAndPgbenchWorkWhileAMigrationIsLive(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	bench := func(args ...string) {
		t.Helper()
		out, err := exec.Command(pgtest.Bin("pgbench"), append(args, p.url)...).CombinedOutput()
		if err != nil || bytes.Contains(out, []byte("aborted")) {
			t.Errorf("pgbench %v: %v\n%s", args, err, out)
		}
	}
	bench("-i", "-q")
	balance := `
id: money
operations:
  - rename_column: { table: public.pgbench_accounts, from: abalance, to: money }
  - rename_table: { from: public.pgbench_tellers, to: cashiers }
`
	p.Open(p.snapshot(1, migration(t, 1, rules.Active, balance)))
	for _, phase := range []rules.Phase{rules.Active, rules.Cutover} {
		if phase == rules.Cutover {
			p.run("ALTER TABLE pgbench_accounts RENAME abalance TO money", "ALTER TABLE pgbench_tellers RENAME TO cashiers")
			p.Open(p.snapshot(2, migration(t, 1, phase, balance)))
		}
		for _, mode := range []string{"simple", "extended", "prepared"} {
			bench("-M", mode, "-n", "-c", "4", "-t", "50")
		}
		cmd := exec.Command(pgtest.Bin("psql"), "-X", "-v", "ON_ERROR_STOP=1", p.url)
		cmd.Stdin = strings.NewReader(`\d
\d pgbench_branches
\copy (SELECT aid, abalance FROM pgbench_accounts ORDER BY aid LIMIT 3) TO STDOUT
\copy pgbench_history (tid, bid, aid, delta, mtime) FROM STDIN WITH (DELIMITER ',')
1,1,1,1,2026-01-01
\.
\set FETCH_COUNT 10
SELECT aid, abalance FROM pgbench_accounts ORDER BY aid LIMIT 35;
BEGIN; DECLARE c CURSOR FOR SELECT tid FROM pgbench_tellers; FETCH 3 FROM c; COMMIT;
SELECT count(*) FROM pgbench_tellers \gdesc
`)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("psql, %s: %v\n%s", phase, err, out)
		}
		for _, want := range []string{"35 rows", "COPY 1", "3 rows", "bigint"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("psql, %s: no %q in\n%s", phase, want, out)
			}
		}
	}
}
