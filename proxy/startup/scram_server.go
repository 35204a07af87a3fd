package startup

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/seguedb/segue/proxy/wire"
)

// A scramServer is the server's part of SCRAM-SHA-256 (RFC 5802, RFC 7677; auth-scram.c), towards a client of the proxy.
type scramServer struct {
	secret    scramSecret
	binding   []byte // of our certificate; nil: -PLUS was not offered
	gs2       string // the client's gs2 header
	nonce     string // both sides' parts
	exchange  string // the AuthMessage, as far as it was said
	clientKey []byte // what the proof yielded, once it was right
}

func newScramServer(secret scramSecret, binding []byte) *scramServer {
	return &scramServer{secret: secret, binding: binding}
}

// malformed is what the server says of a message that it cannot read.
func malformed(detail string) *wire.Error {
	e := wire.Fatal("08P01", "malformed SCRAM message")
	e.Detail = detail
	return e
}

// challenge reads the client's first message and makes the server's. plus: the client chose -PLUS.
func (s *scramServer) challenge(first []byte, plus bool) ([]byte, error) {
	parts := strings.SplitN(string(first), ",", 3)
	if len(parts) != 3 {
		return nil, malformed("The message is too short.")
	}
	flag, authzid, bare := parts[0], parts[1], parts[2]
	if err := s.checkFlag(flag, plus); err != nil {
		return nil, err
	}
	if authzid != "" {
		return nil, wire.Fatal("0A000", "client uses authorization identity, but it is not supported")
	}
	s.gs2 = flag + ",,"
	attrs := attributes(bare)
	if strings.HasPrefix(bare, "m=") {
		return nil, wire.Fatal("0A000", "client requires an unsupported SCRAM extension")
	}
	if _, ok := attribute(attrs[0], 'n'); !ok || len(attrs) < 2 {
		return nil, malformed("The user name is missing.")
	}
	theirs, ok := attribute(attrs[1], 'r')
	if !ok || theirs == "" {
		return nil, malformed("The nonce is missing.")
	}
	for _, c := range []byte(theirs) {
		if c < 0x21 || c > 0x7e {
			return nil, wire.Fatal("08P01", "non-printable characters in SCRAM nonce")
		}
	}
	s.nonce = theirs + nonce()
	reply := fmt.Sprintf("r=%s,s=%s,i=%d", s.nonce, base64.StdEncoding.EncodeToString(s.secret.salt), s.secret.iterations)
	s.exchange = bare + "," + reply
	return []byte(reply), nil
}

// checkFlag checks the gs2 flag against what was offered and chosen, in the words of read_client_first_message.
func (s *scramServer) checkFlag(flag string, plus bool) error {
	switch {
	case flag == "n" && plus:
		return malformed("The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data.")
	case flag == "n":
		return nil
	case flag == "y" && plus:
		return malformed("The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data.")
	case flag == "y" && s.binding != nil:
		e := wire.Fatal("28000", "SCRAM channel binding negotiation error")
		e.Detail = "The client supports SCRAM channel binding but thinks the server does not.  However, this server does support channel binding."
		return e
	case flag == "y":
		return nil
	case strings.HasPrefix(flag, "p=") && !plus:
		return malformed("The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data.")
	case flag == "p=tls-server-end-point":
		return nil
	case strings.HasPrefix(flag, "p="):
		return wire.Fatal("08P01", "unsupported SCRAM channel-binding type %q", flag[2:])
	}
	return malformed("The channel binding flag is unexpected.")
}

// verify reads the client's last message. ok is false if the proof is wrong; otherwise clientKey is set.
func (s *scramServer) verify(final []byte) (ok bool, err error) {
	message := string(final)
	at := strings.LastIndex(message, ",p=")
	if at < 0 {
		return false, malformed("The proof is missing.")
	}
	attrs := attributes(message[:at])
	bound, hasBinding := attribute(attrs[0], 'c')
	if !hasBinding || len(attrs) < 2 {
		return false, malformed("The channel binding is missing.")
	}
	if input := s.gs2 + s.bindingInput(); bound != base64.StdEncoding.EncodeToString([]byte(input)) {
		if s.bindingInput() == "" {
			return false, wire.Fatal("08P01", "unexpected SCRAM channel-binding attribute in client-final-message")
		}
		return false, wire.Fatal("28000", "SCRAM channel binding check failed")
	}
	if theirs, ok := attribute(attrs[1], 'r'); !ok || theirs != s.nonce {
		return false, wire.Fatal("08P01", "invalid SCRAM response")
	}
	proof, err := base64.StdEncoding.DecodeString(message[at+len(",p="):])
	if err != nil || len(proof) != sha256.Size {
		return false, malformed("Malformed proof in client-final-message.")
	}
	s.exchange += "," + message[:at]
	clientKey := xor(proof, keyed(s.secret.storedKey, s.exchange))
	stored := sha256.Sum256(clientKey)
	if subtle.ConstantTimeCompare(stored[:], s.secret.storedKey) != 1 {
		return false, nil
	}
	s.clientKey = clientKey
	return true, nil
}

// bindingInput is what the client must have bound to, beyond its gs2 header.
func (s *scramServer) bindingInput() string {
	if s.gs2[0] == 'p' {
		return string(s.binding)
	}
	return ""
}

// final makes the server's last message, which proves that it knows the secret.
func (s *scramServer) final() []byte {
	return []byte("v=" + base64.StdEncoding.EncodeToString(keyed(s.secret.serverKey, s.exchange)))
}
