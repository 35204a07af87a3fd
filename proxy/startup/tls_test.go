package startup

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wiretest"
)

func TestTheBindingOfACertificateIsItsHash(t *testing.T) {
	t.Parallel()
	raw := []byte("certificate")
	s256, s384, s512 := sha256.Sum256(raw), sha512.Sum384(raw), sha512.Sum512(raw)
	for algorithm, want := range map[x509.SignatureAlgorithm][]byte{
		x509.MD5WithRSA: s256[:], x509.SHA1WithRSA: s256[:], x509.ECDSAWithSHA256: s256[:], x509.SHA256WithRSAPSS: s256[:],
		x509.ECDSAWithSHA384: s384[:], x509.SHA512WithRSA: s512[:],
		x509.PureEd25519: nil, x509.UnknownSignatureAlgorithm: nil,
	} {
		if got := endPoint(&x509.Certificate{Raw: raw, SignatureAlgorithm: algorithm}); string(got) != string(want) {
			t.Errorf("%v: %x, want %x", algorithm, got, want)
		}
	}
}

// ed25519Certificate signs itself, without a hash that SCRAM could bind to.
func ed25519Certificate(t *testing.T) tls.Certificate {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}

func TestTheCertificateThatIsShownIsTheOneThatIsBoundTo(t *testing.T) {
	t.Parallel()
	authority := wiretest.NewAuthority(t)
	first, second, odd := authority.Certificate(t, "first"), authority.Certificate(t, "second"), ed25519Certificate(t)
	for name, c := range map[string]struct {
		conf *tls.Config
		want []byte
	}{
		"the only one": {&tls.Config{Certificates: []tls.Certificate{first}}, certificateBinding(&first)},
		"one that is chosen at the time": {&tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return &second, nil
		}}, certificateBinding(&second)},
		"the list, where nothing is chosen": {&tls.Config{Certificates: []tls.Certificate{first}, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return nil, nil
		}}, certificateBinding(&first)},
		"one without a hash": {&tls.Config{Certificates: []tls.Certificate{odd}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, through := openRealDoor(t, func(e *Entrance) { e.tls = c.conf })
			cfg, err := pgx.ParseConfig(through)
			if err != nil {
				t.Fatal(err)
			}
			cfg.TLSConfig = &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}
			conn, err := pgx.ConnectConfig(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(t.Context())
			if l := <-d.links; string(binding(l.Client)) != string(c.want) {
				t.Errorf("bound to %x, want %x", binding(l.Client), c.want)
			}
		})
	}
}

func TestAServerOnAUnixSocketIsReached(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Cluster()
	_, port, err := net.SplitHostPort(cluster.Address())
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(cluster.Dir, ".s.PGSQL."+port)
	d := openDoor(t, Config{Upstream: Upstream{Network: "unix", Address: socket, SSLMode: "require", Database: "postgres"}, AllowUnauthenticated: true})
	pgtest.Connect(t, pgtest.Through(t, cluster.URL("postgres"), d.addr))
}
