package startup

import (
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// A scramClient is the client's part of SCRAM-SHA-256 towards the server, with keys instead of a password.
type scramClient struct {
	secret    scramSecret
	clientKey []byte
	gs2       string
	binding   []byte
	bare      string
	ours      string
	exchange  string
}

func newScramClient(secret scramSecret, clientKey []byte) *scramClient {
	c := &scramClient{secret: secret, clientKey: clientKey, gs2: "n,,", ours: nonce()}
	c.bare = "n=,r=" + c.ours // the server takes the user from the start-up packet
	return c
}

// bind binds to the server's certificate, if there is something to bind to.
func (c *scramClient) bind(binding []byte) {
	if binding != nil {
		c.gs2, c.binding = "p=tls-server-end-point,,", binding
	}
}

func (c *scramClient) mechanism() string {
	if c.binding != nil {
		return mechScramPlus
	}
	return mechScram
}

func (c *scramClient) first() []byte { return []byte(c.gs2 + c.bare) }

// prove answers the server's challenge. It fails if the server's salt or iterations are not those of the secret, for then
// the key is not for it.
func (c *scramClient) prove(challenge []byte) ([]byte, error) {
	attrs := attributes(string(challenge))
	if len(attrs) < 3 {
		return nil, errors.New("the server's challenge cannot be read")
	}
	both, ok1 := attribute(attrs[0], 'r')
	salt, ok2 := attribute(attrs[1], 's')
	iterations, ok3 := attribute(attrs[2], 'i')
	if !ok1 || !ok2 || !ok3 || !strings.HasPrefix(both, c.ours) || len(both) == len(c.ours) {
		return nil, errors.New("the server's challenge cannot be read")
	}
	if salt != base64.StdEncoding.EncodeToString(c.secret.salt) || iterations != strconv.Itoa(c.secret.iterations) {
		return nil, errors.New("salt or iterations differ")
	}
	without := "c=" + base64.StdEncoding.EncodeToString(append([]byte(c.gs2), c.binding...)) + ",r=" + both
	c.exchange = c.bare + "," + string(challenge) + "," + without
	proof := xor(c.clientKey, keyed(c.secret.storedKey, c.exchange))
	return []byte(without + ",p=" + base64.StdEncoding.EncodeToString(proof)), nil
}

// verify checks the server's own proof.
func (c *scramClient) verify(final []byte) bool {
	signature, ok := attribute(string(final), 'v')
	if !ok {
		return false
	}
	theirs, err := base64.StdEncoding.DecodeString(signature)
	return err == nil && hmac.Equal(theirs, keyed(c.secret.serverKey, c.exchange))
}
