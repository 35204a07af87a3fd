package proxy

import (
	"context"
	"net"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// A Server accepts clients and opens one server connection for each. It implements migrate.Traffic: until the first
// Open or Suspend it serves as if nothing were live. All methods are safe for concurrent use.
type Server struct{}

// New checks the configuration and makes a server that does not listen yet.
func New(cfg Config) (*Server, error) { panic("being built") }

// Serve accepts on l until Shutdown, and then returns nil. It may be called for several listeners.
func (s *Server) Serve(l net.Listener) error { panic("being built") }

// Shutdown stops accepting, lets open transactions finish within DrainTimeout or ctx, whichever ends first, closes
// idle sessions and then the rest with 57P01, and returns when the last one is gone.
func (s *Server) Shutdown(ctx context.Context) error { panic("being built") }

// Hold implements migrate.Traffic.
func (s *Server) Hold(ctx context.Context, tables []catalog.OID, holdsLock migrate.HoldsLock) error {
	panic("being built")
}

// Open implements migrate.Traffic.
func (s *Server) Open(snap *rules.Snapshot) { panic("being built") }

// Suspend implements migrate.Traffic.
func (s *Server) Suspend() { panic("being built") }

// Sessions implements migrate.Traffic.
func (s *Server) Sessions() []migrate.SessionInfo { panic("being built") }

// Uses implements migrate.Traffic.
func (s *Server) Uses() []migrate.UseCount { panic("being built") }

var _ migrate.Traffic = (*Server)(nil)
