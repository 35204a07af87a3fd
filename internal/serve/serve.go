package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sync/errgroup"

	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/proxy"
)

// Config of one instance.
type Config struct {
	Upstream    string // connection string of the owner of the tables
	Listen      string // address for clients, host:port
	AdminListen string // address of the admin API, host:port; empty: none

	// Proxy and Migrate are used as they are, but for what follows from Upstream and from each other: Proxy.Upstream,
	// Proxy.SchemaChanged and Migrate.Upstream are filled in here, and both get Log where they have none.
	Proxy   proxy.Config
	Migrate migrate.Config

	// Admin makes the handler of the admin API; it is called once, after the instance has started.
	Admin func(*migrate.Instance, *proxy.Server) (http.Handler, error)
	Log   hclog.Logger
}

// Running is an instance at work. Its methods are safe for concurrent use.
type Running struct {
	Instance *migrate.Instance
	Proxy    *proxy.Server

	listener net.Listener
	admin    net.Listener
	http     *http.Server
	group    *errgroup.Group
	failed   <-chan struct{}
}

// Start binds the listeners, starts the instance and serves. It returns when clients are served, or with the reason why
// not; then nothing is left running. A server that cannot be reached is tried again until ctx ends: clients that
// connect before the first snapshot was read wait in the listener's queue, because what they name is not known yet.
func Start(ctx context.Context, cfg Config) (_ *Running, err error) {
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	r := &Running{}
	defer func() {
		if err != nil {
			r.unlisten()
		}
	}()
	if r.listener, err = net.Listen("tcp", cfg.Listen); err != nil {
		return nil, fmt.Errorf("cannot listen for clients: %w", err)
	}
	if cfg.AdminListen != "" {
		if r.admin, err = net.Listen("tcp", cfg.AdminListen); err != nil {
			return nil, fmt.Errorf("cannot listen for the admin API: %w", err)
		}
	}
	if err := r.build(cfg); err != nil {
		return nil, err
	}
	if err := startInstance(ctx, r.Instance, cfg.Log); err != nil {
		return nil, err
	}
	if err := r.serve(cfg); err != nil {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return nil, errors.Join(err, r.Instance.Stop(stop))
	}
	return r, nil
}

// build makes the proxy and the instance and ties each to the other.
func (r *Running) build(cfg Config) (err error) {
	pc, mc := cfg.Proxy, cfg.Migrate
	if pc.Upstream, err = Upstream(cfg.Upstream); err != nil {
		return err
	}
	if pc.Log == nil {
		pc.Log = cfg.Log.Named("proxy")
	}
	if mc.Log == nil {
		mc.Log = cfg.Log.Named("migrate")
	}
	// The proxy serves nobody before r.Instance is set.
	pc.SchemaChanged = func() { r.Instance.Refresh() }
	mc.Upstream = cfg.Upstream
	if r.Proxy, err = proxy.New(pc); err != nil {
		return err
	}
	r.Instance, err = migrate.NewInstance(mc, r.Proxy)
	return err
}

// serve lets clients and the admin API in.
func (r *Running) serve(cfg Config) error {
	if r.admin != nil {
		handler, err := cfg.Admin(r.Instance, r.Proxy)
		if err != nil {
			return err
		}
		r.http = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	}
	group, ended := errgroup.WithContext(context.Background())
	r.group, r.failed = group, ended.Done()
	group.Go(func() error { return r.Proxy.Serve(r.listener) })
	if r.http != nil {
		group.Go(func() error {
			if err := r.http.Serve(r.admin); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("the admin API has ended: %w", err)
			}
			return nil
		})
	}
	return nil
}

// Addr is the address that clients connect to.
func (r *Running) Addr() string { return r.listener.Addr().String() }

// AdminURL is the base URL of the admin API, or "" when there is none.
func (r *Running) AdminURL() string {
	if r.admin == nil {
		return ""
	}
	return "http://" + r.admin.Addr().String()
}

// Failed is closed when a listener has ended by itself: the instance serves no longer as it should, and Stop tells why.
func (r *Running) Failed() <-chan struct{} { return r.failed }

// Stop drains: no new client is accepted, transactions may end within the drain timeout or until ctx ends, then the
// instance leaves the fleet and the admin API closes. It returns the first failure, also one that came before Stop.
func (r *Running) Stop(ctx context.Context) error {
	err := r.Proxy.Shutdown(ctx)
	// What is left has to be done also when the time for draining has been used up.
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = errors.Join(err, r.Instance.Stop(rest))
	if r.http != nil {
		// Event streams last as long as their readers want, so there is nothing to wait for.
		err = errors.Join(err, r.http.Close())
	}
	r.unlisten()
	return errors.Join(r.group.Wait(), err)
}

// unlisten closes the listeners, where nobody has done it yet.
func (r *Running) unlisten() {
	for _, l := range []net.Listener{r.listener, r.admin} {
		if l != nil {
			l.Close()
		}
	}
}
