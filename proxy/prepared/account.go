// Package prepared keeps the account of what one session has prepared, by Parse or by SQL PREPARE, in one name space as
// PostgreSQL has it: EXECUTE runs what a Parse has made, and Bind what a PREPARE has made. Only the unnamed statement is
// Parse's alone.
//
// The account is a state machine without I/O. It is told what is sent (Sent…, Group), and what the server answers (the
// other verbs); it changes what it holds for true by answers alone. So what a failed group of messages skipped has not
// happened. For each name it says
//
//   - the client's text, as bytes, with the settings that decide how these are read (Reading);
//   - in which text the server has it now, which is another one where names had to be put in its place (Statement.Have),
//     and what it will have once what is under way is answered (Statement.Coming).
//
// An Account is not safe for concurrent use: its owner has a lock, under which the fields of its statements are, too.
package prepared

// MaxRemembered bounds the bytes of statement texts that a session remembers, unless Limit gives it less. Of what is prepared beyond it only the
// names are kept, and the server is asked for its text when it matters.
const MaxRemembered = 32 << 20

// statementCost is what a remembered statement costs beside its text.
const statementCost = 256

// An Account holds what one session has prepared. M is what its owner notes of a statement. The zero value is not ready:
// see Init.
type Account[M any] struct {
	named   map[string]*Name[M]
	unnamed Name[M]
	bytes   int
	limit   int           // of bytes
	spare   *Statement[M] // an unnamed one to use again
	reading Reading       // as the server has reported it
	readies uint64        // ReadyForQuery answered, which reports settings
	group   uint64        // groups of messages that were ended so far by a message that was sent
	pending int           // changes by SQL that were sent and are not answered
	others  int           // confirmed statements that the server has in another text than the client's
	unsure  bool          // something was prepared or deallocated that could not be followed
	doubts  uint64        // how often that was so
}

// A Name is one under which something is, was or will be prepared.
type Name[M any] struct {
	key       string
	confirmed *Statement[M] // what the server has said it has
	latest    *Statement[M] // what will be there if all that was sent succeeds; nil: nothing
	sentIn    uint64        // the group in which latest was sent
	pending   int           // Parse and Close messages that are not answered
}

// Init makes an account of nothing, for a session that reads texts so.
func (a *Account[M]) Init(r Reading) {
	*a = Account[M]{reading: r, limit: MaxRemembered}
}

// Bytes is what the statements cost that are remembered.
func (a *Account[M]) Bytes() int { return a.bytes }

// Limit bounds them for those that are opened from now on.
func (a *Account[M]) Limit(bytes int) { a.limit = bytes }

// Key is the name as PostgreSQL compares it: of identifiers NAMEDATALEN - 1 bytes count.
func Key(name []byte) []byte {
	if len(name) > 63 {
		return name[:63]
	}
	return name
}

// Find says what is prepared under a name by the time that a message which is sent now is executed, if it is; nil:
// nothing. sure is false when that depends on what an earlier group of messages has not been answered about yet, and it
// could be another statement: then the answers must be awaited.
func (a *Account[M]) Find(name []byte) (st *Statement[M], sure bool) {
	n := a.name(name)
	switch {
	case n == nil:
		return nil, a.pending == 0
	case n.pending == 0:
		return n.latest, a.pending == 0 || len(name) == 0
	case a.pending > 0 && len(name) > 0:
		return n.latest, false
	case n.sentIn == a.group: // what fails before it in its group makes the server skip the message, too
		return n.latest, true
	}
	return n.latest, n.pending == 1 && n.confirmed == nil && n.latest != nil
}

// Stands tells whether a message that is sent now meets the statement, or is skipped with what makes it.
func (a *Account[M]) Stands(st *Statement[M]) bool {
	return st.name.confirmed == st || st.name.latest == st && st.name.sentIn == a.group
}

// Confirmed is what the server has said it has under a name; nil: nothing.
func (a *Account[M]) Confirmed(name []byte) *Statement[M] {
	if n := a.name(name); n != nil {
		return n.confirmed
	}
	return nil
}

func (a *Account[M]) name(name []byte) *Name[M] {
	if len(name) == 0 {
		return &a.unnamed
	}
	return a.named[string(Key(name))]
}

// Named returns the name, to close what is under it; nil when nothing of that name is known, nor can come.
func (a *Account[M]) Named(name []byte) *Name[M] {
	n := a.name(name)
	if n == nil && a.pending > 0 {
		n = a.put(&Name[M]{key: string(Key(name))})
	}
	return n
}

// Any tells whether SQL EXECUTE might find anything.
func (a *Account[M]) Any() bool { return len(a.named) > 0 || a.pending > 0 || a.unsure }

// Others tells whether the server has, or may have, some statement in another text than the client's.
func (a *Account[M]) Others() bool { return a.others > 0 || a.unsure || a.pending > 0 }

// Settled tells whether no change by SQL is under way.
func (a *Account[M]) Settled() bool { return a.pending == 0 }

// Group takes note that a message was sent which ends a group: what fails before it is skipped no further than to it.
func (a *Account[M]) Group() { a.group++ }

// Ready takes note of a ReadyForQuery.
func (a *Account[M]) Ready() { a.readies++ }

// Read takes note that the server has reported another way to read texts. What was prepared since the last
// ReadyForQuery may have been read in either way.
func (a *Account[M]) Read(r Reading) {
	if r == a.reading {
		return
	}
	a.reading = r
	for _, n := range a.named {
		a.doubt(n.confirmed)
	}
	a.doubt(a.unnamed.confirmed)
}

func (a *Account[M]) doubt(st *Statement[M]) {
	if st != nil && st.readIn == a.readies {
		st.Read.Doubt = true
	}
}

// Reading is how the server reads texts, as it has reported.
func (a *Account[M]) Reading() Reading { return a.reading }

// Open makes the statement of a Parse or PREPARE that is about to be sent; it counts from SentParse or Change on.
func (a *Account[M]) Open(name, text []byte, types []uint32) *Statement[M] {
	n, st := &a.unnamed, a.spare
	if len(name) > 0 {
		name = Key(name)
		if n = a.named[string(name)]; n == nil {
			n = &Name[M]{key: string(name)}
		}
		st = nil
	}
	if st == nil {
		st = new(Statement[M])
	} else {
		a.spare = nil
		*st = Statement[M]{Text: st.Text[:0], Types: st.Types[:0], described: st.described[:0]}
	}
	st.name, st.Read, st.since = n, a.reading, a.doubts
	if a.bytes+len(text) > a.limit {
		st.Lost = true
		return st
	}
	st.Text = append(st.Text, text...)
	st.Types = append(st.Types, types...)
	return st
}

// SentParse takes note that a Parse was sent.
func (a *Account[M]) SentParse(st *Statement[M]) {
	a.keep(st)
	a.sent(st.name, st)
	a.bytes += st.cost()
}

// SentClose takes note that a Close was sent.
func (a *Account[M]) SentClose(n *Name[M]) { a.sent(n, nil) }

func (a *Account[M]) sent(n *Name[M], st *Statement[M]) {
	n.pending++
	n.latest, n.sentIn = st, a.group
}

// keep puts the statement's name on the list, unless one of the same key has come there since it was made.
func (a *Account[M]) keep(st *Statement[M]) {
	if st.name != &a.unnamed {
		st.name = a.put(st.name)
	}
}

// put puts a name on the list, and returns the one that is there.
func (a *Account[M]) put(n *Name[M]) *Name[M] {
	if there := a.named[n.key]; there != nil {
		return there
	}
	if a.named == nil {
		a.named = make(map[string]*Name[M])
	}
	a.named[n.key] = n
	return n
}

// Parsed takes note of the ParseComplete of a Parse.
func (a *Account[M]) Parsed(st *Statement[M]) {
	st.Read, st.readIn = a.reading, a.readies
	a.confirm(st.name, st)
	st.name.pending--
	a.rest(st.name)
}

// Closed takes note of the CloseComplete of a Close.
func (a *Account[M]) Closed(n *Name[M]) {
	a.confirm(n, nil)
	n.pending--
	a.rest(n)
}

// ParseSkipped takes note that a Parse had no effect, because it or something before it failed.
func (a *Account[M]) ParseSkipped(st *Statement[M]) {
	a.bytes -= st.cost()
	st.name.pending--
	a.rest(st.name)
}

// ParseFailed takes note that a Parse has failed itself: by then the unnamed statement before it is gone
// (exec_parse_message in postgres.c).
func (a *Account[M]) ParseFailed(st *Statement[M]) {
	if st.name == &a.unnamed {
		a.drop(&a.unnamed)
	}
}

// CloseSkipped takes note that a Close had no effect.
func (a *Account[M]) CloseSkipped(n *Name[M]) {
	n.pending--
	a.rest(n)
}

// confirm replaces what the server has under a name. st counts already.
func (a *Account[M]) confirm(n *Name[M], st *Statement[M]) {
	old := n.confirmed
	n.confirmed = st
	if st != nil && st.other() {
		a.others++
	}
	if old == nil {
		return
	}
	if old.other() {
		a.others--
	}
	a.bytes -= old.cost()
	a.spares(old)
}

// rest lets a name without pending messages show what is confirmed, and forgets it when that is nothing.
func (a *Account[M]) rest(n *Name[M]) {
	if n.pending > 0 {
		return
	}
	n.latest = n.confirmed
	if n.confirmed == nil && n != &a.unnamed && a.named[n.key] == n {
		delete(a.named, n.key)
	}
}

// spares keeps the memory of an unnamed statement that was replaced or has ended, for the next: by then nothing that was
// sent later can mean it.
func (a *Account[M]) spares(st *Statement[M]) {
	if st.name == &a.unnamed && st != a.unnamed.latest && cap(st.Text) <= 64<<10 {
		a.spare = st
	}
}

// Queried takes note that a simple Query was executed, which ends the unnamed statement (exec_simple_query in postgres.c).
func (a *Account[M]) Queried() { a.drop(&a.unnamed) }

// drop takes note that nothing is prepared under a name any more, by something else than a Close.
func (a *Account[M]) drop(n *Name[M]) {
	if n.confirmed == nil {
		return
	}
	old := n.confirmed
	a.confirm(n, nil)
	a.rest(n)
	a.spares(old)
}

// dropAll takes note of DEALLOCATE ALL or DISCARD ALL, which leave the unnamed statement alone.
func (a *Account[M]) dropAll() {
	a.unsure = false
	for _, n := range a.named {
		a.drop(n)
	}
}
