package migrate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// applicationName is that of all control connections.
const applicationName = "segue"

// errReplica is why a server in recovery is not served.
var errReplica = errors.New("the upstream is a replica (it is in recovery); connect to the primary")

// A switchboard makes the control connections of one instance and knows their backends, so that no instance takes them
// for sessions that bypass it. It is safe for concurrent use.
type switchboard struct {
	config *pgxpool.Config

	mu   sync.Mutex
	pids map[uint32]bool
}

// newSwitchboard reads the upstream's connection string. before, which may be nil, may change what a connection is opened with.
func newSwitchboard(upstream string, before func(context.Context, *pgx.ConnConfig) error) (*switchboard, error) {
	cfg, err := pgxpool.ParseConfig(upstream)
	if err != nil {
		return nil, fmt.Errorf("the upstream's connection string is not right: %w", err)
	}
	s := &switchboard{config: cfg, pids: make(map[uint32]bool)}
	for name, value := range map[string]string{
		"application_name": applicationName,
		// Nobody's objects may stand before the ones that are meant (CVE-2025-12819).
		"search_path":     "pg_catalog",
		"client_encoding": "UTF8",
		// What is asked of the catalogs looks dear to the planner and is not: to compile it would take a hundred times as long.
		"jit":                                 "off",
		"default_transaction_isolation":       "read committed",
		"default_transaction_read_only":       "off",
		"lock_timeout":                        "10s",
		"statement_timeout":                   "60s",
		"idle_in_transaction_session_timeout": "10s",
		// The locks of an instance whose machine has gone must not outlive it by hours.
		"tcp_keepalives_idle":     "5",
		"tcp_keepalives_interval": "2",
		"tcp_keepalives_count":    "3",
	} {
		cfg.ConnConfig.RuntimeParams[name] = value
	}
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	}
	cfg.MaxConns, cfg.MinConns, cfg.MaxConnIdleTime = 4, 0, 30*time.Second
	cfg.BeforeConnect = before
	cfg.AfterConnect = func(_ context.Context, conn *pgx.Conn) error { s.note(conn, true); return nil }
	cfg.BeforeClose = func(conn *pgx.Conn) { s.note(conn, false) }
	return s, nil
}

// pool makes the pool for short questions. It connects when it is first used.
func (s *switchboard) pool() (*pgxpool.Pool, error) {
	return pgxpool.NewWithConfig(context.Background(), s.config.Copy())
}

// dial opens one connection outside the pool; hangUp closes it.
func (s *switchboard) dial(ctx context.Context) (*pgx.Conn, error) {
	return s.dialListening(ctx, nil)
}

// dialListening is dial for a connection that will listen: the handler is called with each notification, by whoever reads
// from the connection. Without one they are kept for WaitForNotification.
func (s *switchboard) dialListening(ctx context.Context, handler pgconn.NotificationHandler) (*pgx.Conn, error) {
	cfg := s.config.ConnConfig.Copy()
	cfg.OnNotification = handler
	if s.config.BeforeConnect != nil {
		if err := s.config.BeforeConnect(ctx, cfg); err != nil {
			return nil, fmt.Errorf("cannot reach the upstream: %w", err)
		}
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, unreached(cfg, err)
	}
	s.note(conn, true)
	var replica bool
	if err := conn.QueryRow(ctx, `SELECT pg_catalog.pg_is_in_recovery()`).Scan(&replica); err != nil || replica {
		s.hangUp(conn)
		if err != nil {
			return nil, fmt.Errorf("cannot reach the upstream: %w", err)
		}
		return nil, errReplica
	}
	return conn, nil
}

// hangUp closes a connection that dial has opened, without waiting long for a server that does not answer.
func (s *switchboard) hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s.note(conn, false)
	conn.Close(ctx)
}

func (s *switchboard) note(conn *pgx.Conn, open bool) {
	pid := conn.PgConn().PID()
	s.mu.Lock()
	defer s.mu.Unlock()
	if open {
		s.pids[pid] = true
	} else {
		delete(s.pids, pid)
	}
}

// backends lists the server processes of the control connections that are open now.
func (s *switchboard) backends() []uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	pids := make([]uint32, 0, len(s.pids))
	for pid := range s.pids {
		pids = append(pids, pid)
	}
	return pids
}
