package startup

import (
	"context"
	"io"

	"github.com/seguedb/segue/proxy/wire"
)

// serveCancel serves a CancelRequest. A statement that is held here was never sent, so it is cancelled here; for anything else
// the packet goes to the server as it is, also when the session is none of ours: keys are the server's, and another
// instance may have handed them out. The client's connection is closed only after the server has closed its own: by then
// the signal was sent, so a client that waits for that, as libpq does, cannot hit its own next statement.
func (e *Entrance) serveCancel(ctx context.Context, client *wire.Conn, packet wire.StartupPacket) error {
	defer client.Close()
	pid, key, err := wire.DecodeCancelRequest(packet.Body)
	if err != nil {
		return clientBroke(err)
	}
	if e.cancelHeld(pid, key) {
		return errServed
	}
	if err := e.askToCancel(ctx, packet.Raw); err != nil {
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
