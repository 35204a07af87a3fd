package serve

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/proxy/startup"
)

// Upstream reads a connection string as libpq would (URL or keywords, PG… environment variables, sslmode and the ssl…
// files) and says where and how the proxy is to reach that server. Whoever it authenticates, by user, password and
// certificate, is the instance itself: clients bring their own, so none of that is in what is returned.
func Upstream(connString string) (startup.Upstream, error) {
	cfg, err := pgconn.ParseConfig(connString)
	if err != nil {
		return startup.Upstream{}, fmt.Errorf("the upstream URL cannot be read: %w", err)
	}
	network, address := pgconn.NetworkAddress(cfg.Host, cfg.Port)
	for _, f := range cfg.Fallbacks {
		if n, a := pgconn.NetworkAddress(f.Host, f.Port); n != network || a != address {
			return startup.Upstream{}, errors.New("the upstream URL names several hosts; give the one that is the primary")
		}
	}
	mode, conf := sslMode(cfg)
	if conf != nil {
		conf = conf.Clone()
		conf.Certificates, conf.GetClientCertificate = nil, nil
		if conf.ServerName == "" && net.ParseIP(cfg.Host) == nil {
			conf.ServerName = cfg.Host
		}
	}
	database := cfg.Database
	if database == "" {
		database = cfg.User
	}
	return startup.Upstream{
		Network: network, Address: address, SSLMode: mode, TLS: conf, Database: database,
	}, nil
}

// sslMode tells which sslmode a parsed connection string had. pgconn keeps the attempts that follow from it instead of
// the word itself: plain before TLS is allow, TLS before plain is prefer.
func sslMode(cfg *pgconn.Config) (string, *tls.Config) {
	first := cfg.TLSConfig
	var second *tls.Config
	if len(cfg.Fallbacks) > 0 {
		second = cfg.Fallbacks[0].TLSConfig
	}
	switch {
	case first == nil && second == nil:
		return "disable", nil
	case first == nil:
		return "allow", second
	case len(cfg.Fallbacks) > 0:
		return "prefer", first
	case !first.InsecureSkipVerify:
		return "verify-full", first
	case first.VerifyPeerCertificate != nil:
		return "verify-ca", first
	default:
		return "require", first
	}
}
