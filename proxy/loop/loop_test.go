//go:build linux

package loop

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// newLoop makes a loop that ends with the test.
func newLoop(t *testing.T) *Loop {
	t.Helper()
	g, err := New(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g.Deal()
}

// pair makes a connection of which one end is the loop's. Both end with the test.
func pair(t *testing.T, l *Loop, network string) (*Conn, net.Conn) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = t.TempDir() + "/s"
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	peer, err := net.Dial(network, listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	of, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c, ok := l.Take(of)
	if !ok {
		t.Fatal("the loop does not take it")
	}
	t.Cleanup(func() { c.Close() })
	return c, peer
}

// enter puts c into its loop when all that has come so far was read, and fails if something else keeps it out.
func enter(t *testing.T, c *Conn, handler func() bool) {
	t.Helper()
	for {
		if n, err := c.ReadNow(make([]byte, 1)); err != ErrAgain {
			t.Fatalf("there were %d bytes to be read: %v", n, err)
		}
		if c.Enter(handler) {
			return
		}
		if c.Hurried() {
			t.Fatal("a deadline is set")
		}
	}
}

func TestWhatComesIsHandledInTheLoop(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			c, peer := pair(t, newLoop(t), network)
			b := make([]byte, 100)
			enter(t, c, func() bool {
				n, err := c.ReadNow(b)
				if err == nil {
					_, err = c.WriteNow(bytes.ToUpper(b[:n]))
				}
				if err != nil && err != ErrAgain && err != io.EOF && !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
				return !c.Drained() && err == nil
			})
			for _, word := range []string{"one", "two", string(bytes.Repeat([]byte("three"), 100))} {
				if _, err := peer.Write([]byte(word)); err != nil {
					t.Fatal(err)
				}
				answer := make([]byte, len(word))
				if _, err := io.ReadFull(peer, answer); err != nil || string(answer) != string(bytes.ToUpper([]byte(word))) {
					t.Fatalf("%q: %q, %v", word, answer, err)
				}
			}
		})
	}
}

// A handler that says what it was called for, having left.
func leaving(c *Conn, b []byte) (handler func() bool, called chan error) {
	called = make(chan error, 1)
	return func() bool {
		c.Leave()
		_, err := c.ReadNow(b)
		called <- err
		return false
	}, called
}

func TestADeadlineAndCloseCallTheHandler(t *testing.T) {
	t.Parallel()
	l := newLoop(t)
	c, peer := pair(t, l, "tcp")
	b := make([]byte, 10)
	handler, called := leaving(c, b)
	enter(t, c, handler)
	if err := c.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if err := <-called; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after a deadline: %v", err)
	}
	if c.Enter(handler) {
		t.Error("it is in the loop, though a deadline is set")
	}
	if _, err := c.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read after the deadline: %v", err)
	}
	_ = c.SetReadDeadline(time.Time{})
	if _, err := peer.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(b); n != 1 || err != nil {
		t.Errorf("Read when the deadline was taken away: %d, %v", n, err)
	}

	enter(t, c, handler)
	c.Close()
	if err := <-called; !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Close after Close: %v", err)
	}
	if c.Enter(handler) {
		t.Error("what is closed is in the loop")
	}
}

// The other side may end its direction together with the last bytes: epoll says that once.
func TestTheEndBehindTheLastBytesIsSeen(t *testing.T) {
	t.Parallel()
	l := newLoop(t)
	for range 50 {
		c, peer := pair(t, l, "tcp")
		got, b := 0, make([]byte, 100)
		end := make(chan error, 1)
		enter(t, c, func() bool {
			n, err := c.ReadNow(b)
			got += n
			if err != nil && err != ErrAgain {
				c.Leave()
				end <- err
				return false
			}
			return !c.Drained()
		})
		if _, err := peer.Write([]byte("good bye")); err != nil {
			t.Fatal(err)
		}
		peer.Close()
		if err := <-end; err != io.EOF || got != 8 {
			t.Fatalf("%d bytes, and then %v", got, err)
		}
	}
}

// A read ends before an urgent byte of TCP, whatever is behind it, and the next one leaves it out.
func TestWhatIsBehindAnUrgentByteIsRead(t *testing.T) {
	t.Parallel()
	l := newLoop(t)
	c, peer := pair(t, l, "tcp")
	other, waker := pair(t, l, "tcp")
	busy, goOn, got := make(chan bool), make(chan bool), make(chan string)
	enter(t, other, func() bool { // so that epoll says once that all of it has come
		other.Leave()
		close(busy)
		<-goOn
		return false
	})
	all, b := "", make([]byte, 100)
	enter(t, c, func() bool {
		n, err := c.ReadNow(b)
		if all += string(b[:n]); err == nil && all == "before and behind" {
			got <- all
		}
		return err == nil && !c.Drained()
	})
	if _, err := waker.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	<-busy
	raw, err := peer.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range []string{"before", "!", " and behind"} {
		flags := 0
		if i == 1 {
			flags = syscall.MSG_OOB
		}
		var sent error
		if err := raw.Write(func(fd uintptr) bool {
			_, sent = syscall.SendmsgN(int(fd), []byte(part), nil, nil, flags)
			return true
		}); err != nil || sent != nil {
			t.Fatal(err, sent)
		}
	}
	close(goOn)
	select {
	case <-got:
	case <-time.After(20 * time.Second):
		t.Error("not all was read")
	}
}

func TestWhatHasComeBeforeKeepsItOutOfTheLoop(t *testing.T) {
	t.Parallel()
	c, peer := pair(t, newLoop(t), "tcp")
	if _, err := peer.Write([]byte("1234")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2)
	never := func() bool { t.Error("the handler was called"); return false }
	if n, err := c.Read(b); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	for range 2 {
		if c.Enter(never) {
			t.Fatal("it is in the loop, though not all was read")
		}
	}
	if n, err := c.ReadNow(b); n != 2 || err != nil {
		t.Fatal(n, err)
	}
}

func TestWritingWaitsForTheReaderAndNoLongerThanTheDeadline(t *testing.T) {
	t.Parallel()
	c, peer := pair(t, newLoop(t), "tcp")
	much := make([]byte, 16<<20)
	for i := range much {
		much[i] = byte(i >> 8)
	}
	if n, err := c.WriteNow(much); err != ErrAgain || n == 0 || n == len(much) {
		t.Fatalf("WriteNow wrote %d: %v", n, err)
	} else {
		much = much[n:]
		if _, err := io.CopyN(io.Discard, peer, int64(n)); err != nil {
			t.Fatal(err)
		}
	}
	got := make(chan []byte)
	go func() {
		b := make([]byte, len(much))
		_, _ = io.ReadFull(peer, b)
		got <- b
	}()
	if n, err := c.Write(much); n != len(much) || err != nil {
		t.Fatal(n, err)
	}
	if !bytes.Equal(<-got, much) {
		t.Error("other bytes arrived")
	}
	_ = c.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
	if n, err := c.Write(make([]byte, 64<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Write wrote %d: %v", n, err)
	}
}

// Who has much to be read does not keep the others of the loop waiting for all of it.
func TestTheHandlersTakeTurns(t *testing.T) {
	t.Parallel()
	l := newLoop(t)
	busy, from := pair(t, l, "tcp")
	other, peer := pair(t, l, "tcp")
	var order []int
	over := make(chan bool)
	few := make([]byte, 1)
	first := true
	enter(t, other, func() bool {
		_, _ = other.ReadNow(make([]byte, 10))
		order = append(order, -1)
		return false
	})
	enter(t, busy, func() bool {
		if first { // from within the loop, so that both are ready in its next turn
			first = false
			if _, err := peer.Write([]byte("x")); err != nil {
				t.Error(err)
			}
		}
		n, err := busy.ReadNow(few)
		order = append(order, n)
		if err != nil || busy.Drained() {
			close(over)
			busy.Leave()
			return false
		}
		return true
	})
	if _, err := from.Write(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	<-over
	if at := slices.Index(order, -1); at < 0 || at > 100 {
		t.Errorf("the other was handled after %d of %d turns", at, len(order))
	}
}

// Bytes arrive whole and in order, while connections go into the loop and out of it at any time.
func TestNothingIsLostBetweenTheLoopAndGoroutines(t *testing.T) {
	t.Parallel()
	l := newLoop(t)
	var wg sync.WaitGroup
	for seed := range uint64(8) {
		c, peer := pair(t, l, "tcp")
		random := rand.New(rand.NewPCG(seed, 1))
		sent := make([]byte, 1<<20)
		for i := range sent {
			sent[i] = byte(random.Uint32())
		}
		e := &echo{c: c, random: rand.New(rand.NewPCG(seed, 2)), b: make([]byte, 700)}
		wg.Go(func() { e.outside() })
		wg.Go(func() {
			for rest := sent; len(rest) > 0; {
				n := min(len(rest), 1+random.IntN(3000))
				if _, err := peer.Write(rest[:n]); err != nil {
					t.Error(err)
					return
				}
				rest = rest[n:]
			}
		})
		wg.Go(func() {
			got := make([]byte, len(sent))
			if n, err := io.ReadFull(peer, got); err != nil || !bytes.Equal(got, sent) {
				t.Errorf("%d of %d bytes, equal: %v, %v", n, len(sent), bytes.Equal(got, sent), err)
			}
			peer.Close()
		})
	}
	wg.Wait()
}

// An echo sends back what it gets, in the loop or by a goroutine.
type echo struct {
	c      *Conn
	random *rand.Rand
	b      []byte
}

// outside reads some and then gives the connection to the loop. It returns when that goes on, or all is over.
func (e *echo) outside() {
	for {
		n, err := e.c.ReadNow(e.b)
		if err == ErrAgain && e.c.Enter(e.inside) {
			return
		}
		if err == ErrAgain {
			n, err = e.c.Read(e.b)
		}
		if err == nil {
			_, err = e.c.Write(e.b[:n])
		}
		if err != nil {
			return
		}
	}
}

func (e *echo) inside() (more bool) {
	n, err := e.c.ReadNow(e.b)
	if err == ErrAgain {
		return false
	}
	done := 0
	if err == nil {
		done, err = e.c.WriteNow(e.b[:n])
	}
	if err == nil && e.random.IntN(4) > 0 {
		return !e.c.Drained()
	}
	rest := slices.Clone(e.b[done:n])
	e.c.Leave()
	go func() {
		if _, err := e.c.Write(rest); err == nil {
			e.outside()
		}
	}()
	return false
}

// The number of a descriptor that was closed may be another's by the next call.
func TestAfterTheEndNothingIsWrittenToWhatWasTheLoops(t *testing.T) {
	t.Parallel()
	l := newLoop(t)
	c, _ := pair(t, l, "tcp")
	called := make(chan bool, 10)
	enter(t, c, func() bool { called <- true; return false })
	l.end()
	for over := false; !over; {
		l.mu.Lock()
		over = l.over
		l.mu.Unlock()
		runtime.Gosched()
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	l.mu.Lock()
	l.wake = int(w.Fd())
	l.mu.Unlock()
	c.Close()
	l.end() // as Close of the group, too
	w.Close()
	if b, err := io.ReadAll(r); err != nil || len(b) > 0 {
		t.Errorf("%d bytes were written: %v", len(b), err)
	}
}
