// Package migrate makes transitions: it moves a migration from phase to phase, with the DDL that belongs to it, in a
// fleet of instances that share one database.
//
// An Instance has five tasks, each with a goroutine and a connection of its own so that none waits behind another:
//
//   - the follower (follow.go) reads the control tables whenever it is notified, and at every poll, renews the heartbeat,
//     and loads a snapshot when the epoch or the catalog has moved;
//   - the gatekeeper (gate.go, gate_state.go) alone tells the Traffic what to do: it holds, acknowledges, withdraws, opens, and suspends
//     when the lease has run out;
//   - the leader (lead.go, attempt.go, commit.go, settle.go) makes the pending transition, in whichever instance is the
//     first to be its holder;
//   - the filler (fill.go, batch.go, brake.go) takes a change of columns from where it was activated to where its new version can
//     be served, in whichever instance is the first to be its holder;
//   - the usage flusher (usage.go) writes down which names are used.
//
// Everything that an instance has to know about another stands in schema segue. The protocol, and why it is right, is in
// docs/cutover.md.
package migrate
