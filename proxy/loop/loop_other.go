//go:build !linux

package loop

import "net"

// A Group is a number of loops. There are none on this system.
type Group struct{}

// New returns ErrNone.
func New(int) (*Group, error) { return nil, ErrNone }

// Close does nothing.
func (g *Group) Close() {}

// Deal returns nil.
func (g *Group) Deal() *Loop { return nil }

// A Loop is one of a Group.
type Loop struct{}

// Take takes nothing.
func (l *Loop) Take(net.Conn) (*Conn, bool) { return nil, false }

// A Conn is a socket of a loop. There are none on this system.
type Conn struct{ net.Conn }

// Enter puts nothing into a loop.
func (c *Conn) Enter(func() bool) bool { return false }

// Leave does nothing.
func (c *Conn) Leave() {}

// Hurried tells whether a deadline for reading is set.
func (c *Conn) Hurried() bool { return false }

// ReadNow fails.
func (c *Conn) ReadNow([]byte) (int, error) { return 0, ErrAgain }

// WriteNow fails.
func (c *Conn) WriteNow([]byte) (int, error) { return 0, ErrAgain }

// WaitRead does nothing.
func (c *Conn) WaitRead() error { return nil }

// Unread is false.
func (c *Conn) Unread() bool { return false }

// Drained tells nothing.
func (c *Conn) Drained() bool { return true }

// Inside is false.
func (c *Conn) Inside() bool { return false }
