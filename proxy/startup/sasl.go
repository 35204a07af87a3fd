package startup

import (
	"slices"

	"github.com/seguedb/segue/proxy/wire"
)

// The mechanisms that PostgreSQL offers; others, such as OAUTHBEARER, bind to nothing and are relayed.
const (
	mechScram     = "SCRAM-SHA-256"
	mechScramPlus = "SCRAM-SHA-256-PLUS"
)

// sasl serves an AuthenticationSASL. A client that binds SCRAM to its TLS connection binds it to our certificate, so the
// server cannot check it: either the proxy checks the client itself, from its credentials, or -PLUS is struck from the
// list and the rest is relayed. The client then says that it could have bound but saw no offer (flag y), which a server
// that made the offer takes for an attack: with TLS on both sides only clients without binding can be relayed.
func (a *authentication) sasl(data []byte) error {
	offered, err := wire.DecodeSASL(data)
	if err != nil {
		return serverFailed(err)
	}
	if secret, ok, err := a.secret(); err != nil {
		return err
	} else if ok && slices.Contains(offered, mechScram) {
		return a.scram(secret, slices.Contains(offered, mechScramPlus))
	}
	relayed := slices.DeleteFunc(slices.Clone(offered), func(m string) bool { return m == mechScramPlus })
	if len(relayed) == 0 {
		return errBinding()
	}
	if err := a.toClient(wire.AppendSASL(nil, relayed)); err != nil {
		return err
	}
	answer, err := a.fromClient()
	if err != nil {
		return err
	}
	mechanism, first, err := wire.DecodeSASLInitialResponse(answer.Body)
	if err != nil {
		return clientFailed(err)
	}
	struck := len(relayed) < len(offered)
	if struck && mechanism == mechScram && len(first) > 0 && first[0] == 'y' {
		return errBinding()
	}
	return a.toServer(answer.Raw)
}

// secret returns the configured SCRAM secret of the session's user.
func (a *authentication) secret() (scramSecret, bool, error) {
	if a.credentials == nil {
		return scramSecret{}, false, nil
	}
	text, ok := a.credentials.Secret(a.Request.User)
	if !ok {
		return scramSecret{}, false, nil
	}
	secret, err := parseScramSecret(text)
	if err != nil {
		return scramSecret{}, false, wire.Fatal("28000", "the proxy's secret of user %q cannot be used: %v", a.Request.User, err).WithHint(hintAuthFile)
	}
	return secret, true, nil
}

const hintAuthFile = "Copy rolpassword from pg_authid of the server into the proxy's --auth-file, and see that the password has not expired."

// errBinding is for a client that binds SCRAM to a TLS connection which ends here.
func errBinding() error {
	return wire.Fatal("28000", "SCRAM authentication cannot be relayed between two TLS connections").
		WithHint("Give the proxy the SCRAM secrets of the users with --auth-file, or connect with channel_binding=disable.")
}
