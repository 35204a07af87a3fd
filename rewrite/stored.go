package rewrite

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/plpgsql"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// A StoredFunction is a function or a procedure whose body is kept as text, as the database has it.
type StoredFunction struct {
	Definition string // as pg_get_functiondef prints it
	Name       string
	Language   string
	Source     string        // its body
	Trigger    bool          // it is for triggers
	Tables     []catalog.OID // with a trigger that calls it
}

// A Loss is what a stored function says of names that will be gone.
type Loss struct {
	Names  []string // those that it surely names
	Unread string   // why it cannot be told whether it names others, as the end of "it"; "" where it can
}

// Loses binds a stored function in the database that rules.Renaming describes, and tells whether it names what will be gone.
// gone are the names that nothing under the migration has any more. A word that is a keyword, a variable, a parameter,
// a column of another table, or part of a string or a comment is no such name.
func Loses(after *rules.Snapshot, f *StoredFunction, gone []string) (loss Loss) {
	j := &judging{after: after, f: f, gone: gone, budget: startBudget(nil, "", DefaultBindCPU)}
	defer j.budget.end()
	defer func() {
		if recover() != nil {
			loss = Loss{Unread: "cannot be bound"}
		}
	}()
	switch {
	case f.Language != "sql" && f.Language != "plpgsql":
		j.unread("is in a language that Segue does not read: " + f.Language)
	case f.Trigger && f.Language == "plpgsql":
		j.trigger()
	default:
		j.function()
	}
	return j.loss
}

// A judging is the work on one stored function.
type judging struct {
	after  *rules.Snapshot
	f      *StoredFunction
	gone   []string
	path   []string // see binding
	budget *budget
	loss   Loss
	notes  *shownNotes // see Shown; nil when names that go are looked for
}

// unread notes the first reason for which not all is known of the function.
func (j *judging) unread(why string) {
	if j.loss.Unread == "" {
		j.loss.Unread = why
	}
}

// name notes that the function uses a name.
func (j *judging) name(name string) {
	if slices.Contains(j.gone, name) && !slices.Contains(j.loss.Names, name) {
		j.loss.Names = append(j.loss.Names, name)
	}
}

// binding is what to bind a text with. Nobody knows the search_path under which it will run, so that all schemas are in
// it: where several of them have a relation of a name that matters, the body is refused (namesTwice).
func (j *judging) binding(sql string, tree *ast.ParseResult, t *syntax.Tokens) *binding {
	if j.path == nil {
		j.path = []string{"pg_catalog"}
		j.after.Catalog.Relations(func(r *catalog.Relation) bool {
			if !r.Temp && r.Schema != "information_schema" && !slices.Contains(j.path, r.Schema) {
				j.path = append(j.path, r.Schema)
			}
			return true
		})
		slices.Sort(j.path[1:])
	}
	sess := &Session{StandardStrings: true, SearchPath: j.path}
	in := &bindInput{snap: j.after, lens: j.after.Lens(rules.Base), sess: sess, sql: sql, tree: tree, tokens: t, budget: j.budget, shown: j.notes}
	return &binding{bindInput: in, cat: j.after.Catalog}
}

// function judges one that is not for triggers, by its definition.
func (j *judging) function() {
	tree, err := syntax.Parse(j.f.Definition)
	if err != nil || len(tree.Stmts) != 1 || tree.Stmts[0].Stmt.GetCreateFunctionStmt() == nil {
		j.unread("cannot be parsed")
		return
	}
	t, err := syntax.Scan(j.f.Definition)
	if err != nil {
		j.unread("cannot be parsed")
		return
	}
	b := j.binding(j.f.Definition, tree, t)
	b.begin(tree.Stmts[0])
	bd := b.createFunction(tree.Stmts[0].Stmt.GetCreateFunctionStmt())
	if bd == nil {
		j.unread("cannot be parsed")
		return
	}
	j.body(bd)
}

// trigger judges a function for triggers: for each table on which a trigger calls it, or on which one may, the block that
// will run then.
func (j *judging) trigger() {
	branches := storedBranches(j.f.Source)
	tables := j.f.Tables
	if len(tables) == 0 {
		tables = j.after.Tables
	}
	bound := map[string][]fieldUse{}
	for _, oid := range tables {
		rel := j.after.Catalog.Relation(oid)
		if rel == nil {
			j.unread("has a trigger on a table that is not known")
			continue
		}
		text := j.f.Source
		if branches != nil {
			text = branches.taken(j.after.Catalog, rel)
		}
		uses, known := bound[text]
		if !known {
			uses = j.triggerBody(text)
			bound[text] = uses
		}
		j.fields(uses, j.after.Lens(rules.Base).Table(oid))
	}
}

// fields notes the fields of a trigger's row that its table loses, and those that nobody knows to be of another.
func (j *judging) fields(uses []fieldUse, t *rules.TableLens) {
	for _, u := range uses {
		lost := t != nil && slices.ContainsFunc(t.Columns, func(c rules.ColumnLens) bool { return c.Logical == u.field && c.Physical != u.field })
		if lost || u.of == "" {
			j.name(u.field)
		}
	}
}

// triggerBody judges a body for triggers but for the fields that it uses of its table's row, which it returns.
func (j *judging) triggerBody(text string) []fieldUse {
	read, ok := plpgsql.Read(text)
	if !ok {
		j.unread("cannot be parsed")
		return nil
	}
	own := j.binding("", nil, nil)
	bd := &body{binding: own, of: "a function's body", literal: &stringConstant{text: text}}
	if !bd.bindPL(read, newTriggerVariables(own, j.f.Name, nil)) {
		j.unread("cannot be parsed")
		return nil
	}
	bd.computes = read.Computes()
	j.body(bd)
	return bd.rowUses()
}

// body judges a body that has been bound.
func (j *judging) body(bd *body) {
	b, shows := bd.binding, false
	for _, e := range bd.edits {
		before := len(j.loss.Names)
		j.edit(bd.literal.text[e.Start:e.End])
		shows = shows || len(j.loss.Names) == before
	}
	if bd.vars != nil {
		for _, u := range bd.vars.uses {
			if !bd.vars.isRow(u.of) {
				j.name(u.field)
			}
		}
	}
	switch {
	case bd.computes:
		j.unread("computes the text of statements")
	case b.refusal != nil:
		j.unread("has something that Segue cannot follow: " + strings.TrimPrefix(b.refusal.Message, "segue cannot rewrite this statement: "))
	case bd.unsure || b.failure != nil || len(b.need)+len(b.questions) > 0 || bd.vars != nil && bd.vars.doubt != nil:
		j.unread("names what Segue does not know")
	case (shows || j.readsCatalogs(bd) || j.passesNames(bd)) && j.inStrings(bd):
		j.unread("has a name in a string that may be looked up")
	}
}

// edit notes the names that are replaced with a piece of a body.
func (j *judging) edit(old string) {
	t, err := syntax.Scan(old)
	if err != nil {
		j.unread("cannot be parsed")
		return
	}
	for i := range t.List {
		if name, ok := t.Ident(i); ok {
			j.name(name)
		}
		if t.Kind(i) == ast.Token_SCONST { // 'person'::regclass, or a statement
			j.inText(t.Text(i))
		}
	}
}

// inText notes the names that a string has as words.
func (j *judging) inText(text string) {
	for _, name := range j.gone {
		if syntax.ContainsWord(strings.ToLower(text), strings.ToLower(name)) {
			j.name(name)
		}
	}
}

// readsCatalogs tells whether a body reads a system catalog, or a view of one.
func (j *judging) readsCatalogs(bd *body) (reads bool) {
	bd.walk(func(_ *part, n proto.Message) {
		rv, ok := n.(*ast.RangeVar)
		reads = reads || ok && slices.ContainsFunc(j.after.Catalog.Named(rv.Relname), func(r *catalog.Relation) bool {
			return r.Schema == "pg_catalog" || r.Schema == "information_schema"
		})
	})
	return reads
}

// passesNames tells whether a body calls what may look up a name in a string: a function that users have made, or one that
// finds the fields of a row by their names.
func (j *judging) passesNames(bd *body) (passes bool) {
	bd.walk(func(_ *part, n proto.Message) {
		call, ok := n.(*ast.FuncCall)
		if !ok {
			return
		}
		name := ast.LastName(call.Funcname)
		all := j.after.Catalog.Functions(name)
		passes = passes || len(all) == 0 || strings.Contains(name, "populate_record") || strings.Contains(name, "to_xml") ||
			slices.ContainsFunc(all, func(f *catalog.Function) bool { return f.Schema != "pg_catalog" })
	})
	return passes
}

// inStrings tells whether a string of the body has one of the names.
func (j *judging) inStrings(bd *body) (found bool) {
	bd.walk(func(_ *part, n proto.Message) {
		k, ok := n.(*ast.A_Const)
		if !ok || k.GetSval() == nil {
			return
		}
		text := strings.ToLower(k.GetSval().Sval)
		found = found || slices.ContainsFunc(j.gone, func(name string) bool { return syntax.ContainsWord(text, strings.ToLower(name)) })
	})
	return found
}
