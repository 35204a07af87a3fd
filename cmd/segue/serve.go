package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"

	"github.com/seguedb/segue/internal/pgcluster"
	"github.com/seguedb/segue/internal/serve"
)

func newServe(o *options) *cobra.Command {
	s := &serveFlags{}
	cmd := &cobra.Command{
		Use: "serve", Short: "Serve clients: the proxy and its admin API", Args: takesNone,
		Long: `Serve runs one instance: clients connect to --listen as they would to PostgreSQL, and their own user and database
go to the server of --upstream. The upstream URL's user must own the tables that are to be renamed.

Each flag can also be given as an environment variable (--drain-timeout is SEGUE_DRAIN_TIMEOUT) or in the YAML file of
--config (drain-timeout: 30s). The flag wins over the environment, and that over the file.

On SIGHUP it reads certificates and the auth file again; what is invalid is logged and left as it was.
On SIGTERM or SIGINT it drains: open transactions may end within --drain-timeout, then it exits 0. A second signal ends
it at once.`,
		Example: `  segue serve --upstream postgres://owner@db.example:5432/shop
  segue serve --embedded`,
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			if err := given(cmd.Flags()); err != nil {
				return err
			}
			if err := fillFlags(cmd.Flags(), os.LookupEnv); err != nil {
				return usageError(err)
			}
			cfg, err := s.config(o)
			if err != nil {
				return usageError(err)
			}
			return serveUntilSignal(cmd.Context(), cfg, s.embedded, o)
		}),
	}
	s.register(cmd.Flags())
	onlyOnce(cmd.Flags())
	return cmd
}

// serveUntilSignal serves, and drains on the first signal. A second one ends the process at once.
func serveUntilSignal(ctx context.Context, cfg serve.Config, embedded bool, o *options) error {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	defer reloadOnSignal(cfg)()
	if embedded {
		cluster, err := pgcluster.Start(ctx, pgcluster.Options{})
		if err != nil {
			return fmt.Errorf("the throw-away PostgreSQL could not be started: %w", err)
		}
		defer stopCluster(cluster, cfg.Log)
		cfg.Upstream = cluster.URL("postgres")
		cfg.Log.Info("a throw-away PostgreSQL is running; it is removed at the end", "url", cfg.Upstream)
	}
	starting, cancel := context.WithCancel(ctx)
	defer cancel()
	type started struct {
		instance *serve.Running
		err      error
	}
	result := make(chan started, 1)
	go func() {
		r, err := serve.Start(starting, cfg)
		result <- started{r, err}
	}()
	var instance *serve.Running
	select {
	case <-signals:
		cancel()
		if s := <-result; s.instance != nil {
			return drain(s.instance, cfg, signals)
		}
		return nil
	case s := <-result:
		if s.err != nil {
			return s.err
		}
		instance = s.instance
	}
	cfg.Log.Info("serving", "clients", instance.Addr(), "admin", instance.AdminURL(), "version", program())
	select {
	case sig := <-signals:
		cfg.Log.Info("draining", "signal", sig.String(), "timeout", cfg.Proxy.DrainTimeout.String())
		return drain(instance, cfg, signals)
	case <-instance.Failed():
		return errors.Join(errors.New("a listener has ended"), drain(instance, cfg, signals))
	}
}

// reloadOnSignal reads certificates and the auth file again at each SIGHUP, which never ends the process: not while it
// starts, and not while it drains. The function that it returns ends that.
func reloadOnSignal(cfg serve.Config) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range signals {
			if err := cfg.Secrets.Reload(); err != nil {
				cfg.Log.Error("not all could be read again, what was in force stays", "error", err)
			} else {
				cfg.Log.Info("certificates and the auth file were read again")
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
		<-done
	}
}

// stopGrace is what the parts have to end in after the sessions are gone.
const stopGrace = 10 * time.Second

// drain lets transactions end. A signal meanwhile cuts that short.
func drain(instance *serve.Running, cfg serve.Config, signals <-chan os.Signal) error {
	ctx, cancel := context.WithTimeout(context.Background(), cfg.Proxy.DrainTimeout+stopGrace)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- instance.Stop(ctx) }()
	select {
	case err := <-stopped:
		return err
	case <-signals:
		return errors.New("ended at once by a second signal: open transactions were cut off")
	}
}

func stopCluster(c *pgcluster.Cluster, log hclog.Logger) {
	if err := c.Stop(); err != nil {
		log.Warn("the throw-away PostgreSQL is not gone", "error", err)
	}
}
