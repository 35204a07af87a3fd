// Package rewrite turns the SQL that a client wrote for one schema version into the SQL that does the same in the
// physical schema of now. It does no I/O and knows neither migrations nor sessions of a proxy: a text, a lens and what
// decides the meaning of names go in, a text comes out.
//
// # Use
//
// A [Binder] is made for each rules.Snapshot and shared by all sessions. For every text that a client sends:
//
//	switch binder.Match(text, prepared) {
//	case prefilter.Miss:       // forward it byte for byte
//	case prefilter.StateWords: // forward it; then read the session's state again before the next text with Names
//	case prefilter.Names:      // t, err := binder.Rewrite(session, text); send t.SQL
//	}
//
// The only error of [Binder.Rewrite] is [NeedRelation]: ask the session's own server for these relations, put the answers
// into Session.Overlay (nil for a name that it does not know), and call it again.
//
// # What comes out
//
// A [Text] is immutable and shared by all sessions for which the text means the same. Its statements are in the order of
// the client's text, with the tables under migration that each names, the logical names that it uses, what it does to the
// session, and what its RowDescription should be. The server's first RowDescription is given to [Text.Verify]; after an
// answer that was not predicted the text is never rewritten again.
//
// A statement that must fail has a Failure, because it is not understood, or because the version has no such name. What is
// sent in its place is a stand-in, of which the server itself says that a column does not exist, so that transaction,
// pipeline and earlier statements of the string end up exactly as they would have; of that error [Text.FailureAt] makes
// the right one. Every other error goes through [Text.ClientPosition], [Text.Translate] and [Text.LogicalNames].
//
// Where [Text.ShowsPlan] says so, the rows that a statement returns are given to [Text.MapPlan], which puts the plan into the
// version's names.
//
// # How it is done
//
// From the outside in:
//
//	prefilter   which texts can matter at all: about a nanosecond for two bytes
//	cache       texts that were seen before: about 100 ns, and no allocation
//	template    texts that differ from earlier ones in values and comments only: microseconds, and no parsing
//	charset     the client's bytes as UTF-8, with the way back
//	syntax      tokens, for what the parser gives no place
//	choose      the version: the session's own, or the one that binds the text of a session without one
//	bind        every name resolved by PostgreSQL's rules (bind.go and the files by statement and clause)
//	introspect  the system catalogs, as the version sees them (introspect*.go)
//	assemble    edits spliced into the client's own bytes, stand-ins put in
//	proof       the spliced text parsed again and compared with the tree in which the binder made the same changes
//	oracle      labels and origins of the result's columns compared with what the server says
//
// # Invariants
//
//   - A text that concerns no table under migration, or sees it as it physically is, is sent as the client's own bytes.
//   - Only what binds to a table under migration is changed; the labels of results never do.
//   - What is on an affected table and not understood is refused with 0A000, never forwarded.
//   - No text is sent that was edited and not proved, unless two others of its template were.
//   - All methods of Binder and Text are safe for concurrent use. A Session belongs to its caller, who may change it
//     between calls.
package rewrite
