package wire

import (
	"io"
	"net"
	"sync"
	"sync/atomic"

	"github.com/seguedb/segue/proxy/loop"
)

// writeSize is the capacity of a write buffer: what was read at once fits it twice, so that a batch whose texts were
// rewritten still leaves in one write.
const writeSize = 2 * readSize

var writeBuffers = sync.Pool{New: func() any { return new([writeSize]byte) }}

// A Writer collects messages and writes them with one system call. It is not safe for concurrent use, except Writes.
// It holds a buffer only while something is collected. After an error all further calls return that error.
type Writer struct {
	dst    io.Writer
	now    Prompt           // dst, if it is one
	prompt bool             // nothing is to be waited for: what finds no room goes to over
	over   []byte           // behind what is in buf
	buf    *[writeSize]byte // nil when n is 0
	n      int
	err    error
	vector net.Buffers
	pair   [2][]byte
	writes atomic.Int64
}

// NewWriter writes to dst.
func NewWriter(dst io.Writer) *Writer {
	w := &Writer{}
	w.to(dst)
	return w
}

func (w *Writer) to(dst io.Writer) {
	w.dst = dst
	w.now, _ = dst.(Prompt)
}

// Prompt says whether from now on Write must not wait. What it cannot collect in the buffer it then collects in memory of its
// own, until FlushNow: whoever writes sees to it that this is not much (Over). Only for a Prompt.
func (w *Writer) Prompt(on bool) { w.prompt = on }

// FlushNow writes as much as can be without waiting. done is false when something is left, which Flush is for.
func (w *Writer) FlushNow() (done bool, err error) {
	for w.err == nil && w.n+len(w.over) > 0 {
		b := w.over
		if w.n > 0 {
			b = w.buf[:w.n]
		}
		w.writes.Add(1)
		n, err := w.now.WriteNow(b)
		if w.n > 0 {
			w.n = copy(w.buf[:], b[n:])
		} else if w.over = b[n:]; len(w.over) == 0 {
			w.over = nil
		}
		if err == loop.ErrAgain {
			return false, nil
		}
		w.err = err
	}
	w.release()
	return true, w.err
}

// Write collects p, which may be anything from part of a message to many. It writes only when the buffer is full; what
// does not fit goes out in the same system call as what is collected. p is not kept.
func (w *Writer) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	if w.prompt && (w.n+len(p) > writeSize || len(w.over) > 0) {
		w.over = append(w.over, p...)
		return len(p), nil
	}
	if len(w.over) > 0 {
		if err := w.Flush(); err != nil {
			return 0, err
		}
	}
	if w.n+len(p) > writeSize {
		if err := w.through(p); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	if len(p) == 0 {
		return 0, nil
	}
	w.acquire()
	w.n += copy(w.buf[w.n:], p)
	return len(p), nil
}

// AvailableBuffer returns an empty slice with the free part of the buffer as its capacity: append a message to it and
// pass it to Write at once, as with bufio.Writer.
func (w *Writer) AvailableBuffer() []byte {
	w.acquire()
	return w.buf[w.n:w.n]
}

// Buffered is the number of bytes collected.
func (w *Writer) Buffered() int { return w.n + len(w.over) }

// Over tells whether Write has collected more than there is room for in the buffer, because it must not wait.
func (w *Writer) Over() bool { return len(w.over) > 0 }

// Flush writes what is collected.
func (w *Writer) Flush() error {
	over := w.over
	w.over = nil
	if w.err == nil && w.n > 0 || len(over) > 0 {
		return w.through(over)
	}
	w.release()
	return w.err
}

// Writes counts the writes made on the connection so far. Safe for concurrent use.
func (w *Writer) Writes() int64 { return w.writes.Load() }

// through writes what is collected and p.
func (w *Writer) through(p []byte) error {
	w.writes.Add(1)
	switch {
	case w.err != nil:
	case w.n == 0:
		_, w.err = w.dst.Write(p)
	case len(p) == 0:
		_, w.err = w.dst.Write(w.buf[:w.n])
	default:
		w.pair = [2][]byte{w.buf[:w.n], p}
		w.vector = w.pair[:]
		_, w.err = w.vector.WriteTo(w.dst)
		w.pair = [2][]byte{}
	}
	w.n = 0
	w.release()
	return w.err
}

func (w *Writer) acquire() {
	if w.buf == nil {
		w.buf = writeBuffers.Get().(*[writeSize]byte)
	}
}

func (w *Writer) release() {
	if w.n == 0 && w.buf != nil {
		writeBuffers.Put(w.buf)
		w.buf = nil
	}
}
