package test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
)

// A wireClient speaks the protocol message by message, as no driver lets one. It is not safe for concurrent use.
type wireClient struct {
	conn   net.Conn
	in     *wire.Reader
	status byte // of the last ReadyForQuery
}

// dialWire opens a session of protocol 3.0 on the database of a connection string, pinned to a version unless that is
// empty. The session must be quiet after pgtest.Patience.
func dialWire(connString, version string) (*wireClient, error) {
	u, err := url.Parse(connString)
	if err != nil {
		return nil, err
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		return nil, err
	}
	c := &wireClient{conn: conn, in: wire.NewReader(conn, wire.MaxMessage)}
	params := []wire.Parameter{{Name: "user", Value: u.User.Username()}, {Name: "database", Value: strings.TrimPrefix(u.Path, "/")}}
	if version != "" {
		params = append(params, wire.Parameter{Name: "options", Value: "-c segue.version=" + version})
	}
	_ = conn.SetDeadline(time.Now().Add(pgtest.Patience))
	if _, err = conn.Write(wire.AppendStartup(nil, 3<<16, params)); err == nil {
		_, err = c.hear(1)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

func (c *wireClient) close() { _, _ = c.conn.Write(wire.AppendTerminate(nil)); c.conn.Close() }

// hear reads messages up to and with the n-th ReadyForQuery, and returns them in words. The end of the connection is the
// last word, and no error.
func (c *wireClient) hear(n int) ([]string, error) {
	var heard []string
	for n > 0 {
		f, err := c.in.Next()
		if err == nil {
			f, err = c.in.ReadRest(f, wire.MaxMessage)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return append(heard, "end of the connection"), nil
		}
		if err != nil {
			return heard, err
		}
		if f.Type == wire.ReadyForQuery {
			n--
			c.status = f.Body[0]
		}
		heard = append(heard, inWords(f))
	}
	return heard, nil
}

// inWords shows a message without what differs between two databases: OIDs, and where in its source the server was.
func inWords(f wire.Frame) string {
	switch f.Type {
	case wire.ErrorResponse, wire.NoticeResponse:
		fields, err := wire.DecodeError(f.Body)
		if err != nil {
			return err.Error()
		}
		fields = slices.DeleteFunc(fields, func(e wire.ErrorField) bool {
			return e.Code == wire.FieldFile || e.Code == wire.FieldLine || e.Code == wire.FieldRoutine
		})
		var b strings.Builder
		fmt.Fprintf(&b, "%c", f.Type)
		for _, e := range fields {
			fmt.Fprintf(&b, " %c=%q", e.Code, e.Value)
		}
		return b.String()
	case wire.RowDescription:
		fields, err := wire.DecodeRowDescription(nil, f.Body)
		if err != nil {
			return err.Error()
		}
		var b strings.Builder
		b.WriteString("T")
		for _, field := range fields {
			fmt.Fprintf(&b, " %q:%d:%d:%d:%d", field.Name, field.Column, stableType(field.Type), field.Format, field.Mod)
		}
		return b.String()
	case wire.BackendKeyData:
		return "K"
	}
	return fmt.Sprintf("%c %q", f.Type, f.Body)
}

// stableType is the OID of a type that initdb has made, and 0 for any other.
func stableType(oid uint32) uint32 {
	const firstNormalObjectID = 16384
	if oid >= firstNormalObjectID {
		return 0
	}
	return oid
}
