package main

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/hashicorp/go-hclog"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/internal/serve"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/proxy"
	"github.com/seguedb/segue/proxy/startup"
	"github.com/seguedb/segue/rewrite"
)

// config checks the settings and puts them where they belong. Every error is the user's.
func (s *serveFlags) config(o *options) (serve.Config, error) {
	var none serve.Config
	if err := s.check(); err != nil {
		return none, err
	}
	log, err := s.logger(o)
	if err != nil {
		return none, err
	}
	pc, err := s.proxy()
	if err != nil {
		return none, err
	}
	secrets, err := serve.ReadSecrets(serve.Files{
		TLSCert: s.tlsCert, TLSKey: s.tlsKey, RelayCert: s.relayCert, RelayKey: s.relayKey, AuthFile: s.authFile,
	})
	if err != nil {
		return none, err
	}
	ac, err := s.admin(o, pc.Versions)
	if err != nil {
		return none, err
	}
	return serve.Config{
		Upstream: s.upstream, Listen: s.listen, AdminListen: s.adminListen,
		MetricsListen: s.metricsListen, Secrets: secrets, PasswordCommand: s.passwordCommand,
		Proxy: pc, Admin: ac, Log: log,
		Migrate: migrate.Config{ID: s.instanceID, DrainLimit: s.drainLimit, Lease: s.lease, Throttle: s.throttle, DeferredRetry: s.deferredRetry},
	}, nil
}

// check refuses settings that cannot be meant together.
func (s *serveFlags) check() error {
	switch {
	case s.embedded && s.upstream != "":
		return errors.New("--embedded starts a server of its own, so --upstream cannot be given with it")
	case !s.embedded && s.upstream == "":
		return errors.New("--upstream is missing: give the server's URL, or --embedded for a throw-away one")
	case (s.tlsCert == "") != (s.tlsKey == ""):
		return errors.New("--tls-cert and --tls-key go together")
	case (s.relayCert == "") != (s.relayKey == ""):
		return errors.New("--relay-sslcert and --relay-sslkey go together")
	case s.embedded && s.passwordCommand != "":
		return errors.New("--upstream-password-command is for --upstream, and the server of --embedded demands no password")
	case s.maxConnections < 0:
		return errors.New("--max-connections cannot be negative")
	case s.maxStatementSize <= 0:
		return errors.New("--max-statement-size must be more than 0")
	case s.loops < 0:
		return errors.New("--loops cannot be negative")
	case s.maxUnauthenticated <= 0:
		return errors.New("--max-unauthenticated must be more than 0")
	}
	for name, d := range map[string]int64{
		"drain-timeout": int64(s.drainTimeout), "drain-limit": int64(s.drainLimit),
		"hold-timeout": int64(s.holdTimeout), "lease": int64(s.lease), "authentication-timeout": int64(s.authenticationTimeout),
		"bind-cpu": int64(s.bindCPU),
	} {
		if d <= 0 {
			return fmt.Errorf("--%s must be more than 0", name)
		}
	}
	if s.embedded {
		return nil
	}
	_, err := serve.Upstream(s.upstream)
	return err
}

func (s *serveFlags) logger(o *options) (hclog.Logger, error) {
	level := hclog.LevelFromString(s.logLevel)
	if level == hclog.NoLevel || level == hclog.Off {
		return nil, fmt.Errorf("--log-level cannot be %q: give trace, debug, info, warn or error", s.logLevel)
	}
	if s.logFormat != "text" && s.logFormat != "json" {
		return nil, fmt.Errorf("--log-format cannot be %q: give text or json", s.logFormat)
	}
	return hclog.New(&hclog.LoggerOptions{
		Name: "segue", Level: level, Output: o.err, JSONFormat: s.logFormat == "json",
	}), nil
}

func (s *serveFlags) proxy() (proxy.Config, error) {
	versions, err := s.versions()
	if err != nil {
		return proxy.Config{}, err
	}
	cfg := proxy.Config{
		Config: startup.Config{
			AllowUnauthenticated: s.allowUnauthenticated, MaxConnections: s.maxConnections,
			MaxUnauthenticated: s.maxUnauthenticated, AuthenticationTimeout: s.authenticationTimeout,
		},
		Versions: versions, DrainTimeout: s.drainTimeout, HoldTimeout: s.holdTimeout,
	}
	cfg.Loops = s.loops
	cfg.Rewrite.BindCPU, cfg.Rewrite.MaxBytes = s.bindCPU, s.maxStatementSize
	switch s.introspection {
	case "on":
	case "off":
		cfg.Rewrite.PlainCatalogs = true
	default:
		return cfg, fmt.Errorf("--introspection cannot be %q: give on or off", s.introspection)
	}
	return cfg, nil
}

func (s *serveFlags) versions() (proxy.VersionPolicy, error) {
	p := proxy.VersionPolicy{SchemaVersion: s.schemaVersion, Default: s.defaultVersion}
	switch s.unpinned {
	case "auto":
		p.Unpinned = rewrite.UnpinnedAuto
	case "default":
		p.Unpinned = rewrite.UnpinnedDefault
	case "refuse":
		p.Unpinned = rewrite.UnpinnedRefuse
	default:
		return p, fmt.Errorf("--unpinned cannot be %q: give auto, default or refuse", s.unpinned)
	}
	for _, text := range s.match {
		m, err := parseMatch(text)
		if err != nil {
			return p, err
		}
		p.Match = append(p.Match, m)
	}
	return p, nil
}

// parseMatch reads key=value pairs with commas between.
func parseMatch(text string) (m proxy.VersionMatch, err error) {
	fields := map[string]*string{"user": &m.User, "application_name": &m.Application, "version": &m.Version}
	for pair := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(pair, "=")
		field := fields[strings.TrimSpace(key)]
		if !ok || field == nil {
			return m, fmt.Errorf("--match cannot be %q: give user=…,application_name=…,version=…", text)
		}
		*field = strings.TrimSpace(value)
	}
	if m.Version == "" {
		return m, fmt.Errorf("--match %q names no version", text)
	}
	if m.User == "" && m.Application == "" {
		return m, fmt.Errorf("--match %q fits every session: use --schema-version for that", text)
	}
	return m, nil
}

func (s *serveFlags) admin(o *options, versions proxy.VersionPolicy) (admin.Config, error) {
	cfg := admin.Config{DefaultVersion: s.defaultVersion, Pprof: s.pprof, Program: program()}
	if o.tokenFile != "" {
		token, err := readToken(o.tokenFile)
		if err != nil {
			return cfg, err
		}
		cfg.Token = token
	}
	if cfg.Token == "" && s.adminListen != "" && !onLoopback(s.adminListen) {
		return cfg, fmt.Errorf("--admin-listen %s can be reached from other machines: it needs --admin-token-file", s.adminListen)
	}
	if s.waitVersion {
		named := []string{versions.SchemaVersion, versions.Default}
		for _, m := range versions.Match {
			named = append(named, m.Version)
		}
		for _, v := range named {
			if v != "" {
				cfg.WaitVersions = append(cfg.WaitVersions, v)
			}
		}
		if len(cfg.WaitVersions) == 0 {
			return cfg, errors.New("--wait-version has no version to wait for: give --schema-version, --default-version or --match")
		}
	}
	return cfg, nil
}

// onLoopback tells whether only this machine can reach a listener of the address.
func onLoopback(address string) bool {
	a, err := net.ResolveTCPAddr("tcp", address)
	return err == nil && a.IP.IsLoopback()
}
