package fleet

import (
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
)

// A relay lies between an instance and the server, so that an ambush meets the instance exactly when it is about to send a statement of its own.
type relay struct {
	instance *instance
	server   string // host:port
	listener net.Listener
	ambush   *atomic.Pointer[ambush]
}

// newRelay relays what comes to the address that it chooses, until it is closed, and gives the database's URL over it.
func newRelay(i *instance, database string, a *atomic.Pointer[ambush]) (*relay, string, error) {
	u, err := url.Parse(database)
	if err != nil {
		return nil, "", err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	r := &relay{instance: i, server: u.Host, listener: l, ambush: a}
	u.Host = l.Addr().String()
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return // it is closed
			}
			go r.serve(client)
		}
	}()
	return r, u.String(), nil
}

func (r *relay) close() { _ = r.listener.Close() }

// startingUp is what a server says that is not there yet: FATAL, 57P03.
var startingUp = func() []byte {
	body := "SFATAL\x00VFATAL\x00C57P03\x00Mthe database system is starting up\x00\x00"
	return append(binary.BigEndian.AppendUint32([]byte{'E'}, uint32(len(body)+4)), body...)
}()

// serve relays a connection until one of both sides ends it.
func (r *relay) serve(client net.Conn) {
	defer client.Close()
	var head [4]byte
	if _, err := io.ReadFull(client, head[:]); err != nil {
		return
	}
	start := make([]byte, binary.BigEndian.Uint32(head[:]))
	if copy(start, head[:]); len(start) < 8 {
		return
	}
	if _, err := io.ReadFull(client, start[4:]); err != nil {
		return
	}
	server, err := net.Dial("tcp", r.server)
	if err != nil {
		_, _ = client.Write(startingUp)
		return
	}
	defer server.Close()
	if _, err := server.Write(start); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(client, server)
		_, _ = client.Close(), server.Close()
	}()
	if strings.Contains(string(start), "application_name\x00segue\x00") {
		_ = (&control{relay: r, texts: map[string]string{}}).follow(client, server)
		return
	}
	_, _ = io.Copy(server, client)
}

// A control is a connection of an instance that is its own.
type control struct {
	relay *relay
	texts map[string]string // of prepared statements
	bound string            // the one that is executed next
	count int               // statements of the transaction that is open, -1: it makes no transition, or none is open
}

// follow relays what the instance sends.
func (c *control) follow(client io.Reader, server io.Writer) error {
	var head [5]byte
	for {
		if _, err := io.ReadFull(client, head[:]); err != nil {
			return err
		}
		message := make([]byte, 1+binary.BigEndian.Uint32(head[1:]))
		copy(message, head[:])
		if _, err := io.ReadFull(client, message[5:]); err != nil {
			return err
		}
		var met *hit
		if sql, ok := c.statement(message); ok {
			met = c.meets(sql)
		}
		if met != nil && !met.sent {
			if <-met.released; met.lost {
				return nil
			}
		}
		if _, err := server.Write(message); err != nil {
			return err
		}
		if met != nil {
			<-met.released
		}
	}
}

// statement is the text of what a message executes, if it does.
func (c *control) statement(message []byte) (sql string, ok bool) {
	texts := strings.Split(string(message[5:]), "\x00")
	switch message[0] {
	case 'Q':
		return texts[0], true
	case 'P':
		if len(texts) > 1 {
			c.texts[texts[0]] = texts[1]
		}
	case 'B':
		if len(texts) > 1 {
			c.bound = c.texts[texts[1]]
		}
	case 'E':
		return c.bound, true
	}
	return "", false
}

// beginsCommit is the first statement of the transaction that makes a transition, and comes again before each statement of DDL.
var beginsCommit = regexp.MustCompile(`^SET LOCAL lock_timeout = \d+; SET LOCAL statement_timeout = [1-9]`)

// meets counts a statement that is about to be sent. It returns what an ambush has made of it; nil where none waits for it.
func (c *control) meets(sql string) (met *hit) {
	limits := beginsCommit.MatchString(sql)
	switch {
	case strings.HasPrefix(sql, "begin"):
		c.count = 0
	case c.count == 0 && !limits, c.count == 1 && !limits && !strings.Contains(sql, "segue.epoch"):
		c.count = -1
	case c.count == 0 || c.count > 0 && !limits:
		c.count++
	}
	ends := sql == "commit" || sql == "rollback"
	if a := c.relay.ambush.Load(); a != nil {
		met = a.meets(c, ends)
	}
	if ends {
		c.count = -1
	}
	return met
}
