package prepared

import "encoding/binary"

// A Reading is what decides how the server reads the bytes of a text. backslash_quote is none of it: what was accepted
// once is read in the same way when that is on.
type Reading struct {
	Encoding string // client_encoding, as Postgres spells it
	Standard bool   // standard_conforming_strings
	Doubt    bool   // it was another one at about that time
}

// Matters tells whether a text means something else, or might, when it is read in another way.
func Matters[T string | []byte](text T) bool {
	for i := range len(text) {
		if text[i] >= 0x80 || text[i] == '\\' {
			return true
		}
	}
	return false
}

// A Statement is one prepared statement as the client knows it, and what the server has under its name.
type Statement[M any] struct {
	name *Name[M]

	Text   []byte   // the client's: of a Parse, or the whole PREPARE statement
	Read   Reading  // how Text was read
	Lost   bool     // Text was not kept, for want of room
	Types  []uint32 // of the parameters, as far as a Parse gave them
	SQL    bool     // it was made by PREPARE
	Before int      // with SQL: the characters of the client's string before the PREPARE, for positions of errors
	Memo   M        // the owner's

	Have   Served // what the server has, as far as it has answered
	Coming Served // what it will have when what is under way is answered; as Have when nothing is

	readIn    uint64   // the account's readies when it was made
	since     uint64   // the account's doubts when it was sent
	shown     string   // with SQL: the string that it was part of as the server has got and shows it; "": it was alone
	described []uint32 // of all parameters, once the server has told
	known     bool     // described is set
}

// Served is what the server has prepared under a statement's name.
type Served struct {
	Text   string // in place of the client's; "": the client's own
	Absent bool   // nothing: preparing it anew has failed
}

// Name is the statement's; "" of the unnamed one.
func (st *Statement[M]) Name() string { return st.name.key }

func (st *Statement[M]) cost() int {
	return statementCost + len(st.Text) + 4*len(st.Types) + len(st.shown)
}

// other tells whether the server has the statement in another text than the client's.
func (st *Statement[M]) other() bool { return st.Have != Served{} }

// Describe keeps the parameter types of the body of a ParameterDescription. What is cut off or malformed is not kept.
func (st *Statement[M]) Describe(body []byte) {
	if len(body) < 2 || len(body) != 2+4*int(binary.BigEndian.Uint16(body)) {
		return
	}
	st.described, st.known = st.described[:0], true
	for body = body[2:]; len(body) > 0; body = body[4:] {
		st.described = append(st.described, binary.BigEndian.Uint32(body))
	}
}

// Parameters are the types with which to prepare the statement anew.
func (st *Statement[M]) Parameters() []uint32 {
	if st.known {
		return st.described
	}
	return st.Types
}

// IsUnder tells whether the statement is what the server has under its name: it may have been replaced meanwhile.
func (st *Statement[M]) IsUnder() bool { return st.name.confirmed == st && st.name.pending == 0 }

// Replace takes note that the statement is about to be prepared anew, unknown to the client, in that text. Removed and
// Replaced follow when that is answered, or Kept.
func (a *Account[M]) Replace(st *Statement[M], with Served) { st.Coming = with }

// Removed takes note that the server has nothing under the name any more, in the middle of preparing it anew.
func (a *Account[M]) Removed(st *Statement[M]) {
	a.bytes -= len(st.shown)
	st.shown = ""
	a.serve(st, Served{Absent: true})
}

// Replaced takes note that the server has the statement in the text that was coming.
func (a *Account[M]) Replaced(st *Statement[M]) { a.serve(st, st.Coming) }

// Kept takes note that preparing it anew is over, whatever has come of it.
func (a *Account[M]) Kept(st *Statement[M]) { st.Coming = st.Have }

// Void takes note that what the server has must not be used.
func (a *Account[M]) Void(st *Statement[M]) {
	a.serve(st, Served{Absent: true})
	a.Kept(st)
}

func (a *Account[M]) serve(st *Statement[M], have Served) {
	counted := st.name.confirmed == st
	if counted && st.other() {
		a.others--
	}
	st.Have = have
	if counted && st.other() {
		a.others++
	}
}
