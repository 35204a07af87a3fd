// Package pgcluster runs throw-away PostgreSQL clusters on loopback, for the demo, for `segue serve --embedded` and for
// tests. Nothing in them is meant to last: fsync is off, and Stop removes the data.
package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Options of a cluster; the zero value is a trusting one without TLS.
type Options struct {
	Superuser string            // default "postgres"
	Settings  map[string]string // added to postgresql.conf
	HBA       []string          // the lines of pg_hba.conf; default: everybody on loopback is trusted
	TLS       bool              // server certificate for localhost and 127.0.0.1, signed by the authority in CAFile
}

// A Cluster is a running PostgreSQL server. Its methods must not be called concurrently with Stop and Restart.
type Cluster struct {
	Bin       string // folder of the server's binaries
	Dir       string // holds data, log and certificates
	Major     int    // the server's major version, such as 15
	Port      int
	Superuser string
	CAFile    string // certificate of the authority, when TLS was asked for

	account *account
	server  *process
}

// Start makes a cluster and waits until it accepts connections. The server ends with this process at the latest.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	bin, err := BinOrInstall(ctx)
	if err != nil {
		return nil, err
	}
	acct, err := serverAccount()
	if err != nil {
		return nil, err
	}
	if o.Superuser == "" {
		o.Superuser = "postgres"
	}
	dir, err := os.MkdirTemp("", "segue-pg-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{Bin: bin, Dir: dir, Superuser: o.Superuser, account: acct}
	if err := c.create(ctx, o); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := c.launch(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return c, nil
}

// create runs initdb and writes the configuration.
func (c *Cluster) create(ctx context.Context, o Options) error {
	if err := c.account.own(c.Dir); err != nil {
		return err
	}
	cmd := c.account.command(ctx, filepath.Join(c.Bin, "initdb"), "-D", c.data(), "-U", o.Superuser, "-A", "trust",
		"-E", "UTF8", "--locale=C.UTF-8", "--no-sync") // --no-instructions is of version 14
	cmd.Dir = c.Dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	version, err := os.ReadFile(filepath.Join(c.data(), "PG_VERSION"))
	if err != nil {
		return err
	}
	if c.Major, err = strconv.Atoi(strings.TrimSpace(string(version))); err != nil {
		return fmt.Errorf("PG_VERSION: %w", err)
	}
	settings := map[string]string{
		"listen_addresses": "127.0.0.1", "unix_socket_directories": c.Dir,
		"fsync": "off", "full_page_writes": "off",
		"max_connections": "200", "max_prepared_transactions": "10", "logging_collector": "off",
		"timezone": "UTC", "log_timezone": "UTC",
	}
	if o.TLS {
		if err := c.certify(); err != nil {
			return err
		}
		settings["ssl"] = "on"
		settings["ssl_cert_file"] = filepath.Join(c.Dir, "server.crt")
		settings["ssl_key_file"] = filepath.Join(c.Dir, "server.key")
	}
	for k, v := range o.Settings {
		settings[k] = v
	}
	var conf strings.Builder
	for k, v := range settings {
		fmt.Fprintf(&conf, "%s = '%s'\n", k, strings.ReplaceAll(v, "'", "''"))
	}
	if err := c.account.write(filepath.Join(c.data(), "postgresql.auto.conf"), conf.String()); err != nil {
		return err
	}
	if o.HBA == nil {
		o.HBA = []string{"host all all 127.0.0.1/32 trust", "local all all trust", "host replication all 127.0.0.1/32 trust"}
	}
	return c.SetHBA(o.HBA)
}

// SetHBA replaces pg_hba.conf; a running server must be told with pg_reload_conf().
func (c *Cluster) SetHBA(lines []string) error {
	return c.account.write(filepath.Join(c.data(), "pg_hba.conf"), strings.Join(lines, "\n")+"\n")
}

// launch starts the server on a free port. The port can be taken by somebody else between the look and the bind, so it
// is tried again with another one, unless the cluster had a port already.
func (c *Cluster) launch(ctx context.Context) error {
	fixed := c.Port != 0
	var err error
	for range 5 {
		if !fixed {
			if c.Port, err = FreePort(); err != nil {
				return err
			}
		}
		if c.server, err = c.account.start(c.logFile(), filepath.Join(c.Bin, "postgres"), "-D", c.data(), "-p", strconv.Itoa(c.Port)); err != nil {
			return err
		}
		if err = c.waitReady(ctx); err == nil {
			return nil
		}
		c.server.stop()
		if ctx.Err() != nil {
			return err
		}
	}
	return err
}

// waitReady waits until the server has bound its port and accepts connections. It does not try with a connection, which
// would be to another server if that has taken the port.
func (c *Cluster) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if c.saysReady() {
			return nil
		}
		select {
		case <-c.server.done:
			log, _ := os.ReadFile(c.logFile())
			return fmt.Errorf("postgres ended at once: %w\n%s", c.server.err, log)
		case <-ctx.Done():
			return fmt.Errorf("postgres does not become ready: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// saysReady reads the status that the server writes into postmaster.pid, as wait_for_postmaster_start of pg_ctl does: the
// first line is its process, the eighth (LOCK_FILE_LINE_PM_STATUS) its status.
func (c *Cluster) saysReady() bool {
	text, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	if err != nil {
		return false
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 8 || strings.TrimSpace(lines[0]) != strconv.Itoa(c.server.cmd.Process.Pid) {
		return false
	}
	status := strings.TrimSpace(lines[7])
	return status == "ready" || status == "standby"
}

// URL is a connection string for the superuser and that database, over TCP.
func (c *Cluster) URL(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.User(c.Superuser), Path: "/" + database,
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port)), RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Address is host:port of the server.
func (c *Cluster) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port)) }

// Log is what the server has written to its log so far.
func (c *Cluster) Log() (string, error) {
	b, err := os.ReadFile(c.logFile())
	return string(b), err
}

// Command is a command that runs as the account that the server runs as.
func (c *Cluster) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return c.account.command(ctx, name, args...)
}

// Own gives a file or folder to the account that the server runs as.
func (c *Cluster) Own(path string) error { return c.account.own(path) }

// Halt ends the server at once, as a crash of the whole server would, and keeps the data.
func (c *Cluster) Halt() { c.server.stop() }

// Resume starts the server again on the same port after Halt.
func (c *Cluster) Resume(ctx context.Context) error { return c.launch(ctx) }

// Stop ends the server and removes its data.
func (c *Cluster) Stop() error {
	c.server.stop()
	return os.RemoveAll(c.Dir)
}

func (c *Cluster) data() string    { return filepath.Join(c.Dir, "data") }
func (c *Cluster) logFile() string { return filepath.Join(c.Dir, "log") }

// The ports that FreePort chooses from. Systems choose theirs, for whoever asks for any port and for the near end of
// connections, from higher ones: so the port stays free until it is bound, but for another call of FreePort.
const firstPort, lastPort = 10_000, 32_000

// FreePort returns a port of 127.0.0.1 that nobody listens on.
func FreePort() (int, error) {
	var err error
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	return 0, err
}
