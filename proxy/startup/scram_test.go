package startup

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/seguedb/segue/proxy/wire"
)

// keysOf derives the keys of a password as RFC 5802 says.
func keysOf(password string, salt []byte, iterations int) (clientKey, storedKey, serverKey []byte) {
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		panic(err)
	}
	clientKey = keyed(salted, "Client Key")
	stored := sha256.Sum256(clientKey)
	return clientKey, stored[:], keyed(salted, "Server Key")
}

// makeSecret makes what pg_authid would hold.
func makeSecret(password string, salt []byte, iterations int) string {
	_, stored, server := keysOf(password, salt, iterations)
	return renderSecret(scramSecret{iterations: iterations, salt: salt, storedKey: stored}, server)
}

func renderSecret(s scramSecret, serverKey []byte) string {
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", s.iterations, b64(s.salt), b64(s.storedKey), b64(serverKey))
}

func clientKeyOf(password string, s scramSecret) []byte {
	key, _, _ := keysOf(password, s.salt, s.iterations)
	return key
}

func testSecret(t testing.TB, password string) scramSecret {
	t.Helper()
	s, err := parseScramSecret(makeSecret(password, []byte("salt of 16 bytes"), 1))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// pipe is a connection within this process, both ends as a conn.
func pipe(t *testing.T) (near, far *wire.Conn) {
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	go func() {
		for buf := make([]byte, 1024); ; { // what is relayed to a client that does not listen
			if _, err := b.Read(buf); err != nil {
				return
			}
		}
	}()
	return wire.NewConn(a), wire.NewConn(b)
}

func codeOf(err error) string {
	var e *wire.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestAScramExchangeEndsWithBothSidesProven(t *testing.T) {
	t.Parallel()
	for name, binding := range map[string][]byte{"without binding": nil, "with binding": []byte("hash of a certificate")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secret := testSecret(t, "secret")
			server := newScramServer(secret, binding)
			client := newScramClient(secret, clientKeyOf("secret", secret))
			client.bind(binding)
			challenge, err := server.challenge(client.first(), client.mechanism() == mechScramPlus)
			if err != nil {
				t.Fatal(err)
			}
			proof, err := client.prove(challenge)
			if err != nil {
				t.Fatal(err)
			}
			if ok, err := server.verify(proof); !ok || err != nil {
				t.Fatalf("the proof: %v, %v", ok, err)
			}
			if string(server.clientKey) != string(clientKeyOf("secret", secret)) {
				t.Error("the proof did not yield the client's key")
			}
			if !client.verify(server.final()) {
				t.Error("the server's proof is refused")
			}
			if client.verify([]byte("v=" + base64.StdEncoding.EncodeToString(make([]byte, 32)))) {
				t.Error("a made-up proof of the server is accepted")
			}
		})
	}
}

func TestAWrongProofIsNoProof(t *testing.T) {
	t.Parallel()
	secret := testSecret(t, "secret")
	server := newScramServer(secret, nil)
	client := newScramClient(secret, clientKeyOf("other", secret))
	challenge, err := server.challenge(client.first(), false)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := client.prove(challenge)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := server.verify(proof); ok || err != nil || server.clientKey != nil {
		t.Errorf("got %v, %v, key %x", ok, err, server.clientKey)
	}
}

func TestScramMessagesThatAServerRefusesAreRefused(t *testing.T) {
	t.Parallel()
	secret, binding := testSecret(t, "secret"), []byte("hash")
	for name, c := range map[string]struct {
		first   string
		plus    bool
		binding []byte
		want    string
	}{
		"empty":                             {"", false, nil, "08P01"},
		"no flag":                           {"n=,r=abc", false, nil, "08P01"},
		"an unknown flag":                   {"x,,n=,r=abc", false, nil, "08P01"},
		"an authorization identity":         {"n,a=root,n=,r=abc", false, nil, "0A000"},
		"a mandatory extension":             {"n,,m=x,n=,r=abc", false, nil, "0A000"},
		"no user name":                      {"n,,r=abc", false, nil, "08P01"},
		"no nonce":                          {"n,,n=", false, nil, "08P01"},
		"an empty nonce":                    {"n,,n=,r=", false, nil, "08P01"},
		"a nonce that is not printable":     {"n,,n=,r=a\x01b", false, nil, "08P01"},
		"a downgrade":                       {"y,,n=,r=abc", false, binding, "28000"},
		"no downgrade where none was bound": {"y,,n=,r=abc", false, nil, ""},
		"a client that cannot bind":         {"n,,n=,r=abc", false, binding, ""},
		"PLUS without binding":              {"n,,n=,r=abc", true, binding, "08P01"},
		"PLUS with flag y":                  {"y,,n=,r=abc", true, binding, "08P01"},
		"binding without PLUS":              {"p=tls-server-end-point,,n=,r=abc", false, binding, "08P01"},
		"an unknown binding":                {"p=tls-unique,,n=,r=abc", true, binding, "08P01"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newScramServer(secret, c.binding).challenge([]byte(c.first), c.plus)
			if (err != nil) != (c.want != "") || codeOf(err) != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestTheLastScramMessageIsChecked(t *testing.T) {
	t.Parallel()
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	proof := ",p=" + b64(strings.Repeat("x", 32))
	for name, c := range map[string]struct {
		final string // NONCE stands for the nonce of both
		bound bool
		want  string
	}{
		"no proof":                 {"c=" + b64("n,,") + ",r=NONCE", false, "08P01"},
		"no binding":               {"r=NONCE" + proof, false, "08P01"},
		"another header":           {"c=" + b64("y,,") + ",r=NONCE" + proof, false, "08P01"},
		"another nonce":            {"c=" + b64("n,,") + ",r=NONCEx" + proof, false, "08P01"},
		"a short proof":            {"c=" + b64("n,,") + ",r=NONCE,p=" + b64("x"), false, "08P01"},
		"a proof not in base64":    {"c=" + b64("n,,") + ",r=NONCE,p=%", false, "08P01"},
		"another TLS connection":   {"c=" + b64("p=tls-server-end-point,,other") + ",r=NONCE" + proof, true, "28000"},
		"this TLS connection":      {"c=" + b64("p=tls-server-end-point,,hash") + ",r=NONCE" + proof, true, ""},
		"everything but the proof": {"c=" + b64("n,,") + ",r=NONCE" + proof, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, first := newScramServer(testSecret(t, "secret"), []byte("hash")), "n,,n=,r=abc"
			if c.bound {
				first = "p=tls-server-end-point,,n=,r=abc"
			}
			if _, err := s.challenge([]byte(first), c.bound); err != nil {
				t.Fatal(err)
			}
			ok, err := s.verify([]byte(strings.ReplaceAll(c.final, "NONCE", s.nonce)))
			if ok || (err != nil) != (c.want != "") || codeOf(err) != c.want {
				t.Errorf("got %v, %v, want %q", ok, err, c.want)
			}
		})
	}
}

func TestAServersChallengeIsChecked(t *testing.T) {
	t.Parallel()
	secret := testSecret(t, "secret")
	salt := base64.StdEncoding.EncodeToString(secret.salt)
	for name, challenge := range map[string]string{
		"empty":                   "",
		"another nonce":           "r=OTHER,s=" + salt + ",i=1",
		"no nonce of the server":  "r=OURS,s=" + salt + ",i=1",
		"another salt":            "r=OURSx,s=AAAA,i=1",
		"other iterations":        "r=OURSx,s=" + salt + ",i=2",
		"attributes out of order": "r=OURSx,i=1,s=" + salt,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newScramClient(secret, clientKeyOf("secret", secret))
			if _, err := c.prove([]byte(strings.ReplaceAll(challenge, "OURS", c.ours))); err == nil {
				t.Error("it is answered")
			}
		})
	}
}

// FuzzScramServer feeds the server's part with anything: it must refuse without a panic.
func FuzzScramServer(f *testing.F) {
	f.Add("n,,n=,r=abc", "c=biws,r=abc,p=AAAA")
	f.Add("p=tls-server-end-point,,n=,r=abc", "c=,r=,p=")
	secret, err := parseScramSecret(makeSecret("secret", []byte("salt"), 1))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, first, final string) {
		s := newScramServer(secret, []byte("hash"))
		if _, err := s.challenge([]byte(first), strings.HasPrefix(first, "p")); err != nil {
			return
		}
		if ok, _ := s.verify([]byte(strings.ReplaceAll(final, "NONCE", s.nonce))); ok {
			t.Error("a proof was guessed")
		}
	})
}
