package startup

import (
	"errors"
	"os"
	"time"
)

// A tokenRelay forwards the client's GSSAPI or SSPI tokens while the server's are relayed: whether a token is answered is
// decided inside it, so neither side's turn can be known.
type tokenRelay struct {
	done chan struct{}
	err  error // valid once done is closed
}

// startTokens begins to forward what the client sends, until stopTokens.
func (a *authentication) startTokens() {
	if a.tokens != nil {
		return
	}
	relay := &tokenRelay{done: make(chan struct{})}
	a.tokens = relay
	a.patience.begin()
	go func() {
		defer close(relay.done)
		for relay.err == nil {
			answer, err := readAnswer(a.Client)
			if err == nil {
				err = a.toServer(answer.Raw)
			}
			relay.err = err
		}
		if !errors.Is(relay.err, os.ErrDeadlineExceeded) {
			a.Server.Close() // wakes the other direction
		}
	}()
}

// stopTokens ends the forwarding and returns why it had ended before, if it had. What the client sent and was not
// forwarded stays readable.
func (a *authentication) stopTokens() error {
	if a.tokens == nil {
		return nil
	}
	a.Client.SetReadDeadline(time.Unix(1, 0))
	<-a.tokens.done
	a.Client.SetReadDeadline(time.Time{})
	a.patience.end()
	err := a.tokens.err
	a.tokens = nil
	if a.ctx.Err() != nil {
		return errGone // its deadline, which has just been lifted, was the reason
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}
