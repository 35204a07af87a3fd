package proxy

import (
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// An expect is one answer that is due.
type expect struct {
	kind  byte // type of the message that was sent; wire.CopyDone stands for CopyFail too, and has no answer
	flags expectFlags
	stmt  *statement    // of a Parse: what is prepared once it is answered; of a Describe: what is described
	name  *name         // of a Close: what is closed
	sql   *changes      // of a Query or an Execute: what its text does to what is prepared; nil: nothing
	back  *backTo       // and which of its statements are ROLLBACK TO; nil: none, or it is not known
	text  *rewrite.Text // what was rewritten to make the message; nil when nothing was
	inj   *injection    // set in a message that the client does not know of, with an answer for the proxy
	fail  *wire.Error   // in place of the error that the stand-in gets; without a code as long as it is open whether it is one
	piece *piece        // of a series; nil in other messages
}

type expectFlags byte

const (
	hidden    expectFlags = 1 << iota // an answer that the client must not see; an error it must see
	captured                          // an error that the client must not see either: it goes to inj
	last                              // inj is over with this answer
	schema                            // relations may be different afterwards
	unshared                          // if they are, others cannot see it
	reprepare                         // of the messages that prepare a statement anew, unknown to the client; stmt is set in those that matter
)

// An action says what becomes of a response.
type action byte

const (
	forward action = iota
	swallow
	mend // an error or notice that the text of the expect, or its fail, changes
	check
	collect // a row of a plan
	later   // a report of a setting, for before the client's next ReadyForQuery if it is news to it then
)

// A verdict is what respond says of a response.
type verdict struct {
	action  action
	expect  expect       // what it answers, when action is not forward
	command int          // completed commands of the same simple Query
	ended   []openMaking // of a ReadyForQuery: what was made in transactions that have ended

	postponed bool // an error that the client gets only when it is decided that its group is not sent once more
}

// statement is the number of the statement within the text that the response is about.
func (v *verdict) statement() int {
	if v.expect.kind == wire.Query {
		return v.command
	}
	return 0
}
