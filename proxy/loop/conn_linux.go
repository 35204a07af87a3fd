package loop

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// A Conn is a socket of a loop. It implements net.Conn, whose methods are for when it is out of the loop, save Close, the
// deadlines and the addresses. Reading and writing may happen at the same time, each by one goroutine; the rest is safe for
// concurrent use.
type Conn struct {
	loop          *Loop
	local, remote net.Addr

	// Held while a call is made on the descriptor, so that it is not another socket by then.
	reading, writing sync.Mutex
	fd               int // -1 when it is closed; changed with both held

	drained bool        // of reading: nothing more was there
	breaks  atomic.Bool // a short read may not be the last: the other side has ended its direction, or all, or has sent an urgent byte

	mu      sync.Mutex
	handler func() (more bool) // nil: it is out of the loop
	closed  chan struct{}

	readable, writable chan struct{} // hold a value when it may be, since somebody last waited for it
	readBy, writeBy    deadline
}

// Take makes a Conn, out of the loop, of a connection of TCP or a Unix socket. The net.Conn is closed, and must not be in use.
// Of other kinds, and after an error, nothing is done; ok is false.
func (l *Loop) Take(of net.Conn) (c *Conn, ok bool) {
	var raw syscall.RawConn
	var err error
	switch s := of.(type) {
	case *net.TCPConn:
		raw, err = s.SyscallConn()
	case *net.UnixConn:
		raw, err = s.SyscallConn()
	default:
		return nil, false
	}
	if err != nil {
		return nil, false
	}
	fd := -1
	err = raw.Control(func(of uintptr) {
		n, _, errno := syscall.Syscall(syscall.SYS_FCNTL, of, syscall.F_DUPFD_CLOEXEC, 0)
		if errno == 0 {
			fd = int(n)
		}
	})
	if err != nil || fd < 0 {
		return nil, false
	}
	c = &Conn{
		loop: l, fd: fd, local: of.LocalAddr(), remote: of.RemoteAddr(), closed: make(chan struct{}),
		readable: make(chan struct{}, 1), writable: make(chan struct{}, 1),
	}
	l.mu.Lock()
	l.conns[int32(fd)] = c
	l.mu.Unlock()
	const edges = syscall.EPOLLIN | syscall.EPOLLPRI | syscall.EPOLLOUT | syscall.EPOLLRDHUP | 1<<31 // EPOLLET, which is negative in package syscall
	if err := l.watch(fd, edges); err != nil {
		l.mu.Lock()
		delete(l.conns, int32(fd))
		l.mu.Unlock()
		syscall.Close(fd)
		return nil, false
	}
	of.Close()
	return c, true
}

// Enter puts c into the loop: from now on handler is called there when there may be something to read, when a deadline for
// reading is set, and when c is closed. What it returns says that there is more to read than it took, so that it is to be
// called again after the others. It must not wait for anything.
//
// false: there may be something to read now (ReadNow tells), or a deadline is set, or c is closed; handler will not be called.
func (c *Conn) Enter(handler func() (more bool)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.closed:
		return false
	case <-c.readable:
		return false
	default:
	}
	if c.readBy.isSet() || !c.drained {
		return false
	}
	c.handler = handler
	return true
}

// Inside tells whether c is in its loop.
func (c *Conn) Inside() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.handler != nil
}

// Leave takes c out of the loop. Only its handler may call it. What it returns to the loop does not matter then.
func (c *Conn) Leave() {
	c.mu.Lock()
	c.handler = nil
	c.mu.Unlock()
	note(c.readable) // what the handler has not read
}

// came takes note of what epoll says, and tells whether that is something for the handler.
func (c *Conn) came(events uint32) bool {
	if events&syscall.EPOLLOUT != 0 || events&(syscall.EPOLLHUP|syscall.EPOLLERR) != 0 {
		note(c.writable)
	}
	if events == syscall.EPOLLOUT {
		return false
	}
	if events&(syscall.EPOLLRDHUP|syscall.EPOLLHUP|syscall.EPOLLERR|syscall.EPOLLPRI) != 0 {
		c.breaks.Store(true)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.handler == nil && events != 0 {
		note(c.readable)
	}
	return c.handler != nil
}

// handle calls the handler, if c is in the loop.
func (c *Conn) handle() (more bool) {
	c.mu.Lock()
	handler := c.handler
	c.mu.Unlock()
	if handler == nil {
		return false
	}
	return handler()
}

func note(signal chan struct{}) {
	select {
	case signal <- struct{}{}:
	default:
	}
}

// ReadNow reads what is there. ErrAgain: that is nothing. io.EOF: the other side will send no more. The deadline holds.
func (c *Conn) ReadNow(b []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	if c.fd < 0 {
		return 0, net.ErrClosed
	}
	if c.readBy.isOver() {
		return 0, os.ErrDeadlineExceeded
	}
	n, err := call(syscall.SYS_READ, c.fd, b)
	c.drained = err != 0 || n < len(b) && !c.breaks.Load()
	switch {
	case err == syscall.EAGAIN:
		return 0, ErrAgain
	case err != 0:
		return 0, c.failed("read", err)
	case n == 0 && len(b) > 0:
		return 0, io.EOF
	}
	return n, nil
}

// Unread tells whether something has come that was not read.
func (c *Conn) Unread() bool {
	c.reading.Lock()
	defer c.reading.Unlock()
	return c.fd >= 0 && Waiting(uintptr(c.fd))
}

// Drained tells whether what came has been read to its end. It is for who reads.
func (c *Conn) Drained() bool { return c.drained }

// WriteNow writes as much as can be without waiting. ErrAgain: that was not all.
func (c *Conn) WriteNow(b []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.fd < 0 {
		return 0, net.ErrClosed
	}
	done := 0
	for done < len(b) {
		n, err := call(syscall.SYS_WRITE, c.fd, b[done:])
		switch {
		case err == syscall.EAGAIN:
			return done, ErrAgain
		case err != 0:
			return done, c.failed("write", err)
		}
		done += n
	}
	return done, nil
}

// call reads or writes a descriptor that does not block, so it need not tell the scheduler that it may.
func call(number uintptr, fd int, b []byte) (int, syscall.Errno) {
	if len(b) == 0 {
		return 0, 0
	}
	for {
		n, _, errno := syscall.RawSyscall(number, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		if errno == syscall.EINTR {
			continue
		}
		if errno != 0 {
			return 0, errno
		}
		return int(n), 0
	}
}

func (c *Conn) failed(what string, errno syscall.Errno) error {
	return &net.OpError{Op: what, Net: c.remote.Network(), Source: c.local, Addr: c.remote, Err: os.NewSyscallError(what, errno)}
}

// Read implements net.Conn.
func (c *Conn) Read(b []byte) (int, error) {
	for {
		n, err := c.ReadNow(b)
		if err != ErrAgain {
			return n, err
		}
		if err := c.WaitRead(); err != nil {
			return 0, err
		}
	}
}

// WaitRead waits until there may be something to read. The error is that of Read after Close or the deadline.
func (c *Conn) WaitRead() error { return c.wait(c.readable, &c.readBy) }

// Write implements net.Conn.
func (c *Conn) Write(b []byte) (int, error) {
	done := 0
	for {
		if c.writeBy.isOver() {
			return done, os.ErrDeadlineExceeded
		}
		n, err := c.WriteNow(b[done:])
		done += n
		if err != ErrAgain {
			return done, err
		}
		if err := c.wait(c.writable, &c.writeBy); err != nil {
			return done, err
		}
	}
}

func (c *Conn) wait(ready chan struct{}, by *deadline) error {
	select {
	case <-ready:
		return nil
	case <-by.wait():
		return os.ErrDeadlineExceeded
	case <-c.closed:
		return net.ErrClosed
	}
}

// Close implements net.Conn.
func (c *Conn) Close() error {
	c.mu.Lock()
	select {
	case <-c.closed:
		c.mu.Unlock()
		return net.ErrClosed
	default:
	}
	close(c.closed)
	inside := c.handler != nil
	c.mu.Unlock()
	c.reading.Lock()
	c.writing.Lock()
	fd := c.fd
	c.fd = -1
	c.loop.mu.Lock()
	delete(c.loop.conns, int32(fd))
	c.loop.mu.Unlock()
	err := syscall.Close(fd) // which takes it out of epoll's set: it was duplicated for this process alone
	c.writing.Unlock()
	c.reading.Unlock()
	c.readBy.at(time.Time{})
	c.writeBy.at(time.Time{})
	if inside {
		c.loop.kick(c)
	}
	if err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}

// CloseWrite ends the direction to the other side.
func (c *Conn) CloseWrite() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.fd < 0 {
		return net.ErrClosed
	}
	return os.NewSyscallError("shutdown", syscall.Shutdown(c.fd, syscall.SHUT_WR))
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn. The handler of a Conn in the loop is called, so that it can leave.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readBy.at(t)
	if c.handler != nil && !t.IsZero() {
		c.loop.kick(c)
	}
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.writeBy.at(t)
	return nil
}

// Hurried tells whether a deadline for reading is set.
func (c *Conn) Hurried() bool { return c.readBy.isSet() }

var _ net.Conn = (*Conn)(nil)
