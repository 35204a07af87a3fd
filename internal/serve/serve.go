package serve

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/proxy"
	"github.com/seguedb/segue/rewrite"
)

// Config of one instance.
type Config struct {
	Upstream    string // connection string of the owner of the tables
	Listen      string // address for clients, host:port
	AdminListen string // address of the admin API, host:port; empty: none

	// MetricsListen is an address, host:port, of probes and metrics alone, without a token; empty: none.
	MetricsListen string
	// Secrets are used for clients and for the server; nil: none.
	Secrets *Secrets
	// PasswordCommand prints the password of Upstream's user; it is run for each connection of the instance's own. Empty: none.
	PasswordCommand string

	// The parts are used as they are configured, but for what follows from Upstream and from each other, which is
	// filled in here: Proxy.Upstream, Proxy.MaxConnections where it is 0, Proxy.SchemaChanged, Proxy.Heirs, Proxy.SearchPath,
	// Proxy.CatchUp, Proxy.Progress, Migrate.Upstream and Admin.Control. What the proxy
	// and the rewriter count is shown beside Admin.Collectors. Each part gets Log where it has none of its own.
	Proxy   proxy.Config
	Migrate migrate.Config
	Admin   admin.Config
	Log     hclog.Logger
}

// Running is an instance at work. Its methods are safe for concurrent use.
type Running struct {
	Instance *migrate.Instance
	Proxy    *proxy.Server

	opening  *opening
	listener net.Listener
	probes   net.Listener
	metrics  net.Listener
	admin    *admin.Server
	group    *errgroup.Group
	failed   <-chan struct{}
}

// Start binds the listeners, starts the instance and serves. It returns when clients are served, or with the reason why
// not; then nothing is left running. A server that cannot be reached is tried again until ctx ends: meanwhile the admin
// API answers that the instance is not ready, and clients get 08006 with the reason, because as long as no snapshot was
// read nobody knows which of their statements matter.
func Start(ctx context.Context, cfg Config) (*Running, error) {
	if cfg.Log == nil {
		cfg.Log = hclog.NewNullLogger()
	}
	r := &Running{opening: newOpening()}
	if err := r.build(cfg); err != nil {
		return nil, err
	}
	if err := r.listen(cfg); err != nil {
		return nil, errors.Join(err, r.unlisten())
	}
	group, ended := errgroup.WithContext(context.Background())
	r.group, r.failed = group, ended.Done()
	if r.probes != nil {
		group.Go(func() error { return r.admin.Serve(r.probes) })
	}
	if r.metrics != nil {
		group.Go(func() error { return r.admin.ServeMetrics(r.metrics) })
	}
	group.Go(func() error { return r.Proxy.Serve(r.listener) })
	if err := startInstance(ctx, r.Instance, r.opening, cfg.Log); err != nil {
		stop := context.WithoutCancel(ctx)
		return nil, errors.Join(err, r.Proxy.Shutdown(stop), r.Instance.Stop(stop), r.stopAdmin(stop), r.unlisten(), group.Wait())
	}
	return r, nil
}

// build makes the parts and ties each to the others.
func (r *Running) build(cfg Config) (err error) {
	pc, mc, ac := cfg.Proxy, cfg.Migrate, cfg.Admin
	if pc.Upstream, err = Upstream(cfg.Upstream); err != nil {
		return err
	}
	for name, log := range map[string]*hclog.Logger{"proxy": &pc.Log, "migrate": &mc.Log, "admin": &ac.Log} {
		if *log == nil {
			*log = cfg.Log.Named(name)
		}
	}
	if pc.Rewrite.Stats == nil {
		pc.Rewrite.Stats = new(rewrite.Stats)
	}
	// The proxy serves nobody before r.Instance is set.
	pc.SchemaChanged = func(known func()) { r.Instance.RefreshThen(known) }
	pc.Heirs = func(ctx context.Context, pid uint32, relations, tables []catalog.OID) (bool, error) {
		return r.Instance.Heirs(ctx, pid, relations, tables)
	}
	pc.SearchPath = func(ctx context.Context, role, setting string) ([]string, error) {
		return r.Instance.SearchPath(ctx, role, setting)
	}
	pc.CatchUp = func(ctx context.Context) error { return r.Instance.CatchUp(ctx) }
	pc.Progress = func(version string) string {
		if p := r.Instance.Backfills()[version]; p != nil {
			return p.String()
		}
		return ""
	}
	pc.Unserved = r.opening.unserved
	if cfg.Secrets == nil {
		cfg.Secrets = new(Secrets)
	}
	cfg.Secrets.configure(&pc)
	if pc.MaxUnauthenticated == 0 {
		pc.MaxUnauthenticated = DefaultMaxUnauthenticated
	}
	if pc.MaxConnections, err = connectionLimit(pc.MaxConnections, pc.MaxUnauthenticated, openFiles()); err != nil {
		return err
	}
	if r.Proxy, err = proxy.New(pc); err != nil {
		return err
	}
	cfg.Secrets.attach(r.Proxy, cfg.Upstream)
	mc.Upstream, mc.BeforeConnect = cfg.Upstream, cfg.Secrets.identify(passwordCommand(cfg.PasswordCommand))
	if r.Instance, err = migrate.NewInstance(mc, r.Proxy); err != nil {
		return err
	}
	ac.Control = r.Instance
	ac.Rewrite = pc.Rewrite
	ac.Collectors = slices.Concat(ac.Collectors, []prometheus.Collector{r.Proxy.Collector()}, rewriteMetrics(pc.Rewrite.Stats))
	r.admin, err = admin.New(ac)
	return err
}

// listen binds the addresses.
func (r *Running) listen(cfg Config) (err error) {
	if r.listener, err = net.Listen("tcp", cfg.Listen); err != nil {
		return &listenError{"for clients", "--listen", cfg.Listen, err}
	}
	if cfg.AdminListen != "" {
		if r.probes, err = net.Listen("tcp", cfg.AdminListen); err != nil {
			return &listenError{"for the admin API", "--admin-listen", cfg.AdminListen, err}
		}
	}
	if cfg.MetricsListen != "" {
		if r.metrics, err = net.Listen("tcp", cfg.MetricsListen); err != nil {
			return &listenError{"for metrics", "--metrics-listen", cfg.MetricsListen, err}
		}
	}
	return nil
}

// Addr is the address that clients connect to.
func (r *Running) Addr() string { return r.listener.Addr().String() }

// AdminURL is the base URL of the admin API, or "" when there is none.
func (r *Running) AdminURL() string {
	if r.probes == nil {
		return ""
	}
	return "http://" + r.probes.Addr().String()
}

// MetricsURL is the base URL of the metrics and probes that need no token, or "" when there are none.
func (r *Running) MetricsURL() string {
	if r.metrics == nil {
		return ""
	}
	return "http://" + r.metrics.Addr().String()
}

// Failed is closed when a listener has ended by itself: the instance serves no longer as it should, and Stop tells why.
func (r *Running) Failed() <-chan struct{} { return r.failed }

// DefaultMaxUnauthenticated is how many connections that have not authenticated there may be where nothing else is
// configured.
const DefaultMaxUnauthenticated = 100

// stopGrace is what the instance and the admin API have to end in after the sessions are gone.
const stopGrace = 10 * time.Second

// Stop drains: no new client is accepted, transactions may end within the drain timeout or until ctx ends, then the
// instance leaves the fleet and the admin API closes. It returns what failed, also before Stop.
func (r *Running) Stop(ctx context.Context) error {
	r.admin.Drain()
	errs := []error{r.Proxy.Shutdown(ctx)}
	// What is left has to be done also when the time for draining has been used up.
	rest, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	errs = append(errs, r.Instance.Stop(rest), r.stopAdmin(rest), r.unlisten(), r.group.Wait())
	return errors.Join(errs...)
}

func (r *Running) stopAdmin(ctx context.Context) error {
	if r.probes == nil && r.metrics == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return r.admin.Shutdown(ctx)
}

// unlisten closes the listeners, where those who serve them have not done it.
func (r *Running) unlisten() error {
	var errs []error
	for _, l := range []net.Listener{r.listener, r.probes, r.metrics} {
		if l == nil {
			continue
		}
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
