package proxy

import (
	"context"
	"io"

	"github.com/seguedb/segue/proxy/wire"
)

// cancel serves a CancelRequest. A statement that is held here was never sent, so it is cancelled here; for anything else
// the packet goes to the server as it is, also when the session is none of ours: keys are the server's, and another
// instance may have handed them out. The client's connection is closed only after the server has closed its own: by then
// the signal was sent, so a client that waits for that, as libpq does, cannot hit its own next statement.
func (e *entrance) cancel(ctx context.Context, client *conn, packet wire.StartupPacket) error {
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

// askToCancel sends a CancelRequest to the server and waits until it has closed the connection: by then the signal was sent.
func (e *entrance) askToCancel(ctx context.Context, packet []byte) error {
	server, err := e.upstream.dial(ctx, e.upstream.mode != "disable" && e.upstream.mode != "allow")
	if err != nil {
		return e.unreachable(err)
	}
	defer server.Close()
	defer expire(ctx, server)()
	if err := server.send(packet); err != nil {
		return serverFailed(err)
	}
	if _, err := io.Copy(io.Discard, server.in); err != nil {
		return serverFailed(err)
	}
	return nil
}
