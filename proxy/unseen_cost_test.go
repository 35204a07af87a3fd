package proxy

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rules"
)

// A relay passes on what Segue says to the server, and keeps it.
type relay struct {
	mu   sync.Mutex
	said bytes.Buffer
}

func (r *relay) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said.Write(b)
}

// questions counts how often the server was asked what the session has written to the catalogs.
func (r *relay) questions() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Count(r.said.Bytes(), []byte("pg_stat_get_xact_tuples_inserted"))
}

// listen has the relay stand before a server.
func (r *relay) listen(t *testing.T, server string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", server)
			if err != nil {
				_ = from.Close()
				continue
			}
			pass := func(to, from net.Conn, also io.Writer) {
				_, _ = io.Copy(to, io.TeeReader(from, also))
				_ = to.Close()
				_ = from.Close()
			}
			open.Go(func() { pass(to, from, r) })
			open.Go(func() { pass(from, to, io.Discard) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		open.Wait()
	})
	return l.Addr().String()
}

// TestCodeThatSurelyMakesNothingCostsNoQuestion has a statement run code, and then another one sent, which would be asked for.
func TestCodeThatSurelyMakesNothingCostsNoQuestion(t *testing.T) {
	t.Parallel()
	const audit = `CREATE TABLE orders (id int); CREATE TABLE audit_orders (id int); CREATE FUNCTION audits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN `
	const fires = `; RETURN new; END $$; CREATE TRIGGER a AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION audits()`
	for name, tc := range map[string]struct {
		schema, sql string
		asks        bool
	}{
		"no code":                        {"CREATE TABLE orders (id int)", "INSERT INTO orders VALUES (1)", false},
		"an audit":                       {audit + `EXECUTE format('INSERT INTO audit_%s SELECT $1.*', TG_TABLE_NAME) USING new` + fires, "INSERT INTO orders VALUES (1)", false},
		"an audit of a text of its own":  {audit + `EXECUTE 'INSERT INTO audit_orders VALUES (' || new.id || ')'` + fires, "INSERT INTO orders VALUES (1)", true},
		"a block that computes nothing":  {"", "DO $$ BEGIN EXECUTE format('SELECT %L', 'x'); END $$", false},
		"a block that computes anything": {"", "DO $$ DECLARE j text := 'SELECT 1'; BEGIN EXECUTE j; END $$", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &relay{}
			p := openProxy(t, func(c *Config) { c.Upstream.Address = r.listen(t, c.Upstream.Address) })
			p.run(parts, tc.schema, "ALTER TABLE individual RENAME last_name TO surname")
			p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, surname)))
			s := script{{simple(tc.sql), "Z"}, {simple("SELECT last_name FROM individual"), "Z"}, {simple(tc.sql), "Z"}, {simple("SELECT last_name FROM individual"), "Z"}}
			s.play(t, p.addr, p.database, wire.Parameter{Name: "segue.version", Value: rules.Base})
			counts := p.load().ServerVersion >= countsWritten     // before, the catalog is read instead
			if n := r.questions(); n > 1 != (tc.asks && counts) { // where nobody has looked at a block yet, the number before it is asked for
				t.Errorf("the server is asked %d times", n)
			}
		})
	}
}
