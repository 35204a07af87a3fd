package serve

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgcluster"
	"github.com/seguedb/segue/internal/pgtest"
)

// put writes files of a folder.
func put(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// startWith starts an instance and stops it when the test ends.
func startWith(t *testing.T, cfg Config) *Running {
	t.Helper()
	cfg.Listen = "127.0.0.1:0"
	r, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), pgtest.Patience)
		defer cancel()
		if err := r.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return r
}

// shown is the serial number of the certificate that clients are shown.
func shown(t *testing.T, addr string) string {
	t.Helper()
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"postgresql"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

func TestSecretsAreReadAgainAndInvalidOnesAreKeptOut(t *testing.T) {
	t.Parallel()
	authority, err := pgcluster.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	issue := func(name string) {
		cert, key, err := authority.Issue("localhost")
		if err != nil {
			t.Fatal(err)
		}
		put(t, dir, map[string]string{name + ".crt": string(cert), name + ".key": string(key)})
	}
	const secret = `SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$e9UIqgbsCJ3fGmiVzzpXMv9+9T8mMRPS7B4VwYYZL7s=:wUzGvi8nzZKWw1fGAcJvLVBsJPXcV4nUOoUVVFeVFRo=`
	issue("server")
	issue("relay")
	put(t, dir, map[string]string{"users": `"one" "` + secret + `"`})
	at := func(name string) string { return filepath.Join(dir, name) }
	secrets, err := ReadSecrets(Files{
		TLSCert: at("server.crt"), TLSKey: at("server.key"), RelayCert: at("relay.crt"), RelayKey: at("relay.key"), AuthFile: at("users"),
	})
	if err != nil {
		t.Fatal(err)
	}
	database := pgtest.Database(t)
	r := startWith(t, Config{Upstream: database, Secrets: secrets})
	first := shown(t, r.Addr())

	issue("server")
	issue("relay")
	put(t, dir, map[string]string{"users": `"two" "` + secret + `"`})
	if got := shown(t, r.Addr()); got != first {
		t.Error("a certificate is shown that nobody has asked to read")
	}
	relay := secrets.relay
	if err := secrets.Reload(); err != nil {
		t.Fatal(err)
	}
	second := shown(t, r.Addr())
	if second == first {
		t.Error("the old certificate is shown")
	}
	if secrets.relay == relay {
		t.Error("the old certificate is shown to the server")
	}
	if _, ok := secrets.Secret("two"); !ok {
		t.Error("the new user is not known")
	}
	if _, ok := secrets.Secret("one"); ok {
		t.Error("the old user is known")
	}

	issue("server")
	put(t, dir, map[string]string{"users": "nonsense", "relay.key": "nonsense"})
	err = secrets.Reload()
	if err == nil || !strings.Contains(err.Error(), "users:1") || !strings.Contains(err.Error(), "--relay-sslcert") || strings.Contains(err.Error(), "--tls-cert") {
		t.Errorf("got %v", err)
	}
	if shown(t, r.Addr()) == second {
		t.Error("what is valid was not taken")
	}
	if _, ok := secrets.Secret("two"); !ok {
		t.Error("the users that were in force are gone")
	}
}

// tokenCluster demands the password of a superuser who owns everything.
func tokenCluster(t *testing.T) (address string, c *pgcluster.Cluster) {
	t.Helper()
	c, err := pgcluster.Start(context.Background(), pgcluster.Options{HBA: []string{
		"host all owner 127.0.0.1/32 scram-sha-256", "host all all 127.0.0.1/32 trust",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Stop() })
	pgtest.Exec(t, c.URL("postgres"), "CREATE ROLE owner LOGIN SUPERUSER PASSWORD 'first'")
	return c.Address(), c
}

func TestThePasswordCommandIsRunForEachConnection(t *testing.T) {
	t.Parallel()
	address, cluster := tokenCluster(t)
	dir := t.TempDir()
	put(t, dir, map[string]string{"token": "first\n"})
	r := startWith(t, Config{
		Upstream:        "postgres://owner@" + address + "/postgres?sslmode=disable",
		PasswordCommand: "echo run >> '" + dir + "/runs' && cat '" + dir + "/token'",
	})
	pgtest.Exec(t, cluster.URL("postgres"), "ALTER ROLE owner PASSWORD 'second'",
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'owner'")
	put(t, dir, map[string]string{"token": "second"})
	pgtest.Eventually(t, func() bool { return r.Instance.CatchUp(t.Context()) == nil }, "the instance is connected with the new password")
	runs, err := os.ReadFile(filepath.Join(dir, "runs"))
	if err != nil || strings.Count(string(runs), "run") < 2 {
		t.Errorf("runs %q, %v", runs, err)
	}
	t.Run("and never for a client", func(t *testing.T) {
		_, err := pgx.Connect(t.Context(), "postgres://owner@"+r.Addr()+"/postgres?sslmode=disable")
		if err == nil || !strings.Contains(err.Error(), "password") {
			t.Errorf("got %v", err)
		}
	})
}

func TestAPasswordCommandThatFailsSaysWhy(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"echo secret; echo 'the token has expired' >&2; exit 3": "--upstream-password-command failed: exit status 3: the token has expired",
		"/no/such/program":         "not found",
		"true":                     "printed nothing",
		"printf 'one\\ntwo\\n'":    "printed several lines",
		"head -c 100000 /dev/zero": "more than 65535 bytes",
		"printf 'a\\000b'":         "several lines",
	} {
		_, err := passwordCommand(command).password(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v; want %q", command, err, want)
		}
	}
	for command, want := range map[string]string{
		"echo secret": "secret", "printf secret": "secret", `printf 'se cret\r\n'`: "se cret", "echo '$(id)'": "$(id)",
	} {
		if got, err := passwordCommand(command).password(t.Context()); got != want || err != nil {
			t.Errorf("%s: %q, %v", command, got, err)
		}
	}
}

func TestAPasswordCommandThatDoesNotEndIsEnded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	pid := filepath.Join(t.TempDir(), "pid")
	if _, err := passwordCommand("sleep 600 & echo $! > " + pid + "; wait").password(ctx); err == nil || !strings.Contains(err.Error(), "did not end") {
		t.Errorf("got %v", err)
	}
	if text, err := os.ReadFile(pid); err == nil {
		child, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		pgtest.Eventually(t, func() bool { return !runs(child) }, "the command's children are ended, too")
	}
}

// runs reports whether a process does anything: one that has ended may wait for somebody to take note.
func runs(pid int) bool {
	state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(state), ") Z ")
}

func TestTheNumberOfClientsFollowsTheLimitOfOpenFiles(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		asked, unauthenticated int
		openFiles              uint64
		want                   int // 0: refused
	}{
		{0, 100, 1024, 232}, {0, 100, 1 << 20, 10000}, {0, 100, 1 << 40, 10000}, {50, 100, 1024, 50},
		{400, 100, 1024, 0}, {20000, 100, 1 << 20, 20000}, {0, 100, 256, 0}, {0, 10, 512, 66},
	} {
		got, err := connectionLimit(c.asked, c.unauthenticated, c.openFiles)
		if got != c.want || (err != nil) != (c.want == 0) {
			t.Errorf("%+v: got %d, %v", c, got, err)
		}
	}
}

func TestNoCredentialOfTheUpstreamURLIsGivenToTheProxy(t *testing.T) {
	t.Parallel()
	authority, err := pgcluster.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := authority.Issue("owner")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"owner.crt": string(cert), "owner.key": string(key), "pass": "*:*:*:*:swordfish",
		"service": "[shop]\nhost=db\nuser=owner\npassword=swordfish\n",
	})
	files := url.Values{"sslcert": {dir + "/owner.crt"}, "sslkey": {dir + "/owner.key"}, "passfile": {dir + "/pass"}}.Encode()
	for _, in := range []string{
		"postgres://owner:swordfish@db/shop?sslmode=require&" + files,
		"postgres://owner@db/shop?sslmode=allow&" + files,
		"postgres://owner@db/shop?" + files,
		"service=shop servicefile=" + dir + "/service sslmode=verify-full sslcert=" + dir + "/owner.crt sslkey=" + dir + "/owner.key",
	} {
		u, err := Upstream(in)
		if err != nil {
			t.Fatal(err)
		}
		if u.TLS == nil || len(u.TLS.Certificates) > 0 || u.TLS.GetClientCertificate != nil || u.Certificate != nil || strings.Contains(fmt.Sprintf("%+v", u), "swordfish") {
			t.Errorf("%s: %+v", in, u)
		}
	}
}
