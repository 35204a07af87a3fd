package loop

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// A Group is a number of loops, between which sockets are dealt out. All methods are safe for concurrent use.
type Group struct {
	loops []*Loop
	next  atomic.Uint32
}

// New starts so many loops, at least one.
func New(n int) (*Group, error) {
	g := &Group{}
	for range max(n, 1) {
		l, err := start()
		if err != nil {
			for _, l := range g.loops {
				l.end()
			}
			return nil, err
		}
		g.loops = append(g.loops, l)
	}
	processors.spare(len(g.loops))
	return g, nil
}

// processors are those that the scheduler has. A loop keeps one while it waits for a moment, so there is one more for each.
var processors scheduler

type scheduler struct {
	mu    sync.Mutex
	given int // processors
	loops int
}

// spare takes note of so many loops more. There are never more loops busy than the machine has processors.
func (s *scheduler) spare(loops int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loops += loops
	have := runtime.GOMAXPROCS(0)
	give := min(s.loops, have-s.given)
	if give != s.given {
		runtime.GOMAXPROCS(have - s.given + give)
		s.given = give
	}
}

// Close ends the loops. No Conn may be in them any more.
func (g *Group) Close() {
	for _, l := range g.loops {
		l.end()
	}
	processors.spare(-len(g.loops))
}

// Deal is the loop that the sockets of one session are to share.
func (g *Group) Deal() *Loop {
	return g.loops[int(g.next.Add(1))%len(g.loops)]
}

// turn is for how many sockets a loop asks at once.
const turn = 256

// A Loop is one of a Group.
type Loop struct {
	epoll int
	wake  int // an eventfd, which is readable when something was put into kicked, or the loop is to end

	mu     sync.Mutex
	conns  map[int32]*Conn
	kicked []*Conn
	ending bool
	over   bool // the descriptors are closed, and may be others by now

	again []*Conn // have more to read than they were given in this turn; of the loop's goroutine
	spare []*Conn
}

func start() (*Loop, error) {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create1: %w", err)
	}
	wake, _, errno := syscall.Syscall(syscall.SYS_EVENTFD2, 0, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		syscall.Close(epoll)
		return nil, fmt.Errorf("eventfd: %w", errno)
	}
	l := &Loop{epoll: epoll, wake: int(wake), conns: make(map[int32]*Conn)}
	if err := l.watch(l.wake, syscall.EPOLLIN); err != nil {
		syscall.Close(epoll)
		syscall.Close(l.wake)
		return nil, err
	}
	go l.run()
	return l, nil
}

func (l *Loop) watch(fd int, events uint32) error {
	err := syscall.EpollCtl(l.epoll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: events, Fd: int32(fd)})
	if err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

// run is the loop.
func (l *Loop) run() {
	events := make([]syscall.EpollEvent, turn)
	came := make([]arrival, 0, turn)
	for {
		n := l.wait(events)
		came = came[:0]
		woken, ending := false, false
		l.mu.Lock()
		for i := range events[:n] {
			e := &events[i]
			if int(e.Fd) == l.wake {
				woken = true
				continue
			}
			if c := l.conns[e.Fd]; c != nil {
				came = append(came, arrival{c, e.Events})
			}
		}
		if woken {
			l.drainWake()
			for i, c := range l.kicked {
				came = append(came, arrival{c, 0})
				l.kicked[i] = nil
			}
			l.kicked = l.kicked[:0]
			ending = l.ending
		}
		l.mu.Unlock()
		if ending {
			l.close()
			return
		}
		l.again, l.spare = l.spare[:0], l.again
		for i, c := range l.spare {
			l.handle(c)
			l.spare[i] = nil
		}
		for i, a := range came {
			if a.conn.came(a.events) {
				l.handle(a.conn)
			}
			came[i] = arrival{}
		}
	}
}

// An arrival is what epoll says of a socket.
type arrival struct {
	conn   *Conn
	events uint32 // 0: it was kicked
}

func (l *Loop) handle(c *Conn) {
	if c.handle() {
		l.again = append(l.again, c)
	}
}

// wait waits until there is something to do.
//
// It does so for a moment without telling the scheduler, which else would hand the processor over and take it back for each
// message (and watch over that from a thread that wakes up every 20 microseconds). Nobody is kept waiting by that: what stops
// the world interrupts the call with its signal, as often as it takes, and the other goroutines have a processor for each loop
// more than they would have.
func (l *Loop) wait(events []syscall.EpollEvent) int {
	moment := uintptr(patience.Milliseconds())
	if len(l.again) > 0 {
		moment = 0
	}
	n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(l.epoll), uintptr(unsafe.Pointer(&events[0])), turn, moment, 0, 0)
	if errno == 0 && (n > 0 || len(l.again) > 0) {
		return int(n)
	}
	if errno == syscall.EINTR {
		return 0
	}
	for {
		got, err := syscall.EpollWait(l.epoll, events, -1)
		if err == nil {
			return got
		}
		if !errors.Is(err, syscall.EINTR) {
			panic(fmt.Sprintf("loop: epoll_wait: %v", err)) // of a descriptor that only this goroutine closes
		}
	}
}

// patience is how long a loop waits before it gives its processor to others. While sessions are busy something comes earlier.
const patience = time.Millisecond

func (l *Loop) drainWake() {
	var count [8]byte
	_, _ = syscall.Read(l.wake, count[:])
}

// kick has the loop call c's handler, although nothing may have come.
func (l *Loop) kick(c *Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kicked = append(l.kicked, c)
	l.signal()
}

// signal wakes the loop. l.mu is held.
func (l *Loop) signal() {
	if l.over {
		return
	}
	one := [8]byte{1}
	_, _ = syscall.Write(l.wake, one[:]) // it fails only when it is signalled already
}

func (l *Loop) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	syscall.Close(l.epoll)
	syscall.Close(l.wake)
}

func (l *Loop) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ending = true
	l.signal()
}
