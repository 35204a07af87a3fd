package wire

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

func TestABatchLeavesInOneWrite(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := NewWriter(&out)
	var want []byte
	for range 100 {
		b := AppendQuery(w.AvailableBuffer(), "select 1")
		want = append(want, b...)
		w.Write(b)
	}
	if w.Writes() != 0 || out.Len() != 0 {
		t.Fatal("written before Flush")
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if w.Writes() != 1 || !bytes.Equal(out.Bytes(), want) {
		t.Errorf("%d writes, bytes equal: %v", w.Writes(), bytes.Equal(out.Bytes(), want))
	}
	if w.buf != nil {
		t.Error("a buffer is held with nothing to write")
	}
}

func TestALargeMessageLeavesWithWhatWasCollected(t *testing.T) {
	t.Parallel()
	near, far := socketPair(t)
	w := NewWriter(far)
	want := append(AppendSync(nil), message('d', 3*writeSize)...)
	read := make(chan []byte)
	go func() {
		b, _ := io.ReadAll(near)
		read <- b
	}()
	w.Write(want[:5])
	w.Write(want[5:])
	if w.Writes() != 1 || w.Buffered() != 0 {
		t.Errorf("%d writes, %d bytes kept", w.Writes(), w.Buffered())
	}
	far.Close()
	if got := <-read; !bytes.Equal(got, want) {
		t.Errorf("%d bytes came, %d were sent", len(got), len(want))
	}
}

// brokenPipe fails every write.
type brokenPipe struct{ err error }

func (p brokenPipe) Write([]byte) (int, error) { return 0, p.err }

func TestAWriteErrorStays(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken pipe")
	w := NewWriter(brokenPipe{broken})
	w.Write(AppendSync(nil))
	if err := w.Flush(); err != broken {
		t.Errorf("Flush: %v", err)
	}
	if _, err := w.Write(AppendSync(nil)); err != broken {
		t.Errorf("Write: %v", err)
	}
	if err := w.Flush(); err != broken {
		t.Errorf("second Flush: %v", err)
	}
}
