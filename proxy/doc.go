// Package proxy serves clients: it opens one server connection for each, relays messages both ways, and while a
// migration is live gives texts that concern it to package rewrite.
//
// # A session
//
// Package startup takes a connection from its first byte to the first ReadyForQuery and hands over a link. From there on the
// session has two sides: one relays what the client sends and decides about texts, one relays what the server
// sends. Neither waits for the other, so a pipeline of any length cannot block both sides. Each is served by a loop that it shares
// with many others as long as it has to wait for nothing but the next message, and else by a goroutine of its own (looped.go; package
// loop says why). They meet in the queue: a pipeline,
// which is data that knows what the server has still to answer, and a lock. All that follows from answers changes there, and when
// the answer comes: the transaction state, which statements are prepared, what is in flight.
//
//	client → decide → do → queue.push → server
//	client ← deliver ← queue.respond ← server
//
// # Decisions
//
// What becomes of a message of the client's is decided (decide) apart from being done (drive.go). A decision does no I/O and does
// not wait. It ends in an outcome (send this, refuse that), or in a question: what must be known or must have come about before.
// Whoever drives the session sees to the question, stores what was learnt in the session, and has the message decided again from its
// beginning. So there is no state in between that would have to be resumed, and a message that has waited is decided by what is
// true now. A text is registered as in flight at the very end of its decision, when nothing can be asked any more.
//
// # Texts
//
// While nothing is live no text is looked at; texts that prepare something are remembered, up to a bound, because they may have to be
// prepared in other words later. Under a live migration the binder's prefilter sees each text. A hit goes to choose, which
// sees to it that the state of the session is fresh (probe), that relations of which the meaning is open are asked for
// (lookUp), and that the gate lets the text pass (enterTables). At Bind, Describe and SQL EXECUTE the statement is prepared again,
// unseen, if the server has it in a text that is not the right one any more; package prepared keeps account of that.
//
// What the proxy asks in a session goes in injected messages of the extended protocol, whose answers are swallowed: with
// Sync when the session is quiet, with Flush in an open pipeline, and never in a failed transaction. In a transaction that
// has no snapshot yet nothing is asked that takes one, unless the client's own text is about to (before_snapshot.go).
//
// No state is faked. A statement that must fail is replaced by a stand-in that the server itself rejects, so that the
// transaction, the pipeline and what was prepared are afterwards as they would have been; only the error's fields are
// replaced.
//
// A statement that meets newer names than are known is sent once more, if nothing of it was executed (retry.go).
//
// Errors and notices get the names of the session's version: those of a text that was bound from its Text (mend), those of
// a text that was sent unseen as far as a name in quotes can mean nothing else (bystander.go).
//
// # Gates
//
// An epoch is what all sessions go by: the binder, and which tables are gated. Hold replaces it and waits until what is in
// flight is done. A session registers a text as in flight, and looks at the epoch, in one step under its queue's lock;
// Hold takes the same lock to look. So either Hold waits for the text or the text waits for Hold. What was sent before a
// table came under migration was not looked at: Open registers all of it.
package proxy
