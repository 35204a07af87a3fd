package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/plpgsql"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// A StoredObject is something whose SQL the database keeps: a function, or what else is kept parsed and printed again.
type StoredObject struct {
	SQL      string          // a statement, as the server prints it; empty for a function
	Function *StoredFunction // nil for anything else
	OID      catalog.OID     // of the function
}

// A Showing is a name that a stored object shows and that is another one after the DDL: as a key of JSON that is made of
// whole rows, or as a value.
type Showing struct {
	By       string      // what shows it: a function, a variable of triggers
	Through  string      // the function that the object calls and that shows it; "" where the object does
	On       catalog.OID // the table with the trigger for which it is shown; 0: for whatever it is called
	Table    catalog.OID
	Column   bool // it is the name of a column, and otherwise that of the table
	From, To string
}

// Shown tells of each object what it shows, in the database that rules.Renaming describes: now is the catalog from which
// that was made. What is kept as text goes on as it stands. Nothing is said of functions in languages that cannot be read.
func Shown(after *rules.Snapshot, now *catalog.Catalog, list []StoredObject) [][]Showing {
	s := &shownSearch{after: after, now: now, list: list, functions: map[catalog.OID]int{}, out: make([][]Showing, len(list)),
		state: make([]byte, len(list))}
	words := slices.Clone(showingWords)
	for i := range list {
		if f := list[i].Function; f != nil {
			s.functions[list[i].OID] = i
			if f.readable() && s.takesAnyRow(i) && containsAny(list[i].text(), showingWords) {
				words = append(words, strings.ToLower(f.Name)) // what it shows depends on who calls it
			}
		}
	}
	for len(words) > 0 {
		var more []string
		for i := range list {
			if s.state[i] == judgedNot && containsAny(list[i].text(), words) {
				s.judge(i)
			}
			if f := list[i].Function; f != nil && s.state[i] == judged && len(s.out[i]) > 0 {
				s.state[i] = judgedNamed
				more = append(more, strings.ToLower(f.Name))
			}
		}
		words = more
	}
	return s.out
}

// showingWords are what a text has that shows names by itself, in lower case.
var showingWords = []string{"json", "hstore", "xml", "populate", "#=", "regclass", "pg_typeof", "tg_table_name", "tg_relname"}

func containsAny(text string, words []string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

func (o *StoredObject) text() string {
	if o.Function != nil {
		return o.Function.Definition
	}
	return o.SQL
}

func (f *StoredFunction) readable() bool { return f.Language == "sql" || f.Language == "plpgsql" }

// The states of an object in a search.
const (
	judgedNot  byte = iota
	judgingNow      // and called by itself
	judged
	judgedNamed // and those that call it have been looked for
)

// A shownSearch is the work on all objects.
type shownSearch struct {
	after     *rules.Snapshot
	now       *catalog.Catalog
	list      []StoredObject
	functions map[catalog.OID]int // by OID: its place in the list
	out       [][]Showing
	state     []byte
	depth     int
}

// maxCallDepth bounds how far calls are followed for rows that a function takes without saying of which table.
const maxCallDepth = 8

// takesAnyRow tells whether a function has a parameter that may be a row of any table.
func (s *shownSearch) takesAnyRow(i int) bool {
	f := s.catalogFunction(s.list[i].OID, s.list[i].Function.Name)
	return f != nil && slices.ContainsFunc(f.ArgTypes, isAnyRow)
}

// isAnyRow tells of types that take rows of any table.
func isAnyRow(typ catalog.OID) bool {
	return isPolymorphic(typ) || typ == recordType || typ == anyType
}

// The numbers of pg_type.dat.
const (
	recordType  catalog.OID = 2249
	anyType     catalog.OID = 2276
	voidType    catalog.OID = 2278
	triggerType catalog.OID = 2279
)

func (s *shownSearch) catalogFunction(oid catalog.OID, name string) *catalog.Function {
	for _, f := range s.after.Catalog.Functions(name) {
		if f.OID == oid {
			return f
		}
	}
	return nil
}

// judge finds out what object i shows.
func (s *shownSearch) judge(i int) {
	s.state[i] = judgingNow
	s.out[i] = s.shows(&s.list[i], nil)
	s.state[i] = judged
}

// shows finds out what an object shows, a function given values for those of its parameters that any row can be.
func (s *shownSearch) shows(o *StoredObject, given map[int]value) (list []Showing) {
	notes := &shownNotes{given: given}
	j := &judging{after: s.after, f: o.Function, budget: startBudget(nil, "", DefaultBindCPU), notes: notes}
	defer j.budget.end()
	defer func() {
		if recover() != nil { // it cannot be bound: what has been noted holds
			list = s.settle(notes, 0)
		}
	}()
	switch f := o.Function; {
	case f == nil:
		j.statement(o.SQL)
	case !f.readable():
	case f.Trigger && f.Language == "plpgsql":
		return s.trigger(j)
	default:
		j.function()
	}
	return s.settle(notes, 0)
}

// statement binds what is no function.
func (j *judging) statement(sql string) {
	t, err := syntax.Scan(sql)
	if err != nil {
		return
	}
	tree, err := syntax.Parse(sql)
	if err != nil {
		return
	}
	b := j.binding(sql, tree, t)
	for _, raw := range tree.Stmts {
		b.bindWhole(raw)
	}
}

// trigger finds out what a function shows whoever calls it, and then for each table whose trigger does.
func (s *shownSearch) trigger(j *judging) []Showing {
	f := j.f
	s.triggerBody(j, f.Source, nil)
	out := s.settle(j.notes, 0)
	branches := storedBranches(f.Source)
	for _, oid := range f.Tables {
		rel, before := s.after.Catalog.Relation(oid), s.now.Relation(oid)
		t := s.after.Lens(rules.Base).Table(oid)
		if rel == nil || before == nil || t == nil || t.Identity {
			continue
		}
		text := f.Source
		if branches != nil {
			text = branches.taken(s.after.Catalog, rel)
		}
		j.notes = &shownNotes{}
		bd := s.triggerBody(j, text, t)
		if branches != nil && text != branches.taken(s.now, before) {
			j.notes = &shownNotes{} // the one block shows what the other does
		}
		if bd == nil && containsAny(text, showingWords) {
			for _, m := range movedColumnsOf(t) {
				j.notes.add("its body, which cannot be read,", m)
			}
		}
		if bd != nil {
			bd.noteTriggerNames(t)
		}
		for _, sh := range s.settle(j.notes, oid) {
			own := sh
			own.On = 0
			if !slices.Contains(out, own) && !slices.Contains(out, sh) {
				out = append(out, sh)
			}
		}
	}
	return out
}

// triggerBody binds the body for triggers on a table, or for nobody's; it is nil where that cannot be done.
func (s *shownSearch) triggerBody(j *judging, text string, t *rules.TableLens) *body {
	read, ok := plpgsql.Read(text)
	if !ok {
		return nil
	}
	own := j.binding("", nil, nil)
	own.unsettled.relations = true // nobody can be asked: what is no relation is one that REFERENCING names
	bd := &body{binding: own, of: "a function's body", literal: &stringConstant{text: text}}
	if !bd.bindPL(read, newTriggerVariables(own, j.f.Name, t)) {
		return nil
	}
	if t != nil {
		bd.noteComputed(read, movedColumnsOf(t))
	}
	return bd
}

// settle adds to what has been noted what the functions show that are called, and returns each once.
func (s *shownSearch) settle(notes *shownNotes, on catalog.OID) []Showing {
	var out []Showing
	add := func(sh Showing) {
		sh.On = on
		if !slices.Contains(out, sh) {
			out = append(out, sh)
		}
	}
	for _, sh := range notes.list {
		add(sh)
	}
	for _, c := range notes.calls {
		for _, sh := range s.called(c) {
			if sh.On == 0 {
				sh.Through = c.function.Name
				add(sh)
			}
		}
	}
	return out
}

// called is what a function shows in a call.
func (s *shownSearch) called(c shownCall) []Showing {
	i, known := s.functions[c.function.OID]
	if !known || s.depth > maxCallDepth {
		return nil
	}
	if c.any {
		s.depth++
		defer func() { s.depth-- }()
		return s.shows(&s.list[i], map[int]value{c.argument: c.row})
	}
	if s.state[i] == judgedNot {
		s.judge(i)
	}
	return s.out[i]
}

// noteTriggerNames notes the variables of triggers that have the table's name.
func (bd *body) noteTriggerNames(t *rules.TableLens) {
	if t.Logical == t.Physical {
		return
	}
	renamed := movedName{table: t.OID, from: t.Logical, to: t.Physical}
	names := func(n *ast.Node) string { return ast.LastName(n.GetColumnRef().GetFields()) }
	bd.walkNodes(func(n *ast.Node) {
		switch name := names(n); name {
		case "tg_table_name", "tg_relname":
			bd.shown.add(strings.ToUpper(name), renamed)
		}
		if isRegclass(n.GetTypeCast()) && names(n.GetTypeCast().GetArg()) == "tg_relid" {
			bd.shown.add("TG_RELID::regclass", renamed)
		}
	})
}

// noteComputed notes statements that a body computes, or gives rows to, and that may show the names of a table's columns.
func (bd *body) noteComputed(read *plpgsql.Body, moved []movedName) {
	dynamic, text, asks := false, false, false
	for i := range read.Fragments {
		dynamic = dynamic || read.Fragments[i].Dynamic && !read.Fragments[i].Known
	}
	bd.walkNodes(func(n *ast.Node) {
		text = text || containsAny(n.GetAConst().GetSval().GetSval(), showingWords)
		asks = asks || slices.Contains(tellingVariables, ast.LastName(n.GetColumnRef().GetFields()))
	})
	if dynamic && text && asks {
		for _, m := range moved {
			bd.shown.add("EXECUTE", m)
		}
	}
}
