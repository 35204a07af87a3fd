package wire

import (
	"bytes"
	"encoding/binary"
)

// A cursor reads a message's body. The first thing that is not there makes it fail for good: check err at the end.
type cursor struct {
	b   []byte
	err error
}

func (c *cursor) fail(err error) {
	if c.err == nil {
		c.err, c.b = err, nil
	}
}

// bytes takes n bytes, or returns nil.
func (c *cursor) bytes(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.fail(errFormat)
		return nil
	}
	taken := c.b[:n:n]
	c.b = c.b[n:]
	return taken
}

func (c *cursor) byte() byte {
	if b := c.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint16() uint16 {
	if b := c.bytes(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	if b := c.bytes(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// string takes the bytes up to a zero byte.
func (c *cursor) string() []byte {
	end := bytes.IndexByte(c.b, 0)
	if end < 0 {
		c.fail(errString)
		return nil
	}
	s := c.b[:end:end]
	c.b = c.b[end+1:]
	return s
}

// end checks that nothing is left, as pq_getmsgend does.
func (c *cursor) end() error {
	if len(c.b) > 0 {
		c.fail(errFormat)
	}
	return c.err
}
