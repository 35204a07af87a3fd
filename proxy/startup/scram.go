package startup

import (
	"slices"

	"github.com/seguedb/segue/proxy/wire"
)

// scram authenticates the client with the secret, and the proxy to the server with the key that the client's proof yields.
// Each side is bound to its own TLS connection where it can be. The client hears of success only after the server has
// agreed and has proved to know the secret too.
func (a *authentication) scram(secret scramSecret, serverBinds bool) error {
	own, err := a.scramWithClient(secret)
	if err != nil {
		return err
	}
	other := newScramClient(secret, own.clientKey)
	if serverBinds {
		other.bind(binding(a.Server))
	}
	if err := a.scramWithServer(other); err != nil {
		return err
	}
	return a.toClient(wire.AppendSASLFinal(nil, own.final()))
}

// scramWithClient does the server's part towards the client, but for the last message.
func (a *authentication) scramWithClient(secret scramSecret) (*scramServer, error) {
	bound := binding(a.Client)
	own := newScramServer(secret, bound)
	mechanisms := []string{mechScram}
	if bound != nil {
		mechanisms = []string{mechScramPlus, mechScram}
	}
	if err := a.toClient(wire.AppendSASL(nil, mechanisms)); err != nil {
		return nil, err
	}
	answer, err := a.fromClient()
	if err != nil {
		return nil, err
	}
	mechanism, first, err := wire.DecodeSASLInitialResponse(answer.Body)
	if err != nil {
		return nil, clientFailed(err)
	}
	if !slices.Contains(mechanisms, mechanism) {
		return nil, wire.Fatal("08P01", "client selected an invalid SASL authentication mechanism")
	}
	challenge, err := own.challenge(first, mechanism == mechScramPlus)
	if err != nil {
		return nil, err
	}
	if err := a.toClient(wire.AppendSASLContinue(nil, challenge)); err != nil {
		return nil, err
	}
	if answer, err = a.fromClient(); err != nil {
		return nil, err
	}
	ok, err := own.verify(answer.Body)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, wire.Fatal("28P01", "password authentication failed for user %q", a.Request.User)
	}
	return own, nil
}

// scramWithServer does the client's part towards the server.
func (a *authentication) scramWithServer(other *scramClient) error {
	first := wire.AppendSASLInitialResponse(nil, other.mechanism(), other.first())
	if err := a.toServer(first); err != nil {
		return err
	}
	challenge, err := a.saslFromServer(wire.AuthSASLContinue)
	if err != nil {
		return err
	}
	proof, err := other.prove(challenge)
	if err != nil {
		return wire.Fatal("28000", "the proxy's secret of user %q is not the server's: %v", a.Request.User, err).WithHint(hintAuthFile)
	}
	if err := a.toServer(wire.AppendSASLResponse(nil, proof)); err != nil {
		return err
	}
	final, err := a.saslFromServer(wire.AuthSASLFinal)
	if err != nil {
		return err
	}
	if !other.verify(final) {
		return wire.Fatal("28000", "the database server could not prove that it knows the secret of user %q", a.Request.User)
	}
	return nil
}

// saslFromServer waits for the server's next SASL message. Notices are relayed; an error is relayed and ends it.
func (a *authentication) saslFromServer(want uint32) ([]byte, error) {
	for {
		f, err := a.fromServer()
		if err != nil {
			return nil, err
		}
		if f.Type == wire.Authentication {
			kind, data, err := wire.DecodeAuthentication(f.Body)
			if err != nil || kind != want {
				return nil, serverFailed(&wire.ProtocolError{Message: "it did not go on with SCRAM"})
			}
			return data, nil
		}
		if err := a.toClient(f.Raw); err != nil {
			return nil, err
		}
		if f.Type == wire.ErrorResponse {
			fields, err := wire.DecodeError(f.Body)
			if err != nil {
				return nil, serverFailed(err)
			}
			return nil, relayedError{fields.Error()}
		}
	}
}
