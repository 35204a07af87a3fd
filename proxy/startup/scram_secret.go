package startup

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// A scramSecret is what pg_authid holds of a user with a SCRAM password (RFC 5803): enough to check a proof, not to make one.
type scramSecret struct {
	iterations           int
	salt                 []byte
	storedKey, serverKey []byte
}

// parseScramSecret reads SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>. Its errors do not repeat the text.
// Mirrors parse_scram_secret.
func parseScramSecret(text string) (scramSecret, error) {
	rest, ok := strings.CutPrefix(text, mechScram+"$")
	if !ok {
		return scramSecret{}, errors.New("it is no SCRAM-SHA-256 secret")
	}
	parts := strings.FieldsFunc(rest, func(r rune) bool { return r == ':' || r == '$' })
	if len(parts) != 4 {
		return scramSecret{}, errors.New("the SCRAM-SHA-256 secret has not the form $iterations:salt$StoredKey:ServerKey")
	}
	var s scramSecret
	var errs [4]error
	s.iterations, errs[0] = strconv.Atoi(parts[0])
	s.salt, errs[1] = base64.StdEncoding.DecodeString(parts[1])
	s.storedKey, errs[2] = base64.StdEncoding.DecodeString(parts[2])
	s.serverKey, errs[3] = base64.StdEncoding.DecodeString(parts[3])
	if errors.Join(errs[:]...) != nil || s.iterations <= 0 || len(s.storedKey) != sha256.Size || len(s.serverKey) != sha256.Size {
		return scramSecret{}, errors.New("the SCRAM-SHA-256 secret is damaged")
	}
	return s, nil
}

// keyed is HMAC-SHA-256.
func keyed(key []byte, message string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(message))
	return h.Sum(nil)
}

// xor combines two keys of the same length.
func xor(a, b []byte) []byte {
	out := make([]byte, len(a))
	for i := range a {
		out[i] = a[i] ^ b[i]
	}
	return out
}

// nonce makes the random part of a SCRAM message, of as many bytes as the server's (SCRAM_RAW_NONCE_LEN).
func nonce() string {
	var b [18]byte
	rand.Read(b[:]) // never fails
	return base64.StdEncoding.EncodeToString(b[:])
}

// attributes splits a SCRAM message into its attributes, x=value each.
func attributes(message string) []string { return strings.Split(message, ",") }

// attribute returns the value of an attribute that must be the one with that letter.
func attribute(text string, letter byte) (string, bool) {
	if len(text) < 2 || text[0] != letter || text[1] != '=' {
		return "", false
	}
	return text[2:], true
}
