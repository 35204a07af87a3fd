package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/seguedb/segue/internal/pgcluster"
)

// pgbouncer starts it in both of the modes that are used, and once with TLS.
func (st *stage) pgbouncer(ctx context.Context) error {
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/pgbouncer"); err != nil {
			return fmt.Errorf("%w: apt-get install --no-install-recommends pgbouncer", err)
		}
	}
	for _, start := range []struct {
		s    *side
		mode string
	}{
		{&side{Name: reference}, "session"},
		{&side{Name: "PgBouncer, transaction", unfit: func(c combination) string {
			if c.Mode == "prepared" {
				return "no prepared statements in this mode before 1.21"
			}
			return ""
		}}, "transaction"},
		{&side{Name: referenceTLS, tls: true}, "session"},
	} {
		if err := st.pgbouncerIn(ctx, program, start.mode, start.s); err != nil {
			return err
		}
	}
	return nil
}

func (st *stage) pgbouncerIn(ctx context.Context, program, mode string, s *side) error {
	port, err := pgcluster.FreePort()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "segue-versus-pgbouncer-")
	if err != nil {
		return err
	}
	st.closers = append(st.closers, func() error { return os.RemoveAll(dir) })
	users, config := filepath.Join(dir, "users"), filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf(`[databases]
* = host=127.0.0.1 port=%d
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = trust
auth_file = %s
pool_mode = %s
default_pool_size = 200
max_client_conn = 6000
ignore_startup_parameters = extra_float_digits,options
`, st.cluster.Port, port, users, mode)
	if s.tls {
		text += fmt.Sprintf("client_tls_sslmode = require\nclient_tls_cert_file = %s\nclient_tls_key_file = %s\n", st.cert, st.key)
	}
	err = errors.Join(os.WriteFile(users, []byte(`"postgres" ""`+"\n"), 0o644), os.WriteFile(config, []byte(text), 0o644), os.Chmod(dir, 0o755))
	if err != nil {
		return err
	}
	cmd := st.cluster.Command(ctx, program, "-q", config) // it refuses to run as root, as the server does
	if err := st.start(cmd); err != nil {
		return err
	}
	s.address, s.database, s.pid = net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), plain, cmd.Process.Pid
	if err := reachable(ctx, s.address); err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	st.sides = append(st.sides, s)
	return nil
}
