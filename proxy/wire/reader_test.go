package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// socketPair returns the two ends of a TCP connection over loopback.
func socketPair(t testing.TB) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

// message is a frame of size bytes in all.
func message(kind byte, size int) []byte {
	return AppendMessage(nil, kind, bytes.Repeat([]byte{'x'}, size-5))
}

func TestFramesOfAnySplitAreTheSame(t *testing.T) {
	t.Parallel()
	stream := bytes.Join([][]byte{
		AppendQuery(nil, "select 1"), AppendSync(nil), message('d', readSize), AppendFlush(nil),
		message('d', readSize+1), message('d', 5*readSize+17), AppendTerminate(nil),
	}, nil)
	sources := map[string]func() io.Reader{
		"all at once":  func() io.Reader { return bytes.NewReader(stream) },
		"byte by byte": func() io.Reader { return iotest.OneByteReader(bytes.NewReader(stream)) },
		"in halves":    func() io.Reader { return iotest.HalfReader(bytes.NewReader(stream)) },
		"from a socket": func() io.Reader {
			near, far := socketPair(t)
			go func() { far.Write(stream); far.Close() }()
			return near
		},
	}
	for name, source := range sources {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var types []byte
			var out bytes.Buffer
			r := NewReader(source(), 0)
			for {
				f, err := r.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				types = append(types, f.Type)
				out.Write(f.Raw)
				if err := r.CopyRest(&out); err != nil {
					t.Fatal(err)
				}
			}
			if got, want := string(types), "QSdHddX"; got != want {
				t.Errorf("types %q, want %q", got, want)
			}
			if !bytes.Equal(out.Bytes(), stream) {
				t.Error("the bytes that came out are not those that went in")
			}
			if r.buf != nil {
				t.Error("a buffer is held at the end of the stream")
			}
		})
	}
}

func TestALengthThatCannotBeRightEndsTheStream(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{
		"zero":                          "Q\x00\x00\x00\x00",
		"less than the length word":     "Q\x00\x00\x00\x03",
		"negative":                      "D\xff\xff\xff\xff",
		"more than the configured most": "D\x00\x01\x00\x01",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := NewReader(strings.NewReader(header+strings.Repeat("x", 100)), 1<<16)
			_, err := r.Next()
			var broken *ProtocolError
			if !errors.As(err, &broken) || broken.Message != "invalid message length" {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAStreamThatEndsInsideAFrameIsNotACleanEnd(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{"Q", "Q\x00\x00\x00\x09abc"} {
		if _, err := NewReader(strings.NewReader(stream), 0).Next(); err != io.ErrUnexpectedEOF {
			t.Errorf("%q: got %v", stream, err)
		}
	}
	r := NewReader(bytes.NewReader(message('d', 2*readSize)[:readSize+10]), 0)
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if err := r.CopyRest(io.Discard); err != io.ErrUnexpectedEOF {
		t.Errorf("CopyRest: got %v", err)
	}
}

func TestAnAnnouncedLengthReservesNoMemory(t *testing.T) {
	const header = "P\x3f\xff\xff\x00"
	r := NewReader(strings.NewReader(header+strings.Repeat("x", 1000)), 0)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadRest(f, MaxMessage+1); err != io.ErrUnexpectedEOF {
		t.Errorf("got %v", err)
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("%d bytes were reserved for 1000 that came", grown)
	}
}

func TestALargeFrameCanBeHadWhole(t *testing.T) {
	t.Parallel()
	want := message('P', 3*readSize+1)
	r := NewReader(bytes.NewReader(append(want, AppendSync(nil)...)), 0)
	f, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	f, err = r.ReadRest(f, len(want))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(f.Raw, want) || !bytes.Equal(f.Body, want[5:]) || f.Rest != 0 {
		t.Error("the frame is not what was sent")
	}
	if f, err = r.Next(); err != nil || f.Type != Sync {
		t.Errorf("next: %q, %v", f.Type, err)
	}
}

func TestALargeFrameOverTheLimitIsRefused(t *testing.T) {
	t.Parallel()
	r := NewReader(bytes.NewReader(message('P', 3*readSize)), 0)
	f, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	var broken *ProtocolError
	if _, err := r.ReadRest(f, 2*readSize); !errors.As(err, &broken) {
		t.Errorf("got %v", err)
	}
}

func TestBufferedTellsWhetherNextWillBlock(t *testing.T) {
	t.Parallel()
	near, far := socketPair(t)
	r := NewReader(near, 0)
	if r.Buffered() {
		t.Error("nothing has come, but a frame is said to be there")
	}
	two := append(AppendSync(nil), AppendQuery(nil, "select 1")...)
	far.Write(append(two, "Q\x00\x00"...))
	f, err := r.Next()
	if err != nil || f.Type != Sync {
		t.Fatalf("%q, %v", f.Type, err)
	}
	for r.Pending() < len(two)-5+3 {
		if err := r.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if !r.Buffered() {
		t.Error("a whole frame is there, but is said not to be")
	}
	if f, err := r.Next(); err != nil || f.Type != Query {
		t.Fatalf("%q, %v", f.Type, err)
	}
	if r.Buffered() {
		t.Error("part of a header is said to be a frame")
	}
}

func TestATimeoutLosesNothing(t *testing.T) {
	t.Parallel()
	near, far := socketPair(t)
	r := NewReader(near, 0)
	want := AppendQuery(nil, "select 1")
	far.Write(want[:7])
	for r.Pending() < 7 {
		if err := r.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	near.SetReadDeadline(time.Unix(1, 0))
	if _, err := r.Next(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	near.SetReadDeadline(time.Time{})
	far.Write(want[7:])
	f, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, f.Raw); diff != "" {
		t.Error(diff)
	}
}

func TestAnIdleReaderHoldsNoBuffer(t *testing.T) {
	t.Parallel()
	near, far := socketPair(t)
	r := NewReader(near, 0)
	far.Write(AppendSync(nil))
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	near.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := r.Next(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	if r.buf != nil {
		t.Error("a buffer was held while nothing came")
	}
}

func TestWhatWasReadAheadIsPassedOn(t *testing.T) {
	t.Parallel()
	stream := append(AppendSync(nil), "raw bytes"...)
	r := NewReader(bytes.NewReader(stream), 0)
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(r)
	if err != nil || string(rest) != "raw bytes" {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestWaitSeesThatTheOtherSideHasGone(t *testing.T) {
	t.Parallel()
	near, far := socketPair(t)
	r := NewReader(near, 0)
	far.Close()
	if err := r.Wait(); err != io.EOF {
		t.Errorf("got %v", err)
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	near, far := socketPair(t)
	r, batch := NewReader(near, 0), append(AppendQuery(nil, "select 1"), AppendSync(nil)...)
	allocs := testing.AllocsPerRun(200, func() {
		far.Write(batch)
		for range 2 {
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocs >= 1 {
		t.Errorf("%v allocations for two frames", allocs)
	}
}

// records are a source that returns what is left of a record at most, as a TLS connection does, and counts the calls.
type records struct {
	left  []byte
	size  int
	reads int
}

func (r *records) Read(p []byte) (int, error) {
	r.reads++
	if len(r.left) == 0 {
		return 0, io.EOF
	}
	n := min(len(p), (len(r.left)-1)%r.size+1) // a record ends where what is left is a multiple of the size
	copy(p, r.left[:n])
	r.left = r.left[n:]
	return n, nil
}

// A writesCounter counts calls.
type writesCounter int

func (w *writesCounter) Write(p []byte) (int, error) { *w++; return len(p), nil }

func TestALargeMessageInRecordsIsNotCopiedInBits(t *testing.T) {
	t.Parallel()
	const size, record = 1 << 20, 16 << 10
	src := &records{left: message(CopyData, size), size: record}
	r := NewReader(src, 0)
	f, err := r.Next()
	if err != nil || f.Rest == 0 {
		t.Fatalf("the frame is %d bytes and %d more, %v", len(f.Raw), f.Rest, err)
	}
	var writes writesCounter
	if err := r.CopyRest(&writes); err != nil {
		t.Fatal(err)
	}
	if most := 2*size/record + 4; src.reads > most || int(writes) > most {
		t.Errorf("%d reads and %d writes for %d records", src.reads, writes, size/record+1)
	}
}
