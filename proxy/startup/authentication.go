package startup

import (
	"context"
	"net"
	"slices"

	"github.com/seguedb/segue/proxy/wire"
)

// An authentication relays what client and server say to each other from the start-up packet to the first
// ReadyForQuery. Passwords pass through it and are not kept.
type authentication struct {
	*Link
	ctx         context.Context
	credentials Credentials // nil: SCRAM is relayed

	allowUnproved bool                // relay a login of which the server demands nothing
	loopback      func(net.Addr) bool // whether only this machine is at the other end
	challenged    bool                // the server has demanded something

	tokens *tokenRelay // set while the method lets both sides speak
}

// run relays until ReadyForQuery, which is written to the client and not flushed.
func (a *authentication) run() error {
	defer a.stopTokens()
	for {
		f, err := a.fromServer()
		if err != nil {
			return err
		}
		if f.Type == wire.Authentication {
			if err := a.request(f); err != nil {
				return err
			}
			continue
		}
		if err := a.note(f); err != nil {
			return err
		}
		if _, err := a.Client.Out.Write(f.Raw); err != nil {
			return clientFailed(err)
		}
		switch f.Type {
		case wire.ErrorResponse:
			fields, err := wire.DecodeError(f.Body)
			if err != nil {
				return serverFailed(err)
			}
			return relayedError{fields.Error()} // tell flushes it
		case wire.ReadyForQuery:
			return nil
		}
		if !a.Server.In.Buffered() {
			if err := a.flushClient(); err != nil {
				return err
			}
		}
	}
}

// note keeps what the session needs to know of a message.
func (a *authentication) note(f wire.Frame) (err error) {
	switch f.Type {
	case wire.ParameterStatus:
		var name, value []byte
		if name, value, err = wire.DecodeParameterStatus(f.Body); err == nil {
			a.Parameters[string(name)] = string(value)
		}
	case wire.BackendKeyData:
		var key []byte
		a.PID, key, err = wire.DecodeBackendKeyData(f.Body)
		a.Key = slices.Clone(key)
	case wire.ReadyForQuery:
		a.Status, err = wire.DecodeReadyForQuery(f.Body)
	}
	if err != nil {
		return serverFailed(err)
	}
	return nil
}

// request serves one Authentication message: it is relayed, and so is the client's answer where it demands one.
func (a *authentication) request(f wire.Frame) error {
	kind, data, err := wire.DecodeAuthentication(f.Body)
	if err != nil {
		return serverFailed(err)
	}
	if kind == wire.AuthOK {
		if err := a.stopTokens(); err != nil {
			return err
		}
	}
	if err := a.challenge(kind); err != nil {
		return err
	}
	switch kind {
	case wire.AuthSASL:
		return a.sasl(data)
	case wire.AuthGSS, wire.AuthSSPI:
		a.startTokens()
	}
	if err := a.toClient(f.Raw); err != nil {
		return err
	}
	switch kind {
	case wire.AuthCleartext, wire.AuthMD5, wire.AuthSASLContinue:
		reply, err := a.fromClient()
		if err != nil {
			return err
		}
		return a.toServer(reply.Raw)
	}
	return nil
}

// fromServer reads a message of the server. Before authentication is over none is large.
func (a *authentication) fromServer() (wire.Frame, error) {
	f, err := a.Server.In.Next()
	if err == nil {
		f, err = a.Server.In.ReadRest(f, wire.MaxAuth)
	}
	if err != nil {
		return f, serverFailed(err)
	}
	return f, nil
}

// fromClient reads the client's answer to a request.
func (a *authentication) fromClient() (wire.Frame, error) {
	a.patience.begin()
	defer a.patience.end()
	return readAnswer(a.Client)
}

// readAnswer reads a password message of any kind, of which there is a limit as in the server.
func readAnswer(c *wire.Conn) (wire.Frame, error) {
	f, err := c.In.Next()
	if err == nil && f.Type != wire.AuthReply {
		return f, wire.Fatal("08P01", "expected password response, got message type %d", f.Type)
	}
	if err == nil {
		f, err = c.In.ReadRest(f, wire.MaxAuth)
	}
	if err != nil {
		return f, clientBroke(err)
	}
	return f, nil
}

func (a *authentication) toServer(messages []byte) error {
	if err := a.Server.Send(messages); err != nil {
		return serverFailed(err)
	}
	return nil
}

func (a *authentication) toClient(messages []byte) error {
	if err := a.Client.Send(messages); err != nil {
		return clientFailed(err)
	}
	return nil
}

func (a *authentication) flushClient() error { return a.toClient(nil) }
