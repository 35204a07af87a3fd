package startup

import (
	"context"
	"io"
	"time"

	"github.com/seguedb/segue/proxy/wire"
)

// A Cancelled is what a cancel request was for.
type Cancelled byte

// What a cancel request may be for.
const (
	Foreign Cancelled = iota // no session of this instance has that key
	Running                  // one has, and what it may be at is at the server
	Held                     // one has, and its statement, which was not sent, has been cancelled
)

// cancelTimeout bounds how long a cancel request may take, until the server has closed its connection.
const cancelTimeout = 10 * time.Second

// serveCancel serves a CancelRequest. A statement that is held here was never sent, so it is cancelled here; for anything else
// the packet goes to the server as it is, also when the session is none of ours: keys are the server's, and another
// instance may have handed them out. The client's connection is closed only after the server has closed its own: by then
// the signal was sent, so a client that waits for that, as libpq does, cannot hit its own next statement. What comes in
// greater numbers than the lanes let pass is closed and forgotten, as the server promises nothing of a request either.
func (e *Entrance) serveCancel(ctx context.Context, client *wire.Conn, packet wire.StartupPacket) error {
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, cancelTimeout)
	defer cancel()
	pid, key, err := wire.DecodeCancelRequest(packet.Body)
	if err != nil {
		return clientBroke(err)
	}
	through := e.foreign
	ask := func() error { return e.askToCancel(ctx, packet.Raw) }
	switch e.cancelHeld(pid, key) {
	case Held:
		return errServed
	case Running:
		through = e.own
		ask = func() error {
			if e.settle(ctx, pid, key); e.cancelHeld(pid, key) == Held {
				return nil
			}
			return e.askToCancel(ctx, packet.Raw)
		}
	}
	if err := through.do(ctx, pid, ask); err != nil {
		return err
	}
	return errServed
}

// Cancel has the server cancel what the session with that PID and key is at. When it is at nothing, nothing happens.
func (e *Entrance) Cancel(ctx context.Context, pid uint32, key []byte) error {
	return e.askToCancel(ctx, wire.AppendCancelRequest(nil, pid, key))
}

// askToCancel sends a CancelRequest to the server and waits until it has closed the connection: by then the signal was sent.
func (e *Entrance) askToCancel(ctx context.Context, packet []byte) error {
	server, err := e.upstream.dial(ctx, e.upstream.mode != "disable" && e.upstream.mode != "allow")
	if err != nil {
		return e.unreachable(err)
	}
	defer server.Close()
	defer expire(ctx, server)()
	if err := server.Send(packet); err != nil {
		return serverFailed(err)
	}
	if _, err := io.Copy(io.Discard, server.In); err != nil {
		return serverFailed(err)
	}
	return nil
}
