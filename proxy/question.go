package proxy

import (
	"time"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// A question is what must be known, or must have come about, before it can be decided what becomes of a message. A decision returns
// it in place of an outcome. Whoever drives the session sees to it, gives it to answered, and has the message decided again
// from its beginning: no decision goes on where it has stopped. What was learnt is in the session's state (or in deciding, if it is
// forgotten with the message), so that the same question does not come again.
//
// It is an error because decisions are made some calls deep, and none of the functions between can go on without the answer.
type question struct {
	kind questionKind

	groups    []*hiddenGroup   // of ownQueries, preparingAgain and trialParse: to be sent one after the other is answered
	epoch     *epoch           // of locks, theGate and news: that in force
	base      *catalog.Catalog // of ownCatalog: what has been read before
	code      bool             // of ownCatalog: also which functions change the session
	setting   string           // of searchPath
	role      string           // likewise
	relations []catalog.OID    // of heirs
	tables    []catalog.OID    // of heirs: those under migration
	deadline  time.Time        // of news
	bytes     int              // of moreOfMessage: how many there must be

	// What the answer is, set before then is called without an error.
	catalog *catalog.Catalog // of ownCatalog
	path    []string         // of searchPath
	yes     bool             // of locks: one is held; of heirs: there is one

	// then stores the answer, or what err says there is in its place; nil: the error is the message's. What it returns is another
	// question that follows, or what the message ends with; nil and errMoved: it is to be decided again.
	then func(err error) error
}

type questionKind byte

const (
	answersDue     questionKind = iota // until all that was sent has been answered
	readyDue                           // until every ReadyForQuery has come
	ownQueries                         // what the session's own server answers
	preparingAgain                     // until a statement is prepared anew on it
	trialParse                         // what it says of a text
	ownCatalog                         // what it shows of the catalog
	searchPath                         // where a search_path leads, asked on another connection
	locks                              // whether the session holds a lock that a gate waits for, asked on another connection
	theGate                            // until another epoch is in force
	news                               // likewise; what is stored is read
	moreOfMessage                      // more of the message from the client
	heirs                              // whether relations inherit from tables under migration, asked on another connection
	newestSnapshot                     // what is stored, to be in force
)

func (q *question) Error() string { return "a question is open" }

// answered takes the answer, which is in the question, or err if there is none.
func (q *question) answered(err error) error {
	if q.then == nil {
		return err
	}
	return q.then(err)
}

// rescue has handle make of an error what it means in this place, be it here already or the answer to a question.
func rescue(err error, handle func(error) error) error {
	q, asks := err.(*question)
	if !asks {
		return handle(err)
	}
	then := *q
	q.then = func(err error) error { return rescue(then.answered(err), handle) }
	return q
}

// A deciding is what was found out for the message at hand. It is forgotten with the message.
type deciding struct {
	rounds  int         // questions so far
	binding textBinding // of the text that was bound last

	changesKnown bool
	changes      *changes // what a Query's text does to what is prepared by SQL

	names     bool   // what was known of free names has been forgotten
	unread    bool   // the state could not be read: the first statement that needs it will say so
	recounted bool   // what is prepared is known
	lockAt    *epoch // at the closed gate of which it is known whether the session holds a lock
	holdsLock bool

	makes bool                  // the text executes by name what may make something unseen
	texts map[*statement]string // of those that the account has not kept
	left  map[string]bool       // names of what cannot be adapted, where it is not said that it is executed

	contradicts   *rewrite.Binder // the catalog as the session sees it
	contradiction error
	deadline      time.Time
}

// used tells whether anything may be in it.
func (d *deciding) used() bool {
	return d.rounds > 0 || d.names || d.makes || d.changesKnown || d.binding.spent > 0
}

// maxRounds bounds how often one message is decided anew: because something had to be asked, or the epoch moved.
const maxRounds = 1000

func unresolved() error {
	return raise(&wire.Error{Code: "0A000", Message: "segue: the names in this statement cannot be resolved"})
}

// answered asks that all that was sent has been answered.
func (s *session) answered() error {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	if s.queue.pipeline.answered() {
		return nil
	}
	return &question{kind: answersDue}
}

// synced asks that every ReadyForQuery has come, so that the transaction state is known.
func (s *session) synced() error {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	if s.queue.pipeline.synced() {
		return nil
	}
	return &question{kind: readyDue}
}
