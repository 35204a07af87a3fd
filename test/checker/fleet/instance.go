package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/seguedb/segue/internal/pgcluster"
)

// How long instances may be out of touch, and hold a gate.
const (
	lease      = 2 * time.Second
	drainLimit = 500 * time.Millisecond
)

// An instance is a process of segue serve.
type instance struct {
	program string
	id      string
	listen  string
	admin   string
	url     string // of the database, over the relay
	relay   *relay
	log     buffer

	mu     sync.Mutex
	cmd    *exec.Cmd     // nil: it is not there
	done   chan struct{} // closed when cmd has ended
	killed bool          // by us
	frozen bool
}

// newInstance chooses addresses. Nothing is started.
func newInstance(program, id, url string) (*instance, error) {
	i := &instance{program: program, id: id, url: url}
	for _, address := range []*string{&i.listen, &i.admin} {
		port, err := pgcluster.FreePort()
		if err != nil {
			return nil, err
		}
		*address = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	return i, nil
}

// start starts the process, if there is none.
func (i *instance) start() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.cmd != nil {
		return nil
	}
	cmd := exec.Command(i.program, "serve", "--upstream", i.url, "--listen", i.listen, "--admin-listen", i.admin, "--instance-id", i.id,
		"--lease", lease.String(), "--drain-limit", drainLimit.String(), "--drain-timeout", "1s", "--deferred-retry", "10s")
	cmd.Stdout, cmd.Stderr = &i.log, &i.log
	// It ends with this process at the latest. Linux ties that to the thread that forked.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	started, done := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer close(done)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it has ended is in the log
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	i.cmd, i.done, i.killed, i.frozen = cmd, done, false, false
	return nil
}

// signal sends a signal to the process, if there is one.
func (i *instance) signal(s syscall.Signal) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.cmd == nil {
		return
	}
	i.frozen = s == syscall.SIGSTOP || i.frozen && s != syscall.SIGCONT
	_ = i.cmd.Process.Signal(s)
}

// end kills the process, also a frozen one, and waits until it is gone.
func (i *instance) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.cmd == nil {
		return
	}
	i.killed = true
	_ = i.cmd.Process.Kill()
	<-i.done
	i.cmd = nil
}

// ended reports whether the process has ended by itself.
func (i *instance) ended() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.cmd == nil || i.killed {
		return false
	}
	select {
	case <-i.done:
		return true
	default:
		return false
	}
}

// revive forgets a process that has ended by itself and starts another one.
func (i *instance) revive() error {
	i.mu.Lock()
	i.cmd = nil
	i.mu.Unlock()
	return i.start()
}

// ready is nil when the instance says that it serves.
func (i *instance) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	code, body, err := i.call(ctx, http.MethodGet, "/readyz", nil)
	if err == nil && code != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(body)))
	}
	if err != nil {
		return fmt.Errorf("instance %s is not ready: %w", i.id, err)
	}
	return nil
}

// A buffer is safe for concurrent use.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// tail is the last lines of a log.
func tail(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
