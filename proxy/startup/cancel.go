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

// cancelPatience is how long a request waits for what the session's client has sent before, and how long for what comes of it, before it
// is sent in any case, and again.
const cancelPatience = 100 * time.Millisecond

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
	switch e.cancelHeld(pid, key) {
	case Held:
		return errServed
	case Running:
		err = e.cancelRunning(ctx, pid, key, packet.Raw)
	default:
		err = e.foreign.do(ctx, pid, func() error { return e.askToCancel(ctx, packet.Raw) })
	}
	if err != nil {
		return err
	}
	return errServed
}

// cancelRunning has the server cancel what a session of this instance is at. A server that has not begun with what was sent to
// it takes itself for idle and ignores the request, and a question of ours may be before the client's statement, and is cancelled then.
// So the request is sent again if nothing has come of it. Meanwhile the client's connection stays open, as it does at the server: none
// of this can hit a statement that the client sends later.
func (e *Entrance) cancelRunning(ctx context.Context, pid uint32, key, packet []byte) error {
	for repeats, patience := 0, cancelPatience; ; repeats, patience = repeats+1, 2*patience {
		over := true // another request for the session did the same, or its statement was held here
		var heeded func(context.Context) bool
		err := e.own.do(ctx, pid, func() error {
			h := e.settled(ctx, cancelPatience, pid, key)
			if e.cancelHeld(pid, key) == Held {
				return nil
			}
			over, heeded = false, h
			return e.askToCancel(ctx, packet)
		})
		if err != nil || over || repeats == cancelRepeats {
			return err
		}
		select {
		case e.repeating <- struct{}{}:
		default:
			return nil // as the server, this promises nothing
		}
		if heeded != nil {
			over = e.comes(ctx, heeded)
		} else {
			e.settled(ctx, patience, pid, key)
		}
		if <-e.repeating; over {
			return nil
		}
	}
}

// settled is settle for so long.
func (e *Entrance) settled(ctx context.Context, patience time.Duration, pid uint32, key []byte) (heeded func(context.Context) bool) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return e.settle(ctx, pid, key)
}

// comes waits for what comes of a request.
func (e *Entrance) comes(ctx context.Context, heeded func(context.Context) bool) bool {
	ctx, cancel := context.WithTimeout(ctx, cancelPatience)
	defer cancel()
	return heeded(ctx)
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
