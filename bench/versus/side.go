package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgcluster"
)

// A side is one way from pgbench to the server.
type side struct {
	Name     string `json:"name"`
	address  string
	database string
	options  string   // PGOPTIONS
	pid      int      // of the proxy; 0: there is none
	tls      bool     // between pgbench and the proxy
	args     []string // of `segue serve`, besides
	unfit    func(combination) string
}

// sslmode is that of libpq for it. Nobody's certificate is checked.
func (s *side) sslmode() string {
	if s.tls {
		return "require"
	}
	return "disable"
}

// cpu is what the proxy's process has used until now.
func (s *side) cpu() (time.Duration, error) {
	if s.pid == 0 {
		return 0, nil
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.pid))
	if err != nil {
		return 0, err
	}
	// The second field is a name in parentheses, which may have blanks in it.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var ticks int64
	for _, n := range []int{11, 12} { // utime and stime of proc(5), which counts from 1 and has two fields before
		v, err := strconv.ParseInt(fields[n], 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += v
	}
	return time.Duration(ticks) * (time.Second / 100), nil // USER_HZ is 100 on every Linux
}

// A stage is the server and all the ways to it.
type stage struct {
	cluster *pgcluster.Cluster
	sides   []*side
	closers []func() error

	cert, key string // files, of the proxies that are met with TLS
}

func (st *stage) close() error {
	var err error
	for i := len(st.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, st.closers[i]())
	}
	return err
}

const (
	plain   = "plain"   // pgbench's tables as they are
	renamed = "renamed" // the same, with a rename that each of pgbench's statements hits
	changed = "changed" // the same, with a change of type that each of pgbench's statements hits
	viewed  = "viewed"  // pgbench's names are views of tables with other names of columns
)

// build starts the server and every side. scale is pgbench's; as many idle connections must find room as idle says.
func build(ctx context.Context, scale, idle int) (*stage, error) {
	st := &stage{}
	if err := st.build(ctx, scale, idle); err != nil {
		return nil, errors.Join(err, st.close())
	}
	return st, nil
}

func (st *stage) build(ctx context.Context, scale, idle int) (err error) {
	st.cluster, err = pgcluster.Start(ctx, pgcluster.Options{Settings: map[string]string{
		"max_connections": strconv.Itoa(300 + idle), "shared_buffers": "256MB", "synchronous_commit": "off",
	}})
	if err != nil {
		return err
	}
	st.closers = append(st.closers, st.cluster.Stop)
	if err := st.certify(); err != nil {
		return err
	}
	for _, name := range []string{plain, renamed, changed, viewed} {
		if err := st.fill(ctx, name, scale); err != nil {
			return err
		}
	}
	st.sides = append(st.sides, &side{Name: "direct", address: st.cluster.Address(), database: plain})
	for _, add := range []func(context.Context) error{st.anchor, st.pgbouncer, st.segue, st.view} {
		if err := add(ctx); err != nil {
			return err
		}
	}
	return nil
}

// certify makes a certificate for the proxies.
func (st *stage) certify() error {
	dir, err := os.MkdirTemp("", "segue-versus-certificate-")
	if err != nil {
		return err
	}
	st.closers = append(st.closers, func() error { return os.RemoveAll(dir) })
	authority, err := pgcluster.NewAuthority()
	if err != nil {
		return err
	}
	cert, key, err := authority.Issue("localhost")
	if err != nil {
		return err
	}
	st.cert, st.key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	return errors.Join(os.Chmod(dir, 0o755), os.WriteFile(st.cert, cert, 0o644), os.WriteFile(st.key, key, 0o644)) // PgBouncer runs as another user
}

func (st *stage) fill(ctx context.Context, name string, scale int) error {
	if err := st.exec(ctx, "postgres", "CREATE DATABASE "+name); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, filepath.Join(st.cluster.Bin, "pgbench"), "-i", "-q", "-s", strconv.Itoa(scale), st.cluster.URL(name)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("pgbench -i: %w\n%s", err, out)
	}
	return nil
}

func (st *stage) exec(ctx context.Context, database, sql string) error {
	conn, err := pgx.Connect(ctx, st.cluster.URL(database))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

// start runs a program beside this one, which ends with the stage.
func (st *stage) start(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	st.closers = append(st.closers, func() error {
		err := cmd.Process.Signal(os.Interrupt)
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			err = errors.Join(err, cmd.Process.Kill())
			<-ended
		}
		return err
	})
	return nil
}

// anchor starts this program once more, as the proxy that passes bytes on.
func (st *stage) anchor(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, "anchor", "127.0.0.1:0", st.cluster.Address())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := st.start(cmd); err != nil {
		return err
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the anchor does not say where it listens: %w", err)
	}
	st.sides = append(st.sides, &side{Name: "anchor", address: strings.TrimSpace(address), database: plain, pid: cmd.Process.Pid})
	return nil
}

// view is what other tools do for a rename: views with the old names before the tables.
func (st *stage) view(ctx context.Context) error {
	var sql strings.Builder
	for table, column := range map[string]string{"accounts": "abalance", "tellers": "tbalance", "branches": "bbalance", "history": "delta"} {
		others := map[string]string{"accounts": "aid, bid, filler", "tellers": "tid, bid, filler", "branches": "bid, filler", "history": "tid, bid, aid, mtime, filler"}[table]
		fmt.Fprintf(&sql, `CREATE SCHEMA IF NOT EXISTS kept; ALTER TABLE pgbench_%[1]s SET SCHEMA kept; ALTER TABLE kept.pgbench_%[1]s RENAME COLUMN %[2]s TO balance;
			CREATE VIEW pgbench_%[1]s AS SELECT %[3]s, balance AS %[2]s FROM kept.pgbench_%[1]s;`, table, column, others)
	}
	if err := st.exec(ctx, viewed, sql.String()); err != nil {
		return err
	}
	st.sides = append(st.sides, &side{Name: "views, direct", address: st.cluster.Address(), database: viewed})
	return nil
}

// reachable waits until somebody accepts connections there.
func reachable(ctx context.Context, address string) error {
	return eventually(ctx, func() error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// ready waits until the probe says that it is.
func ready(ctx context.Context, probe string) error {
	return eventually(ctx, func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, probe, nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		if answer.StatusCode != http.StatusOK {
			err = errors.New(answer.Status)
		}
		return errors.Join(err, answer.Body.Close())
	})
}

// eventually tries until it is done, for a minute.
func eventually(ctx context.Context, try func() error) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); ; {
		err := try()
		if err == nil || time.Now().After(end) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
	}
}
