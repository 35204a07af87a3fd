package rewrite

import (
	"slices"
	"unicode/utf8"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/srcpos"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/prefilter"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// bindInput is a text to be bound under one lens. The tree is consumed: binding changes it in place, so whoever binds
// one text under several lenses gives each a tree of its own.
type bindInput struct {
	snap    *rules.Snapshot
	lens    *rules.Lens
	sess    *Session
	sql     string // UTF-8
	tree    *ast.ParseResult
	tokens  *syntax.Tokens
	views   *introspection    // how the system catalogs look; nil: as they are
	unseen  *prefilter.Filter // names that change the session; nil: there are none
	makers  *NameFilter       // names that lead to code which may make something; nil: there are none
	budget  *budget           // nil in tests of the binder alone
	shown   *shownNotes       // what is noted of a stored object; nil for every text of a client
	all     bool              // predict the columns of statements that concern no affected table, too
	appears *bool             // set where a function or type is used that is not known; nil: nobody asks
	within  int               // how many texts this one is within: bodies, and strings of SQL
}

// maxWithin bounds how many texts a text may be within. Each is read and held by itself, so that the memory for texts within
// texts would grow with the square of the length.
const maxWithin = 16

// inside is the input for a text within this one, which is within less than maxWithin.
func (in *bindInput) inside(sql string, tree *ast.ParseResult, t *syntax.Tokens) bindInput {
	inner := *in
	inner.sql, inner.tree, inner.tokens = sql, tree, t
	inner.within++
	return inner
}

// bound is the outcome of binding: what to change in the text, and the tree with the same changes. Of a statement with
// a Failure nothing is changed in either.
type bound struct {
	edits      []splice.Edit // sorted and free of overlaps, on the client's text
	statements []Statement   // Start and End in the client's text, first to last token
	tree       *ast.ParseResult
	catalogs   bool // the system catalogs are read, and may look different
	lacks      bool // there is a name in it that the version does not have

	planned []splice.Edit // what would have been changed in the last statement, if a name were not missing in it
	askable bool          // planned is set
}

// A binding is the work on one text. What is in statementBinding starts anew with each statement; the rest lasts.
type binding struct {
	*bindInput
	cat       *catalog.Catalog
	need      []rules.Name
	questions []string  // see NeedRelation
	unsettled unsettled // by the statements before
	moved     unsettled // by the statement at hand

	inBody    bool                 // it is analyzed whenever it runs, and not as it is made
	once      bool                 // it is in a body that is not stored: that of DO
	missingOK bool                 // the objects that it names need not exist
	vars      *variables           // of the body that the statement is in; nil elsewhere
	given     *givenRows           // to a text that EXECUTE runs; nil elsewhere
	where     func(offset int) int // counts a place as the client does, in a statement of a body
	counted   struct{ offset, characters int }

	branchless map[string][]*rules.TableLens // by functions made in the text: tables on which a trigger must not call them
	aliased    map[any]bool                  // tables and functions that get alias lists; kept while the statement is bound anew
	making     *newSchema                    // of CREATE SCHEMA; nil elsewhere
	explaining *explaining                   // nil unless the statement's plan may be shown

	statementBinding
}

// A statementBinding is what a binding knows of the statement at hand. It is replaced whole.
type statementBinding struct {
	statement Statement
	fate
	changes   []change
	asked     []splice.Edit            // besides the changes, when the server is asked for its words: see Question
	seen      map[any]struct{}         // nodes that were understood
	generated []string                 // names that it is given instead of those that the server would make up
	sublabels map[*ast.SubLink]label   // the label of the only column of a subquery used as a value
	future    map[string]int           // WITH queries that are being bound and cannot be named yet, by name (p_future_ctes)
	recursing map[*ast.SelectStmt]*cte // the WITH queries whose body that is
	byPlace   map[any]bool             // statements of which the labels do not matter
	placed    map[int]bool             // tokens that are known to begin the USING of a join
	aliasLists
	table   int // the word TABLE of the SELECT at hand; -1 when it is written otherwise
	columns map[*ast.ColumnRef]*column
	renamed map[*ast.ColumnRef]bool // references whose last name changes
	rowBinding
	catalogs  catalogUse
	xmlTables map[*ast.FuncCall]*rules.TableLens // calls of table_to_xml and its like that are mapped

	expressions map[string]*ast.Node // by which columns are read, by their text

	renamesTables, renamingKnown bool                          // see renaming
	sublinkTypes                 map[*ast.SubLink]catalog.OID  // the types of subqueries used as a value, as exprType has them
	callTypes                    map[*ast.FuncCall]catalog.OID // the types of calls, as far as they were asked for
}

// unsettled is what earlier statements of the same text have changed, unseen by whoever resolves names now.
type unsettled struct {
	version   bool // segue.version
	path      bool // search_path or temporary tables
	reading   bool // how texts are read, and nothing else
	relations bool // relations were made or dropped
	rows      bool // something was made that may hold rows of a table under migration
	code      bool // something was made that may change the session when it is used

	made map[string]bool // names of what was made or altered; true when it may hold such rows
}

// bind resolves every name of a text by PostgreSQL's rules. Its only error is *NeedRelation.
func bind(in *bindInput) (*bound, error) {
	b := &binding{bindInput: in, cat: in.snap.Catalog}
	out := &bound{tree: in.tree}
	for _, raw := range in.tree.Stmts {
		if raw.GetStmt().GetNode() == nil {
			continue
		}
		b.bindWhole(raw)
		b.resettleUnseen()
		out.lacks = out.lacks || b.failure != nil
		out.catalogs = out.catalogs || len(b.catalogs.items) > 0 || b.catalogs.used || b.catalogs.constants
		if b.statement.Effect.Schema {
			b.statement.Effect.Made = madeBy(b.cat, raw.Stmt)
			b.statement.Effect.Schema = len(b.statement.Effect.Made) > 0 || raw.Stmt.GetDoStmt() == nil
			for i := range b.statement.Effect.Made {
				m := &b.statement.Effect.Made[i]
				text := b.sql[b.statement.Start:b.statement.End]
				m.Changes, m.Makes = m.changesSession(b.unseen, text), m.makesMore(b.cat, b.makers, text)
			}
		}
		out.edits = append(out.edits, b.finish(raw)...)
		if out.askable = b.failure != nil && b.statement.Failure == b.failure; out.askable {
			out.planned, out.askable = b.plannedEdits()
		}
		b.statement.Effect.Version = b.moved.version
		out.statements = append(out.statements, b.statement)
		b.settle()
	}
	if len(b.need)+len(b.questions) > 0 {
		return nil, &NeedRelation{Names: b.need, Questions: each(b.questions), Single: len(in.tree.Stmts) == 1}
	}
	return out, nil
}

// bindWhole binds a statement, and does so again when it has turned out that tables in it need alias lists.
func (b *binding) bindWhole(raw *ast.RawStmt) {
	b.aliased = nil
	for known := -1; known < len(b.aliased); {
		known = len(b.aliased)
		b.begin(raw)
		b.bindStatement(raw.Stmt)
	}
}

func (b *binding) begin(raw *ast.RawStmt) {
	first := b.tokens.At(int(raw.StmtLocation))
	last := b.tokens.Len() - 1
	if raw.StmtLen > 0 {
		last = b.tokens.Before(int(raw.StmtLocation + raw.StmtLen))
	}
	for last > first && b.tokens.Is(last, ';') {
		last--
	}
	b.statementBinding = statementBinding{
		statement: Statement{Start: b.tokens.Start(first), End: b.tokens.End(last), Tag: nodeName(raw.Stmt)},
		changes:   b.changes[:0],
		seen:      map[any]struct{}{},
		sublabels: map[*ast.SubLink]label{},
		columns:   map[*ast.ColumnRef]*column{},
		renamed:   map[*ast.ColumnRef]bool{},
		table:     -1,
	}
	b.parameters()
}

// finish decides what becomes of the statement, and carries out its changes in the tree if they are to be sent.
func (b *binding) finish(raw *ast.RawStmt) []splice.Edit {
	b.finishCatalogs()
	if b.affected {
		b.demandAllSeen(raw.Stmt)
	}
	if b.besideMade && b.affected {
		b.unsupported(-1, refusedSeries, "a statement", "uses what has just been altered")
		b.doubted = true
	}
	if b.unsettledMatters() || b.catalogs.used && b.unsettled.version {
		b.forbidden(b.unsettledRefusal())
	}
	b.gateCatalogs()
	if b.statement.Failure = b.verdict(); b.statement.Failure != nil && b.statement.Failure == b.failure {
		b.failure.natural = !b.affected && len(b.changes) == 0 && (!b.sess.Unsettled || b.failure.anyway) && b.failure.natural
	}
	if b.statement.Failure != nil {
		b.statement.Columns = nil
		return nil
	}
	if !b.affected && !b.all {
		b.statement.Columns = nil // the client's own text needs no second look
	}
	return b.applyChanges()
}

// unsettledMatters tells whether an earlier statement of the text may have changed what this one means.
func (b *binding) unsettledMatters() bool {
	if len(b.statement.Tables) == 0 {
		return false
	}
	return b.unsettled.version || b.unsettled.path && !b.allIdentity()
}

func (b *binding) unsettledRefusal() *Error {
	what := "search_path or temporary tables"
	if b.unsettled.version {
		what = "segue.version"
	}
	message := "a statement on a table under migration cannot follow a change of " + what + " in the same string of statements"
	return refusedSeries.raise(b.statement.Tag, message, 0)
}

// settle notes what the statement changes for those that follow in the text.
func (b *binding) settle() {
	e := b.statement.Effect
	b.unsettled.relations = b.unsettled.relations || e.Schema || e.State && (b.moved.path || b.moved.version || !b.moved.reading)
	rows := e.Schema && b.seesRows()
	for _, m := range e.Made {
		b.unsettled.code = b.unsettled.code || m.Changes
		held := m.Rows && rows || m.heir && b.affected
		if b.unsettled.rows = b.unsettled.rows || held; m.Name != "" && !b.isAffectedName(m.Name) {
			put(&b.unsettled.made, m.Name, b.unsettled.made[m.Name] || held)
		}
	}
	b.unsettled.rows = b.unsettled.rows || rows
	b.unsettled.path = b.unsettled.path || b.moved.path
	b.unsettled.version = b.unsettled.version || b.moved.version
	b.moved = unsettled{}
}

// resettle notes that the statement changes a setting; an empty name stands for any.
func (b *binding) resettle(setting string) {
	switch setting {
	case versionSetting:
		b.moved.version = true
	case "search_path", "role", "session_authorization":
		b.moved.path = true
	case "":
		b.moved.version, b.moved.path = true, true
	case "standard_conforming_strings", "client_encoding":
		b.moved.reading = true
	default:
		return
	}
	b.statement.Effect.State = true
}

// allIdentity tells whether the version sees every table as it physically is.
func (b *binding) allIdentity() bool {
	return !slices.ContainsFunc(b.lens.Tables, func(t *rules.TableLens) bool { return !t.Identity })
}

// fail records that the version has no such name. natural says that the server raises the same by itself if it is
// sent the client's text.
func (b *binding) fail(code string, location int, natural bool, message, hint string) {
	if b.failure != nil {
		return
	}
	b.missing(&Error{Code: code, Message: message, Hint: hint, Position: b.position(location), natural: natural, pos: srcpos.Here()})
}

// unsupported records that something was met that is refused where it concerns an affected table: construct names it,
// why completes the sentence "construct …".
func (b *binding) unsupported(location int, r refusal, construct, why string) {
	if b.refusal == nil {
		b.refused(r.raise(construct, "segue cannot rewrite this statement: "+construct+" "+why, b.position(location)))
	}
}

// refuse is unsupported for a construct that has no line of its own in the list.
func (b *binding) refuse(location int, construct, why string) {
	b.unsupported(location, refusedConstruct, construct, why)
}

// position turns a byte offset into PostgreSQL's 1-based count of characters; 0 for an unknown offset.
func (b *binding) position(offset int) int {
	if offset < 0 || offset > len(b.sql) {
		return 0
	}
	if b.where != nil {
		return b.where(offset)
	}
	return b.characters(offset) + 1
}

// characters is the number of characters before a byte offset. It counts on from the last that was asked for: many
// statements of one text can fail.
func (b *binding) characters(offset int) int {
	if offset < b.counted.offset {
		b.counted.offset, b.counted.characters = 0, 0
	}
	b.counted.characters += utf8.RuneCountInString(b.sql[b.counted.offset:offset])
	b.counted.offset = offset
	return b.counted.characters
}

// concern records that the statement names a table under migration.
func (b *binding) concern(t *rules.TableLens) {
	if t == nil {
		return
	}
	if !slices.Contains(b.statement.Tables, t.OID) {
		b.statement.Tables = append(b.statement.Tables, t.OID)
	}
	if !t.Identity {
		b.affected = true
	}
}

// use records the use of a logical name; see Use.
func (b *binding) use(t *rules.TableLens, column string) {
	if t == nil {
		return
	}
	u := Use{Table: t.OID, Name: t.Logical, Column: column}
	if !slices.Contains(b.statement.Uses, u) {
		b.statement.Uses = append(b.statement.Uses, u)
	}
}

// each is a list without what it has had before.
func each(list []string) []string {
	had := make(map[string]bool, len(list))
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool {
		again := had[s]
		had[s] = true
		return again
	})
}
