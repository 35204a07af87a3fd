package wire

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/seguedb/segue/proxy/loop"
)

// readSize is the size of a read buffer, and of the largest frame that is given whole by Next. At 32 KiB a COPY of
// typical rows costs about as many system calls as with libpq's 8 KiB server buffers and a quarter of the reads.
const readSize = 32 << 10

var readBuffers = sync.Pool{New: func() any { return new([readSize]byte) }}

// ErrFull is returned by Reader.Wait when there is no room to read ahead.
var ErrFull = errors.New("wire: the read buffer is full")

// A Frame is one message, or the first part of one.
type Frame struct {
	Type byte
	Body []byte // without type and length; all of it when Rest is 0
	Raw  []byte // the message as it came, type and length included; all of it when Rest is 0
	Rest int    // how many bytes of it are still to come: see Reader.CopyRest and Reader.ReadRest
}

// Size is the length of the whole message in bytes, type and length included.
func (f Frame) Size() int { return len(f.Raw) + f.Rest }

// A Reader cuts a stream into frames. It is not safe for concurrent use, save that the connection's read deadline may be
// set from elsewhere, and Fresh asked: after a timeout the Reader goes on where it was.
//
// It holds a buffer only while it has bytes: on a TCP or Unix connection it waits for readability without one.
type Reader struct {
	src    io.Reader
	now    Prompt          // set where one can read without waiting
	raw    syscall.RawConn // set where one can wait without a buffer
	poll   func(fd uintptr) bool
	polled struct {
		n   int
		err error
	}
	tiny [1]byte

	failed error // what More has met; it is the next read's

	fresh atomic.Bool // see Fresh

	buf  *[readSize]byte // nil when there is nothing in it
	r, w int             // buf[r:w] is unread
	rest int             // of the current frame, beyond what Next returned
	max  int
}

// NewReader reads from src, and refuses messages of more than max bytes, length word included; 0 stands for MaxMessage.
func NewReader(src io.Reader, max int) *Reader {
	if max <= 0 {
		max = MaxMessage
	}
	r := &Reader{max: max}
	r.poll = r.readDescriptor
	r.from(src)
	return r
}

func (r *Reader) from(src io.Reader) {
	r.src = src
	r.now, _ = src.(Prompt)
	r.raw = rawConn(src)
}

// Fresh tells whether something has been read, or is just being read, since Seen was called last. What is neither unread by the
// connection nor fresh is known to who calls Seen. It is always false of a TLS connection.
func (r *Reader) Fresh() bool { return r.fresh.Load() }

// Seen says that what was read is known.
func (r *Reader) Seen() { r.fresh.Store(false) }

// A Prompt is a connection that can be read and written without waiting: see package loop.
type Prompt interface {
	ReadNow(b []byte) (int, error)  // loop.ErrAgain: nothing is there
	WriteNow(b []byte) (int, error) // loop.ErrAgain: that was not all
	WaitRead() error                // until ReadNow may have something
}

// More reads what has come on a Prompt, as much as there is room for. loop.ErrAgain: that is nothing. After another error, Next
// returns that when it has returned what was read before. It invalidates the last frame.
func (r *Reader) More() error {
	r.makeRoom(readSize)
	err := r.readNow()
	if err != nil && err != loop.ErrAgain && !errors.Is(err, os.ErrDeadlineExceeded) {
		r.failed = err
	}
	return err
}

// readNow appends what has come on a Prompt to the buffer, which has room.
func (r *Reader) readNow() error {
	if r.failed != nil {
		return r.failed
	}
	if r.buf == nil {
		r.buf = readBuffers.Get().(*[readSize]byte)
	}
	r.fresh.Store(true)
	n, err := r.now.ReadNow(r.buf[r.w:])
	r.w += n
	if err != nil {
		r.fresh.Store(false)
		r.Release()
	}
	return err
}

// Next returns the next frame. Its slices alias the Reader's buffer and are valid until the next call of any method but
// Buffered. A frame with a Rest must be consumed with CopyRest or ReadRest before the next call.
//
// io.EOF means that the stream ended between two frames, io.ErrUnexpectedEOF that it ended inside one, a *ProtocolError
// that the length cannot be right.
func (r *Reader) Next() (Frame, error) {
	if r.rest > 0 {
		return Frame{}, errors.New("wire: the rest of a frame was not consumed")
	}
	if err := r.fill(5); err != nil {
		return Frame{}, err
	}
	length, err := r.length(r.buf[r.r+1:])
	if err != nil {
		return Frame{}, err
	}
	total := 1 + length
	if total <= readSize {
		if err := r.fill(total); err != nil {
			return Frame{}, err
		}
	}
	have := min(total, r.w-r.r)
	raw := r.buf[r.r : r.r+have : r.r+have]
	r.r += have
	r.rest = total - have
	return Frame{Type: raw[0], Body: raw[5:], Raw: raw, Rest: r.rest}, nil
}

// length reads the length word at the start of b, which holds at least 4 bytes. Mirrors pq_getmessage.
func (r *Reader) length(b []byte) (int, error) {
	n := binary.BigEndian.Uint32(b)
	if n < 4 || n > uint32(r.max) {
		return 0, &ProtocolError{Message: "invalid message length"}
	}
	return int(n), nil
}

// Buffered tells whether the next call of Next returns without reading from the connection, be it with an error.
func (r *Reader) Buffered() bool {
	have := r.w - r.r
	if have < 5 || r.rest > 0 {
		return false
	}
	n, err := r.length(r.buf[r.r+1:])
	return err != nil || n+1 <= have || n+1 > readSize
}

// Partial tells whether part of the frame that Next has returned was not consumed.
func (r *Reader) Partial() bool { return r.rest > 0 }

// Pending is the number of bytes that were read ahead.
func (r *Reader) Pending() int { return r.w - r.r }

// CopyRest streams what is still to come of the frame that Next returned to w, in bounded memory.
func (r *Reader) CopyRest(w io.Writer) error {
	for r.rest > 0 {
		if err := r.fill(1); err != nil {
			return midFrame(err)
		}
		n := min(r.rest, r.w-r.r)
		if _, err := w.Write(r.buf[r.r : r.r+n]); err != nil {
			return err
		}
		r.r += n
		r.rest -= n
	}
	return nil
}

// ReadRest returns the frame f that Next has just returned as a whole, in memory of its own if it had a Rest. The memory
// grows with what comes, not with what was announced. A frame of more than limit bytes is a *ProtocolError.
func (r *Reader) ReadRest(f Frame, limit int) (Frame, error) {
	if f.Rest == 0 {
		return f, nil
	}
	if f.Size() > limit {
		return Frame{}, &ProtocolError{Message: "invalid message length"}
	}
	size := f.Size()
	whole := append(make([]byte, 0, min(size, 2*readSize)), f.Raw...)
	sink := &appender{b: whole, size: size}
	if err := r.CopyRest(sink); err != nil {
		return Frame{}, err
	}
	return Frame{Type: f.Type, Body: sink.b[5:], Raw: sink.b}, nil
}

// ReadPart returns the frame f, which Next or ReadPart has just returned, with at least n bytes of it in Raw, or all of them
// if it is shorter. If f has a Rest they are in memory of their own, with room for no more than n where there were fewer.
func (r *Reader) ReadPart(f Frame, n int) (Frame, error) {
	if f.Rest == 0 || len(f.Raw) >= n {
		return f, nil
	}
	n = min(n, f.Size())
	raw := append(make([]byte, 0, n), f.Raw...)
	for len(raw) < n {
		if err := r.fill(1); err != nil {
			return Frame{}, midFrame(err)
		}
		k := min(n-len(raw), r.w-r.r)
		raw = append(raw, r.buf[r.r:r.r+k]...)
		r.r += k
		r.rest -= k
	}
	return Frame{Type: f.Type, Body: raw[5:], Raw: raw, Rest: r.rest}, nil
}

// appender collects what is written, and never reserves more than size bytes.
type appender struct {
	b    []byte
	size int
}

func (a *appender) Write(p []byte) (int, error) {
	if need := len(a.b) + len(p); need > cap(a.b) {
		grown := make([]byte, len(a.b), min(a.size, max(need, 2*cap(a.b))))
		copy(grown, a.b)
		a.b = grown
	}
	a.b = append(a.b, p...)
	return len(p), nil
}

// Wait blocks until more bytes than are buffered have come, without consuming any; it is how one notices that a client
// has gone, or has sent something, while it is not its turn. It invalidates the last frame. ErrFull: there is no more room.
func (r *Reader) Wait() error {
	if r.w-r.r == readSize {
		return ErrFull
	}
	return r.fill(r.w - r.r + 1)
}

// Read gives the bytes that were read ahead and then those of the connection, without regard to frames. It implements
// io.Reader for connections that are passed through.
func (r *Reader) Read(p []byte) (int, error) {
	if r.r == r.w {
		return r.src.Read(p)
	}
	n := copy(p, r.buf[r.r:r.w])
	r.r += n
	r.Release()
	return n, nil
}

// fill reads until n bytes are unread in the buffer. n is at most readSize.
func (r *Reader) fill(n int) error {
	if r.w-r.r >= n {
		return nil
	}
	r.makeRoom(n)
	for r.w-r.r < n {
		err := r.read()
		if err == nil {
			continue
		}
		if r.w > r.r {
			return midFrame(err)
		}
		return err
	}
	return nil
}

// makeRoom makes it possible that n bytes are unread in the buffer.
func (r *Reader) makeRoom(n int) {
	r.Release()
	if r.buf != nil && readSize-r.r < n {
		copy(r.buf[:], r.buf[r.r:r.w])
		r.r, r.w = 0, r.w-r.r
	}
}

// Release gives the buffer back when nothing is in it. It invalidates the last frame. The other methods do so before they wait, so it
// is for who is told by others when more has come.
func (r *Reader) Release() {
	if r.r == r.w && r.buf != nil {
		readBuffers.Put(r.buf)
		r.buf, r.r, r.w = nil, 0, 0
	}
}

// read appends what has come to the buffer, and waits for it if need be. The buffer has room.
func (r *Reader) read() error {
	if r.now != nil {
		for {
			err := r.readNow()
			if err != loop.ErrAgain {
				return err
			}
			if err := r.now.WaitRead(); err != nil {
				return err
			}
		}
	}
	if r.raw != nil {
		return r.readRaw()
	}
	switch {
	case r.buf != nil:
	case r.rest > 0: // the other side is about to send it
		r.buf = readBuffers.Get().(*[readSize]byte)
	default:
		// A TLS connection has decrypted a whole record when it returns its first byte: the next Read costs no system call.
		n, err := r.src.Read(r.tiny[:])
		if n == 0 {
			return orEOF(err)
		}
		r.buf = readBuffers.Get().(*[readSize]byte)
		r.buf[0], r.w = r.tiny[0], 1
		return nil
	}
	n, err := r.src.Read(r.buf[r.w:])
	if n == 0 {
		r.Release()
		return orEOF(err)
	}
	r.w += n
	return nil
}

// orEOF makes an error of a Read that returned nothing at all.
func orEOF(err error) error {
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}

// midFrame is the error for a stream that ends where more was promised.
func midFrame(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
