package serve

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/internal/pgcluster"
)

func TestUpstreamReadsConnectionStringsAsLibpqDoes(t *testing.T) {
	t.Parallel()
	authority, err := pgcluster.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(t.TempDir(), "root.crt")
	if err := os.WriteFile(root, authority.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	type result struct {
		Network, Address, SSLMode, Database, ServerName string
		Roots                                           bool
	}
	for _, c := range []struct {
		name, in string
		want     result
	}{
		{"a URL without TLS", "postgres://owner@db:5433/shop?sslmode=disable", result{"tcp", "db:5433", "disable", "shop", "", false}},
		{"keywords instead of a URL", "host=db port=5433 dbname=shop user=owner sslmode=disable", result{"tcp", "db:5433", "disable", "shop", "", false}},
		{"the database defaults to the user", "postgres://owner@db?sslmode=disable", result{"tcp", "db:5432", "disable", "owner", "", false}},
		{"an IPv6 address", "postgres://owner@[::1]:5433/shop?sslmode=disable", result{"tcp", "[::1]:5433", "disable", "shop", "", false}},
		{"a socket has no TLS", "host=/run/pg port=5433 dbname=shop user=owner", result{"unix", "/run/pg/.s.PGSQL.5433", "disable", "shop", "", false}},
		{"prefer is the default", "postgres://owner@db/shop", result{"tcp", "db:5432", "prefer", "shop", "db", false}},
		{"allow", "postgres://owner@db/shop?sslmode=allow", result{"tcp", "db:5432", "allow", "shop", "db", false}},
		{"require", "postgres://owner@db/shop?sslmode=require", result{"tcp", "db:5432", "require", "shop", "db", false}},
		{"require with a root is verify-ca", "postgres://owner@db/shop?sslmode=require&sslrootcert=" + root, result{"tcp", "db:5432", "verify-ca", "shop", "db", true}},
		{"verify-ca", "postgres://owner@db/shop?sslmode=verify-ca&sslrootcert=" + root, result{"tcp", "db:5432", "verify-ca", "shop", "db", true}},
		{"verify-full", "postgres://owner@db/shop?sslmode=verify-full&sslrootcert=" + root, result{"tcp", "db:5432", "verify-full", "shop", "db", true}},
		{"verify-full of an address", "postgres://owner@127.0.0.1/shop?sslmode=verify-full&sslrootcert=" + root, result{"tcp", "127.0.0.1:5432", "verify-full", "shop", "127.0.0.1", true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, err := Upstream(c.in)
			if err != nil {
				t.Fatal(err)
			}
			got := result{Network: u.Network, Address: u.Address, SSLMode: u.SSLMode, Database: u.Database}
			if u.TLS != nil {
				got.ServerName, got.Roots = u.TLS.ServerName, u.TLS.RootCAs != nil
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestUpstreamRefusesWhatItCannotServe(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"postgres://owner@one,two/shop":                     "several hosts",
		"postgres://owner@one:5432,one:5433/shop":           "several hosts",
		"postgres://owner@db/shop?sslmode=perhaps":          "cannot be read",
		"postgres://owner@db/shop?sslrootcert=/no/such.crt": "cannot be read",
	} {
		if _, err := Upstream(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error that says %q", in, err, want)
		}
	}
}
