package startup

import (
	"errors"
	"fmt"
	"io"

	"github.com/seguedb/segue/proxy/wire"
)

// errServed is returned by Establish for a connection that was a CancelRequest: all is done and closed.
var errServed = errors.New("the cancel request was forwarded")

// errGone stands for a client that left, or said nothing at all, before it had a session.
var errGone = errors.New("the client left during start-up")

// relayedError is an error that ended the start-up and came from the server: the client has it already.
type relayedError struct{ err *wire.Error }

func (e relayedError) Error() string { return e.err.Error() }
func (e relayedError) Unwrap() error { return e.err }

// clientFailed turns an error of reading from the client into what the start-up ends with.
func clientFailed(err error) error {
	var broken *wire.ProtocolError
	var told *wire.Error
	switch {
	case errors.As(err, &told), errors.Is(err, errGone):
		return err
	case errors.As(err, &broken):
		return wire.Fatal("08P01", "%s", broken.Message)
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return errGone
	}
	return fmt.Errorf("%w: %w", errGone, err)
}

// clientBroke is clientFailed for the framing of messages. A frame that cannot be right is answered with silence, as the
// server does (COMMERROR in pqcomm.c and ProcessStartupPacket): whoever has sent it does not speak the protocol, or has said
// goodbye before there was a session, and would not understand an answer.
func clientBroke(err error) error {
	var broken *wire.ProtocolError
	if errors.As(err, &broken) {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return clientFailed(err)
}

// serverFailed turns an error of talking to the server into what the client is told.
func serverFailed(err error) error {
	var broken *wire.ProtocolError
	switch {
	case errors.As(err, &broken):
		return wire.Fatal("08P01", "the database server broke the protocol during start-up: %s", broken.Message)
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return wire.Fatal("08006", "the database server closed the connection during start-up")
	}
	return wire.Fatal("08006", "lost the connection to the database server during start-up: %v", err)
}

// tell sends the error to the client if it is one for a client, and not there yet. A client that cannot be told has gone.
func tell(client *wire.Conn, err error) {
	var sent relayedError
	var e *wire.Error
	if errors.As(err, &sent) || !errors.As(err, &e) {
		_ = client.Out.Flush()
		return
	}
	_ = client.Send(e.AppendTo(nil))
}
