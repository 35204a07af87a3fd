package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgcluster"
	"github.com/seguedb/segue/proxy"
	"github.com/seguedb/segue/proxy/startup"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rules"
)

// The modes in which a suite can be run.
const (
	modeDirect      = "direct"      // no proxy
	modePassthrough = "passthrough" // through a proxy with nothing live
	modeParsed      = "parsed"      // a rule is live on a table that no script names, and every statement is bound all the same
	modeRenamed     = "renamed"     // the columns of all tables are renamed behind the proxy, and clients are pinned to base
	modeControl     = "control"     // no proxy and no rename, but what was refused in mode renamed fails
	modeBare        = "bare"        // those of test_setup are renamed, and there is no proxy: tells which files depend on names
)

// database is the one that scripts run in.
const database = "regression"

// patience is how long one file may take before its sessions are ended.
const patience = 10 * time.Minute

// A stage is what scripts of one run talk to: the server, or a proxy before it, of which the harness is the control
// plane. What it knows of the scripts comes from their steps, which are served one at a time.
type stage struct {
	mode    string
	server  *proxy.Server // nil without a proxy
	tap     *tap          // nil in modes in which nobody counts refusals
	address string
	renamer *renamer
	stats   rewrite.Stats
	log     lines

	mu          sync.Mutex
	epoch       int64
	fingerprint string
	reloads     int
	reloading   time.Duration
	files       map[string]*fileRecord
	file        *fileRecord // the one that is running
	name        atomic.Pointer[string]
	watchdog    *time.Timer
	served      chan struct{} // closed when the proxy's listener has ended
}

// A fileRecord is what was counted while a file ran.
type fileRecord struct {
	Concerned, Refused    uint64 // statements
	Mispredicts, Unproven uint64
	ParseErrors           uint64
	Took                  time.Duration
	Hung                  bool     `json:",omitempty"`
	Log                   []string `json:",omitempty"`

	began time.Time
	at    [5]uint64 // the counters then
}

// startStage prepares the database and starts what the mode needs. fail is what is to fail in mode control.
func startStage(ctx context.Context, c *pgcluster.Cluster, mode string, renameTables bool, fail []refusal) (*stage, error) {
	s := &stage{mode: mode, address: c.Address(), files: map[string]*fileRecord{}}
	var err error
	if s.renamer, err = newRenamer(ctx, c.URL(database), renameTables); err != nil {
		return nil, err
	}
	switch mode {
	case modeDirect, modeBare:
		return s, nil
	case modeControl:
		return s, s.openTap(append([]refusal{}, fail...))
	}
	cfg := proxy.Config{
		Config:   startup.Config{Upstream: startup.Upstream{Network: "tcp", Address: c.Address(), SSLMode: "disable", Database: database}},
		Versions: proxy.VersionPolicy{SchemaVersion: rules.Base},
		Rewrite:  rewrite.Options{Stats: &s.stats, MatchAll: mode == modeParsed},
		Log:      hclog.New(&hclog.LoggerOptions{Output: &s.log, Level: hclog.Warn, DisableTime: true}),
	}
	if mode == modePassthrough {
		cfg.Versions = proxy.VersionPolicy{}
	} else {
		cfg.SchemaChanged = func(known func()) {
			s.locked(func() { s.reload(ctx) })
			if known != nil {
				known()
			}
		}
	}
	if s.server, err = proxy.New(cfg); err != nil {
		return nil, err
	}
	s.reload(ctx)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.address, s.served = l.Addr().String(), make(chan struct{})
	go func() {
		defer close(s.served)
		_ = s.server.Serve(l)
	}()
	if mode == modeRenamed {
		return s, s.openTap(nil)
	}
	return s, nil
}

// openTap puts a tap before what scripts have talked to until now.
func (s *stage) openTap(fail []refusal) error {
	t, err := openTap(s.address, fail, s.running)
	if err != nil {
		return err
	}
	s.tap, s.address = t, t.listener.Addr().String()
	return nil
}

func (s *stage) locked(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

// take serves one step of a script.
func (s *stage) take(ctx context.Context, step string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name, ok := strings.CutPrefix(step, stepFile); ok {
		if s.mode == modeBare && len(s.files) == 1 { // test_setup has just ended
			s.rename(ctx)
		}
		s.enter(ctx, name)
		return
	}
	if names, ok := strings.CutPrefix(step, stepRelease); ok && s.mode == modeRenamed {
		if err := s.renamer.release(ctx, strings.Split(names, ".")); err != nil {
			s.complain(fmt.Errorf("release: %w", err))
		}
	} else if s.mode == modeRenamed {
		s.rename(ctx)
	}
	s.reload(ctx)
}

func (s *stage) rename(ctx context.Context) {
	if err := s.renamer.rename(ctx); err != nil {
		s.complain(fmt.Errorf("rename: %w", err))
	}
}

// reload has the proxy serve the catalog as it is now. It is called after every DDL, before the client has its answer.
func (s *stage) reload(ctx context.Context) {
	if s.server == nil {
		return
	}
	if s.mode == modePassthrough {
		if s.epoch == 0 {
			s.server.Open(&rules.Snapshot{})
		}
		s.epoch = 1
		return
	}
	began := time.Now()
	fingerprint, err := catalog.Fingerprint(ctx, s.renamer.conn)
	if err != nil {
		s.complain(err)
		return
	}
	if fingerprint == s.fingerprint {
		return
	}
	var snap *rules.Snapshot
	if s.mode == modeParsed {
		snap, err = untouched(ctx, s.renamer, s.epoch+1)
	} else {
		snap, err = s.renamer.snapshot(ctx, s.epoch+1)
	}
	if err != nil {
		s.complain(err)
		return
	}
	s.epoch, s.fingerprint = s.epoch+1, fingerprint
	s.server.Open(snap)
	s.reloads++
	s.reloading += time.Since(began)
}

// untouched is a snapshot with a live rename of a table that is in every database and in no script.
func untouched(ctx context.Context, r *renamer, epoch int64) (*rules.Snapshot, error) {
	cat, err := catalog.Load(ctx, r.conn)
	if err != nil {
		return nil, err
	}
	return rules.Build(epoch, []*rules.Migration{{ID: "elsewhere", Phase: rules.Active, Seq: 1, Operations: []rules.Operation{
		rules.RenameColumn{Table: rules.Name{Schema: "information_schema", Name: "sql_parts"}, From: "comments", To: "remarks"},
	}}}, cat)
}

// complain notes a failure of the harness itself.
func (s *stage) complain(err error) {
	fmt.Fprintf(&s.log, "harness: %v\n", err)
}

// enter begins a file, and ends the one before it.
func (s *stage) enter(ctx context.Context, name string) {
	s.leave()
	if name == "" {
		return
	}
	s.file = &fileRecord{began: time.Now(), at: s.counters()}
	s.files[name] = s.file
	s.name.Store(&name)
	file := s.file
	s.watchdog = time.AfterFunc(patience, func() { s.locked(func() { s.endSessions(ctx, file) }) })
}

func (s *stage) leave() {
	if s.file == nil {
		return
	}
	s.watchdog.Stop()
	f, now := s.file, s.counters()
	f.Concerned, f.Refused, f.Mispredicts = now[0]-f.at[0], now[1]-f.at[1], now[2]-f.at[2]
	f.Unproven, f.ParseErrors = now[3]-f.at[3], now[4]-f.at[4]
	f.Took, f.Log = time.Since(f.began), s.log.take()
	s.file = nil
}

func (s *stage) counters() [5]uint64 {
	return [5]uint64{s.stats.Concerned.Load(), s.stats.Refused.Load(), s.stats.Mispredicts.Load(),
		s.stats.Unproven.Load(), s.stats.ParseErrors.Load()}
}

// endSessions ends the sessions of a file that hangs, so that the run goes on.
func (s *stage) endSessions(ctx context.Context, file *fileRecord) {
	if s.file != file {
		return
	}
	file.Hung = true
	_, err := s.renamer.conn.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = 'regression' AND pid <> pg_backend_pid() AND backend_type = 'client backend'`)
	if err != nil {
		s.complain(err)
	}
}

// running is the name of the file that is running. Safe for concurrent use.
func (s *stage) running() string {
	if name := s.name.Load(); name != nil {
		return *name
	}
	return ""
}

// stop ends the proxy, and returns what was refused.
func (s *stage) stop(ctx context.Context) (refused []refusal) {
	s.locked(s.leave)
	if s.tap != nil {
		s.tap.close()
		refused = s.tap.refused
	}
	if s.server != nil {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = s.server.Shutdown(end)
		<-s.served
		fmt.Fprintf(os.Stderr, "%s: %d snapshots, %s for them, %d tables renamed\n", s.mode, s.reloads, s.reloading.Round(time.Millisecond), s.renamer.renamed)
	}
	s.renamer.conn.Close(context.WithoutCancel(ctx))
	return refused
}

// lines gathers what is written, by lines. Safe for concurrent use.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// take returns what was gathered, and forgets it.
func (l *lines) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := strings.TrimSpace(l.b.String())
	l.b.Reset()
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
