package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"

	"github.com/seguedb/segue/proxy/wire"
)

// A tap stands between psql and what it talks to, and sees which statements are refused. In mode renamed it writes them
// down. In mode control, in which there is neither a rename nor a proxy, it has just these fail, with the same words: so
// what a file prints then is what it should print in mode renamed, with all that follows from the refusals.
type tap struct {
	listener net.Listener
	target   string
	file     func() string // the one that is running

	mu      sync.Mutex
	seen    map[query]int     // how often each text was sent
	fail    map[query]refusal // what is to fail; nil in mode renamed
	refused []refusal         // what was refused
	conns   sync.WaitGroup
}

// A query is a text that psql sends while it runs a file: the Nth of the same words.
type query struct {
	File, Text string
	Nth        int
}

// A refusal is a query to which the proxy answered with an error of its own.
type refusal struct {
	Query query
	Error []byte // the body of the ErrorResponse
}

// construct is what the error says could not be rewritten.
func (r *refusal) construct() string {
	fields, err := wire.DecodeError(r.Error)
	if err != nil {
		return err.Error()
	}
	text := "ERROR:  " + fields.Get(wire.FieldMessage)
	for _, p := range []*regexp.Regexp{refusalPattern, otherRefusals} {
		if m := p.FindStringSubmatch(text); m != nil {
			return m[1]
		}
	}
	return fields.Get(wire.FieldMessage)
}

// openTap listens on loopback for sessions that are to go on to target.
func openTap(target string, fail []refusal, file func() string) (*tap, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &tap{listener: l, target: target, file: file, seen: map[query]int{}}
	if fail != nil {
		t.fail = map[query]refusal{}
		for _, r := range fail {
			t.fail[r.Query] = r
		}
	}
	t.conns.Go(t.serve)
	return t, nil
}

func (t *tap) serve() {
	for {
		client, err := t.listener.Accept()
		if err != nil {
			return
		}
		t.conns.Go(func() {
			defer client.Close()
			server, err := net.Dial("tcp", t.target)
			if err != nil {
				return
			}
			defer server.Close()
			s := &tapped{tap: t, client: client, server: server}
			if s.start() == nil {
				s.relay()
			}
		})
	}
}

// close ends the tap, and returns when all its sessions have ended.
func (t *tap) close() {
	t.listener.Close()
	t.conns.Wait()
}

// digits are numbers that are handed out anew in each run, as OIDs are.
var digits = regexp.MustCompile(`[0-9]{5,}`)

// sent takes note of a text, and tells how it is to fail, if it is.
func (t *tap) sent(text string) (query, *refusal) {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := query{File: t.file(), Text: digits.ReplaceAllString(strings.ToValidUTF8(text, "?"), "#")}
	t.seen[q]++
	q.Nth = t.seen[query{File: q.File, Text: q.Text}]
	if r, ok := t.fail[q]; ok {
		return q, &r
	}
	return q, nil
}

// A tapped is one session. psql waits for the answer to each text before it sends the next.
type tapped struct {
	*tap
	client, server net.Conn

	answer struct {
		sync.Mutex
		to      query
		instead *refusal // how it is to fail
	}
}

// Codes in place of a protocol version (pqcomm.h).
const (
	cancelRequest = 80877102
	sslRequest    = 80877103
	gssencRequest = 80877104
)

var errCancelled = errors.New("the connection was for a cancel request")

// start relays the client's messages up to the start-up packet.
func (s *tapped) start() error {
	for {
		var head [8]byte
		if _, err := io.ReadFull(s.client, head[:]); err != nil {
			return err
		}
		if _, err := s.server.Write(head[:]); err != nil {
			return err
		}
		rest := int64(binary.BigEndian.Uint32(head[:4])) - 8
		if _, err := io.CopyN(s.server, s.client, max(0, rest)); err != nil {
			return err
		}
		switch binary.BigEndian.Uint32(head[4:]) {
		case cancelRequest:
			return errCancelled
		case sslRequest, gssencRequest: // answered with one byte: no
			if _, err := io.CopyN(s.client, s.server, 1); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// relay relays messages both ways until one side ends.
func (s *tapped) relay() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = relayMessages(s.client, s.server, s.fromServer)
		s.client.Close()
	}()
	_ = relayMessages(s.server, s.client, s.fromClient)
	if c, ok := s.server.(*net.TCPConn); ok {
		_ = c.CloseWrite()
	}
	<-done
}

// relayMessages copies messages, as change makes them.
func relayMessages(to io.Writer, from io.Reader, change func(kind byte, body []byte) []byte) error {
	var head [5]byte
	for {
		if _, err := io.ReadFull(from, head[:]); err != nil {
			return err
		}
		body := make([]byte, max(4, binary.BigEndian.Uint32(head[1:]))-4)
		if _, err := io.ReadFull(from, body); err != nil {
			return err
		}
		body = change(head[0], body)
		binary.BigEndian.PutUint32(head[1:], uint32(len(body)+4))
		if _, err := to.Write(append(head[:], body...)); err != nil {
			return err
		}
	}
}

// failing is a statement that fails in parse analysis, before it could do anything.
const failing = `SELECT "refused"`

// fromClient puts a failing text in place of those that are to fail.
func (s *tapped) fromClient(kind byte, body []byte) []byte {
	before := 0
	switch kind {
	case wire.Query:
	case wire.Parse:
		before = bytes.IndexByte(body, 0) + 1 // behind the statement's name
	default:
		return body
	}
	end := bytes.IndexByte(body[before:], 0)
	if end < 0 {
		return body
	}
	q, instead := s.sent(string(body[before : before+end]))
	s.answer.Lock()
	s.answer.to, s.answer.instead = q, instead
	s.answer.Unlock()
	if instead == nil {
		return body
	}
	return append(append(append([]byte(nil), body[:before]...), failing...), body[before+end:]...)
}

// fromServer looks for refusals, and puts the words of one in place of the error of a failing text.
func (s *tapped) fromServer(kind byte, body []byte) []byte {
	if kind != wire.ErrorResponse {
		return body
	}
	s.answer.Lock()
	defer s.answer.Unlock()
	fields, err := wire.DecodeError(body)
	if err != nil {
		return body
	}
	switch text := "ERROR:  " + fields.Get(wire.FieldMessage); {
	case s.answer.instead != nil && strings.Contains(text, `"refused"`):
		return s.answer.instead.Error
	case s.fail == nil && (refusalPattern.MatchString(text) || otherRefusals.MatchString(text)):
		s.mu.Lock()
		s.refused = append(s.refused, refusal{Query: s.answer.to, Error: body})
		s.mu.Unlock()
	}
	return body
}
