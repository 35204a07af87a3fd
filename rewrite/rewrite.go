package rewrite

import (
	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/srcpos"
	"github.com/seguedb/segue/rewrite/charset"
	"github.com/seguedb/segue/rewrite/explain"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/wording"
	"github.com/seguedb/segue/rules"
)

// A Session is what decides, besides the lens, what the text of a statement means. It is filled from the session's own
// server before the first statement that matters, and is not changed while a Rewrite runs.
type Session struct {
	User       string       // who it is; decides nothing but for whom a rewrite is distrusted
	Version    string       // the version that it is pinned to; "" when unpinned
	Default    string       // the version that an unpinned statement is bound in first; rules.Base when empty
	Unpinned   UnpinnedMode // what becomes of unpinned statements
	SearchPath []string     // current_schemas(true): pg_temp_N first where the session has one, pg_catalog where Postgres puts it

	// Overlay holds what only the session can see: its temporary tables, tables created in its open transaction, and
	// the answers to NeedRelation. A nil relation means that the server knows none of that name.
	// The key is the name as asked for: an empty Schema stands for a name that is looked up in the search_path.
	Overlay map[rules.Name]*catalog.Relation

	// MakesTemporary says that a relation that is made without a schema's name is a temporary one: the first schema that
	// search_path names, of those that are there, is pg_temp. SearchPath has no pg_temp_N before the session has one.
	MakesTemporary bool

	// Answers are those to NeedRelation.Questions.
	Answers map[string]string

	StandardStrings bool   // standard_conforming_strings
	Encoding        string // client_encoding, as Postgres spells it; "" means UTF8

	// Work is told when a text must be bound, and can end it; nil: nobody is.
	Work Work

	// Params are the types that a Parse gives for the parameters of the text, where Binder.MatchTypes has found them; 0
	// stands for any other type.
	Params []catalog.OID
	// Unsettled says that something may be there by the time that the text is executed which was not when the session
	// was asked: then an error for a missing name is not left to the server.
	Unsettled bool
	// Changers says that each statement may change the session when it runs, by a function that was made a moment ago.
	Changers bool
	// Makers says that each statement may make something unseen, likewise.
	Makers bool
	// KeepTypes says that the client goes by the types of the text's result, of a statement that it has prepared before: then an
	// OID alias value stays one, and printing it fails where the database would print another name than the version's.
	KeepTypes bool
	// Behind says that the transaction may see the database as it was before the snapshot was taken: then the names that the
	// snapshot says are stored may not be there.
	Behind bool
}

// UnpinnedMode says what happens to statements of sessions that chose no version.
type UnpinnedMode byte

// The modes, as given by --unpinned.
const (
	UnpinnedAuto    UnpinnedMode = iota // the default version, or the one other version that binds the whole statement
	UnpinnedDefault                     // the default version only
	UnpinnedRefuse                      // 0A000 on tables under migration
)

// A Text is the outcome of rewriting one text, which may hold several statements. It is immutable, and shared by all
// sessions to which it applies.
type Text struct {
	SQL        string        // what to send; the client's own bytes when nothing had to change
	Client     string        // what the client sent
	Changed    bool          // SQL differs from Client
	Version    string        // the version it was bound in
	Ambiguous  bool          // unpinned, and several versions bind it differently
	Statements []Statement   // in order; empty statements are not listed
	Tables     []catalog.OID // the tables under migration that any of its statements names, each once
	GivenUp    bool          // its binding was ended by Session.Work or took too long: another try may fare better
	TxControl  bool          // several statements, and one of them begins or ends a transaction
	Question   *Question     // how to have the server say why the text must fail; nil when it need not be asked
	Pieces     []Piece       // not nil: it was not bound, and its pieces are to be given to Rewrite and sent one by one

	clientUTF8 string        // Client as UTF-8 where the session's encoding is another, else ""
	sentUTF8   string        // SQL likewise
	edits      []splice.Edit // from clientUTF8 to sentUTF8
	charset    charset.Encoding
	oracle     oracle
	names      wording.Names
	tally      tally
	lasting    bool // it means the same for as long as what has a name in it does: see Binder.Successor
	settled    bool // it is lasting, and means the same whatever Session.Unsettled says
	sample     sample
	like       *Text // the template of a text that was rewritten by one
}

// A Statement is one statement of a Text.
type Statement struct {
	Start, End int    // byte range in Text.SQL
	Tag        string // the parser's name of the node: SelectStmt, InsertStmt, …
	Tables     []catalog.OID
	Uses       []Use
	Columns    []Column // predicted RowDescription; nil where the statement returns none or it is not predicted
	Failure    *Error   // set when this statement must fail: see Text.FailureAt
	Effect     Effect

	lacks bool               // a body in it has a name that the version lacks
	asked []string           // the questions whose answers it depends on
	given []string           // what is put into it whose constants are the lens's, and none the client's
	flips []string           // the markers of the changes both sides of which it writes
	sides []flipParameter    // what it writes them of
	plan  *explain.Statement // set when it shows a plan, now or when it is executed
}

// A Use is one use of a logical name of a table under migration. Column is "" for the table's own name, and "*" where
// all columns are meant.
type Use struct {
	Table  catalog.OID
	Name   string // the table's logical name
	Column string
}

// A Column is what the binder predicts of one column of a RowDescription. Table and Num are 0 where the column is no
// plain column of a table; Known tells whether Table and Num were predicted at all.
type Column struct {
	Label string
	Table catalog.OID
	Num   int16
	Known bool
}

// Effect is what a statement does to the session, as far as it decides the meaning of later texts.
type Effect struct {
	// State: search_path, segue.version, role, temporary tables or standard_conforming_strings may be different afterwards: the session is to be read again before its next statement that matters.
	State bool
	// Version, with State: what may be different is segue.version.
	Version bool
	// Schema: relations may be different afterwards for everybody (CREATE, ALTER, DROP).
	Schema bool
	Made   []Made // with Schema: what later texts may show rows of a table under migration by

	Prepare    *Prepare // PREPARE name AS …
	Cursor     bool     // DECLARE name CURSOR FOR …
	Execute    string   // EXECUTE name, also inside EXPLAIN and CREATE TABLE AS
	Names      bool     // with Execute: an argument may be the name of a table that is called otherwise in the database
	Deallocate string   // DEALLOCATE name
	DropAll    bool     // DEALLOCATE ALL, DISCARD ALL
}

// A Prepare is one SQL-level PREPARE: the name, and the client's own text of the whole PREPARE statement.
type Prepare struct {
	Name   string
	Client string
}

// An Error is an error that the rewriter raises in place of the server. It implements error.
type Error struct {
	Code     string // SQLSTATE: 0A000 when refused, 42703 and the like when the version's schema has no such name
	Message  string
	Detail   string
	Hint     string
	Position int    // 1-based, in characters of the client's text, as Postgres counts; 0 when unknown
	Node     string // for 0A000: the construct that is not understood

	natural bool // the server raises the same by itself if it is sent the client's own text
	anyway  bool // or does what the text says if the name is there by then, which is the client's own
	worded  bool // its hint is the one that the server would give
	awaits  bool // it is about a function or type that the catalog does not have, while something is being made
	pos     srcpos.Pos
}

// Place is where in this package's source the error was found, for the fields of the protocol that say so.
func (e *Error) Place() (file string, line int, function string) {
	return e.pos.Place("raise", "fail", "unsupported", "refuse", "forbid", "misplaced", "notUnderstood", "failAmbiguous")
}

func (e *Error) Error() string { return e.Message + " (SQLSTATE " + e.Code + ")" }

// NeedRelation is returned by Rewrite when binding depends on relations that neither the catalog nor the session's
// overlay knows, or on definitions as the session's server prints them: ask the session's own server for them, put the
// answers into the session, and call again.
type NeedRelation struct {
	Names []rules.Name // physical names as to be given to to_regclass; an empty Schema means the search_path

	// Questions are queries, each of one value in ASCII: put it into Session.Answers; "" where there is none.
	Questions []string

	Single bool // the text is a single statement
}

func (e *NeedRelation) Error() string { return "relations are not known yet" }
