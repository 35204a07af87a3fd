package proxy

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/seguedb/segue/proxy/wire"
)

// serveClient relays what the client sends until it ends the session or the session must stop.
func (s *session) serveClient() error {
	for {
		s.letGo()
		if !s.client.In.Buffered() {
			if err := s.server.Out.Flush(); err != nil {
				return err
			}
			if s.keeping && s.listen() {
				if err := s.replay(); err != nil {
					return err
				}
				continue // what it has written is to be flushed first
			}
			s.client.In.Seen()
			s.handling.Store(false)
			if s.clientToLoop() {
				return errInLoop
			}
		}
		f, err := s.client.In.Next()
		s.handling.Store(true)
		s.client.In.Seen()
		if s.keeping && isTimeout(err) {
			continue // woken by wakeReader
		}
		if err != nil && s.keeping {
			err = errors.Join(s.settleLast(), err)
		}
		if err != nil {
			return err
		}
		s.messages.Add(1)
		s.frame = f
		if err := s.keep(); err != nil {
			return err
		}
		if err := s.handle(); err != nil {
			return err
		}
	}
}

// whole reads what is still to come of the message in s.frame.
func (s *session) whole() error {
	f, err := s.client.In.ReadRest(s.frame, wire.MaxMessage)
	if err == nil {
		s.frame = f
	}
	return err
}

// own gives the frame memory of its own.
func own(f wire.Frame) wire.Frame {
	raw := bytes.Clone(f.Raw)
	return wire.Frame{Type: f.Type, Raw: raw, Body: raw[5:], Rest: f.Rest}
}

// cutString splits a message's body behind its first string.
func cutString(body []byte) (text, rest []byte, ok bool) {
	end := bytes.IndexByte(body, 0)
	if end < 0 {
		return nil, nil, false
	}
	return body[:end], body[end+1:], true
}

// typesOf decodes the parameter types at the end of a Parse into dst. ok is false when they are malformed.
func typesOf(dst []uint32, rest []byte) (types []uint32, ok bool) {
	if len(rest) < 2 || len(rest) != 2+4*int(binary.BigEndian.Uint16(rest)) {
		return dst, false
	}
	for rest = rest[2:]; len(rest) > 0; rest = rest[4:] {
		dst = append(dst, binary.BigEndian.Uint32(rest))
	}
	return dst, true
}
