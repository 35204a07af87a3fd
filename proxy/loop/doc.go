// Package loop waits for many sockets with few threads.
//
// The runtime's own poller wakes a goroutine, and often a thread with it, for each message of each session: with the attempt
// to read that comes too early, that is about half of what a short statement costs a proxy. A loop takes all sockets that are
// ready at once, and calls what handles them one after the other, on one thread.
//
// What is called must not wait for anything. A socket that somebody has to wait for is taken out of the loop (Conn.Leave) and
// read and written by a goroutine as any other net.Conn, until that gives it back (Conn.Enter). So a Conn has two modes:
//
//	in the loop   its handler is called when there may be something to read, and uses ReadNow and WriteNow
//	out of it     Read and Write block, deadlines hold
//
// On systems without epoll there are no loops, and New says so.
package loop

import "errors"

// ErrAgain says that nothing, or not all, can be read or written without waiting.
var ErrAgain = errors.New("loop: not ready")

// ErrNone says that there are no loops on this system.
var ErrNone = errors.New("loop: there is no epoll on this system")
