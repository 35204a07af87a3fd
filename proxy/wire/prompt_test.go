package wire

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/seguedb/segue/proxy/loop"
)

// A trickle is a Prompt that takes so many bytes a call, and gives what it is asked for in pieces.
type trickle struct {
	takes  int
	got    bytes.Buffer
	gives  [][]byte
	end    error
	waited int
}

func (c *trickle) ReadNow(b []byte) (int, error) {
	if len(c.gives) == 0 {
		if c.end != nil {
			return 0, c.end
		}
		return 0, loop.ErrAgain
	}
	n := copy(b, c.gives[0])
	if c.gives[0] = c.gives[0][n:]; len(c.gives[0]) == 0 {
		c.gives = c.gives[1:]
	}
	return n, nil
}

func (c *trickle) WriteNow(b []byte) (int, error) {
	n := min(c.takes, len(b))
	c.got.Write(b[:n])
	if n < len(b) {
		return n, loop.ErrAgain
	}
	return n, nil
}

func (c *trickle) WaitRead() error { c.waited++; c.end = io.EOF; return nil }

func (c *trickle) Read(b []byte) (int, error)  { return c.ReadNow(b) }
func (c *trickle) Write(b []byte) (int, error) { return c.got.Write(b) }

func TestAPromptWriterNeverWaitsAndKeepsTheOrder(t *testing.T) {
	t.Parallel()
	var want []byte
	c := &trickle{takes: 1000}
	w := NewWriter(c)
	w.Prompt(true)
	for i := range 40 { // more than the buffer has room for
		p := bytes.Repeat([]byte{byte(i)}, 3000)
		want = append(want, p...)
		if _, err := w.Write(p); err != nil {
			t.Fatal(err)
		}
		if i == 5 {
			if done, err := w.FlushNow(); done || err != nil {
				t.Fatal("all is written", done, err)
			}
		}
	}
	if c.got.Len() != 1000 || w.Buffered() != len(want)-1000 {
		t.Fatalf("%d bytes were written, %d are left", c.got.Len(), w.Buffered())
	}
	for range len(want)/1000 + 2 {
		if done, err := w.FlushNow(); err != nil {
			t.Fatal(err)
		} else if done {
			break
		}
		if p := []byte("more"); c.got.Len() == 3000 {
			want = append(want, p...)
			_, _ = w.Write(p)
		}
	}
	if !bytes.Equal(c.got.Bytes(), want) || w.Buffered() != 0 || w.buf != nil {
		t.Errorf("%d bytes, equal: %v, %d left", c.got.Len(), bytes.Equal(c.got.Bytes(), want), w.Buffered())
	}
}

func TestWhatAPromptWriterHasLeftGoesFirst(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]func(*Writer) error{
		"a flush": (*Writer).Flush,
		"a write": func(w *Writer) error { _, err := w.Write([]byte{9}); return errors.Join(err, w.Flush()) },
	} {
		c := &trickle{takes: 10}
		w := NewWriter(c)
		w.Prompt(true)
		for i := range 3 {
			_, _ = w.Write(bytes.Repeat([]byte{byte(i)}, 40_000))
		}
		w.Prompt(false)
		if err := next(w); err != nil {
			t.Fatal(err)
		}
		got := c.got.Bytes()
		for i := range 3 {
			if !bytes.Equal(got[40_000*i:40_000*(i+1)], bytes.Repeat([]byte{byte(i)}, 40_000)) {
				t.Errorf("%s: part %d is another", name, i)
			}
		}
		if rest := got[120_000:]; name == "a write" && string(rest) != "\x09" {
			t.Errorf("%s: %q follows", name, rest)
		}
	}
}

func TestMoreReadsWhatIsThereAndNoMore(t *testing.T) {
	t.Parallel()
	one, two := AppendQuery(nil, "SELECT 1"), AppendQuery(nil, string(bytes.Repeat([]byte("x"), readSize-100)))
	c := &trickle{gives: [][]byte{one, two[:10], two[10:]}}
	r := NewReader(c, 0)
	if err := r.More(); err != nil || !r.Buffered() {
		t.Fatal(err, r.Buffered())
	}
	if f, err := r.Next(); err != nil || !bytes.Equal(f.Raw, one) {
		t.Fatal(f, err)
	}
	for range 2 {
		if err := r.More(); err != nil {
			t.Fatal(err)
		}
	}
	if f, err := r.Next(); err != nil || !bytes.Equal(f.Raw, two) {
		t.Fatal(len(f.Raw), err)
	}
	if err := r.More(); err != loop.ErrAgain || r.buf != nil {
		t.Errorf("%v, and a buffer: %v", err, r.buf != nil)
	}
	c.end = io.ErrClosedPipe
	if err := r.More(); err != io.ErrClosedPipe {
		t.Error(err)
	}
	c.end = nil
	if _, err := r.Next(); err != io.ErrClosedPipe {
		t.Errorf("Next says %v of an error that More has met", err)
	}
}

func TestNextWaitsWhereNothingIsThere(t *testing.T) {
	t.Parallel()
	c := &trickle{}
	r := NewReader(c, 0)
	if _, err := r.Next(); err != io.EOF || c.waited != 1 {
		t.Errorf("%v after %d waits", err, c.waited)
	}
}
