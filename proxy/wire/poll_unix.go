//go:build unix

package wire

import (
	"io"
	"net"
	"os"
	"syscall"

	"github.com/seguedb/segue/proxy/loop"
)

// rawConn returns the descriptor of a plain socket, or nil.
func rawConn(src io.Reader) syscall.RawConn {
	switch c := src.(type) {
	case *net.TCPConn:
		raw, _ := c.SyscallConn()
		return raw
	case *net.UnixConn:
		raw, _ := c.SyscallConn()
		return raw
	}
	return nil
}

// unread tells whether a plain socket, which may be nil, has bytes that can be read at once.
func unread(raw syscall.RawConn) (has bool) {
	if raw == nil || raw.Control(func(fd uintptr) { has = loop.Waiting(fd) }) != nil {
		return false
	}
	return has
}

// readRaw is read for a plain socket: the buffer is taken when there is something to read.
func (r *Reader) readRaw() error {
	if err := r.raw.Read(r.poll); err != nil {
		return err
	}
	if err := r.polled.err; err != nil {
		return os.NewSyscallError("read", err)
	}
	if r.polled.n == 0 {
		r.Release()
		return io.EOF
	}
	r.w += r.polled.n
	return nil
}

// readDescriptor is called when the socket may be readable; false means that it is not. Kept in a field, so that no
// closure is allocated for a read.
func (r *Reader) readDescriptor(fd uintptr) bool {
	if r.buf == nil {
		r.buf = readBuffers.Get().(*[readSize]byte)
	}
	for {
		r.fresh.Store(true)
		n, err := syscall.Read(int(fd), r.buf[r.w:])
		switch err {
		case syscall.EINTR:
			continue
		case syscall.EAGAIN:
			r.fresh.Store(false)
			r.Release()
			return false
		}
		r.polled.n, r.polled.err = n, err
		if err != nil {
			r.Release()
		}
		return true
	}
}
