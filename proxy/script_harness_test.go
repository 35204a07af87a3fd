package proxy

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
	"github.com/seguedb/segue/rules"
)

// A step sends bytes and then reads until a message type was seen so many times.
type step struct {
	send  []byte
	until string // types, in order, each read up to; other messages may come between
}

// A script is what a client does. Run against the server and through the proxy, it must see the same.
type script []step

// messages joins messages.
func messages(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func simple(sql string) []byte { return wire.AppendQuery(nil, sql) }

func parse(name, sql string) []byte { return wire.AppendParse(nil, name, sql, nil) }

func bind(portal, statement string, params ...[]byte) []byte {
	return wire.AppendBind(nil, portal, statement, params...)
}

func describe(name string) []byte { return wire.AppendDescribe(nil, wire.StatementOf, name) }

func describePortal(name string) []byte { return wire.AppendDescribe(nil, wire.PortalOf, name) }

func execute(portal string) []byte { return wire.AppendExecute(nil, portal, 0) }

func fetch(portal string, rows uint32) []byte { return wire.AppendExecute(nil, portal, rows) }

func closing(name string) []byte { return wire.AppendClose(nil, wire.StatementOf, name) }

func closingPortal(name string) []byte { return wire.AppendClose(nil, wire.PortalOf, name) }

func copyData(text string) []byte { return wire.AppendMessage(nil, wire.CopyData, []byte(text)) }

func copyDone() []byte { return wire.AppendMessage(nil, wire.CopyDone, nil) }

func copyFail(why string) []byte {
	return wire.AppendMessage(nil, wire.CopyFail, append([]byte(why), 0))
}

func syncMsg() []byte { return wire.AppendSync(nil) }

func flush() []byte { return wire.AppendFlush(nil) }

// directly plays the script without a proxy, in a new database with the schema.
func (s script) directly(t *testing.T, schema ...string) []string {
	t.Helper()
	database := pgtest.Database(t)
	pgtest.Exec(t, database, schema...)
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	return s.play(t, u.Host, u.Path[1:])
}

// renamed plays the script through a proxy as a client of the old version, in a new database with the schema in which the
// rename of last_name to surname has been made.
func (s script) renamed(t *testing.T, schema string) []string {
	t.Helper()
	p := openProxy(t)
	p.run(schema, "ALTER TABLE public.individual RENAME last_name TO surname")
	p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, surname)))
	return s.play(t, p.addr, p.database, wire.Parameter{Name: "segue.version", Value: rules.Base})
}

// play runs the script in a new session, and returns what was heard. After the last step the connection must be quiet:
// a Sync gets one ReadyForQuery, unless the script says that it ends.
func (s script) play(t *testing.T, addr, database string, more ...wire.Parameter) []string {
	t.Helper()
	c := wiretest.Dial(t, addr)
	if err := c.SetDeadline(time.Now().Add(pgtest.Patience)); err != nil {
		t.Fatal(err)
	}
	c.Hello(database, more...)
	c.HearUntil(wire.ReadyForQuery)
	var heard []string
	ended := false
	for i, st := range s {
		sent := make(chan error, 1)
		go func() {
			_, err := c.Write(st.send)
			sent <- err
		}()
		for _, kind := range []byte(st.until) {
			for !ended {
				f, err := c.In.Next()
				if err == nil {
					f, err = c.In.ReadRest(f, wire.MaxMessage)
				}
				if wiretest.Gone(err) {
					heard = append(heard, "end")
					ended = true
					break
				}
				if err != nil {
					t.Fatalf("step %d, waiting for %q after %v: %v", i, kind, heard, err)
				}
				heard = append(heard, said(f))
				if f.Type == kind {
					break
				}
			}
		}
		if err := <-sent; err != nil && !ended {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	return heard
}

// said shows a message; what differs between runs (positions in the server's source, PIDs) is left out.
func said(f wire.Frame) string {
	switch f.Type {
	case wire.ErrorResponse, wire.NoticeResponse:
		fields, err := wire.DecodeError(f.Body)
		if err != nil {
			return err.Error()
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%c", f.Type)
		for _, field := range fields {
			switch field.Code {
			case wire.FieldFile, wire.FieldLine, wire.FieldRoutine:
				continue
			case wire.FieldSchema:
				field.Value = strings.TrimRight(field.Value, "0123456789") // pg_temp_3
			}
			fmt.Fprintf(&b, " %c=%s", field.Code, field.Value)
		}
		return b.String()
	case wire.NotificationResponse:
		return fmt.Sprintf("A %q", f.Body[4:])
	case wire.RowDescription: // table OIDs differ between databases
		fields, err := wire.DecodeRowDescription(nil, f.Body)
		var b strings.Builder
		fmt.Fprintf(&b, "T %v", err)
		for _, field := range fields {
			fmt.Fprintf(&b, " %s:%d:%d:%d", field.Name, field.Column, field.Type, field.Format)
		}
		return b.String()
	}
	if len(f.Body) > 1000 {
		return fmt.Sprintf("%c %d bytes %q", f.Type, len(f.Body), f.Body[:20])
	}
	return fmt.Sprintf("%c %q", f.Type, f.Body)
}

// sameAsDirect plays the script against the server and through the proxy.
func (r *running) sameAsDirect(t *testing.T, s script) {
	t.Helper()
	u, err := url.Parse(r.direct)
	if err != nil {
		t.Fatal(err)
	}
	want := s.play(t, u.Host, r.database)
	got := s.play(t, r.addr, r.database)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the client sees (-server +proxy):\n%s", diff)
	}
}
