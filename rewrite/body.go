package rewrite

import (
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/plpgsql"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
)

// Bodies: SQL in the text of a function, a procedure or DO.
//
// A body in a string is stored as it is sent, and runs by the names of the database. So it is bound when it is made, as
// the version means it, and what is stored has the names of the database. (A cutover is refused while it would take
// those away: migrate/bodies.go.) LANGUAGE sql is a series of statements; PL/pgSQL is taken apart into fragments, each of
// which is a statement. Every fragment is bound and proved by itself, and then the body as a whole is taken apart again.

// A body is one such text.
type body struct {
	*binding                   // of the statement that it is in
	literal    *stringConstant // how it is written
	of         string          // what it is the body of, for refusals
	outermost  *scope          // the parameters
	params     []value         // $1, $2 and so on
	vars       *variables      // of PL/pgSQL; nil for LANGUAGE sql
	parts      []*part
	texts      map[*plpgsql.Fragment]*body // of EXECUTE, where they are constants
	givesRows  bool                        // a text that is computed gets a row of the trigger's table
	edits      []splice.Edit               // of what the literal means
	moved      bool                        // it changes what names mean
	runsDo     bool                        // it runs a DO, which can change that
	after      unsettled                   // what its statements have made so far
	text       *ast.String                 // its place in the tree
	byPlace    bool                        // of what it returns only the order counts, and not what columns are called
	once       bool                        // it runs now, and is not stored
	names      []string                    // the function that it replaces, if there is one
	oneRow     bool                        // it returns a row of no declared type, with the names of the fields that it has
	session    *Session                    // under whose search_path it runs; nil: the session at hand
	pathKnown  bool                        // it runs under the search_path that it is bound with
	computes   bool                        // it computes the text of statements
	unsure     bool                        // a statement of it has something that was not understood, or is not there
	returnType catalog.OID                 // what it returns, where that is an OID alias type
}

// A part is a fragment of a body as a text of its own. Its tree is changed as its text is.
type part struct {
	tree   *ast.ParseResult
	start  int // of the fragment in the body
	prefix int // how much of the text does not stand in the body
	inner  *binding
	out    output // what the last statement puts out
	edited bool
}

// position counts a place in the part as the client does.
func (bd *body) position(p *part, offset int) int {
	return bd.binding.position(bd.literal.place(p.start + max(0, offset-p.prefix)))
}

// part makes a text of its own of the fragment that starts there; ok is false where it cannot be read.
func (bd *body) part(sql string, start, prefix int) (p *part, ok bool) {
	if bd.within >= maxWithin {
		return nil, false
	}
	tokens, err := syntax.Scan(sql) // first: it bounds what the parser is given
	if err != nil {
		return nil, false
	}
	tree, err := syntax.Parse(sql)
	if err != nil {
		return nil, false
	}
	in := bd.inside(sql, tree, tokens)
	if !bd.once {
		in.views = nil // it is kept for sessions of every version
	}
	unsettled := bd.binding.unsettled
	if bd.session != nil {
		in.sess = bd.session
		unsettled.relations = true // nobody can be asked what it finds
	}
	p = &part{tree: tree, start: start, prefix: prefix}
	p.inner = &binding{bindInput: &in, cat: bd.cat, unsettled: unsettled, vars: bd.vars, inBody: true, once: bd.once || bd.binding.once,
		where: func(offset int) int { return bd.position(p, offset) }}
	bd.parts = append(bd.parts, p)
	return p, true
}

// bind binds the statements of a part; each is given to how, again where it turns out that tables need alias lists.
func (bd *body) bind(p *part, how func(*binding, *ast.Node) output) {
	c := p.inner
	c.unsettled.rows = c.unsettled.rows || bd.after.rows
	c.unsettled.made = maps.Clone(c.unsettled.made)
	for name, rows := range bd.after.made {
		put(&c.unsettled.made, name, rows)
	}
	for _, raw := range p.tree.Stmts {
		if raw.GetStmt().GetNode() == nil {
			continue
		}
		twice, location := bd.namesTwice(raw.Stmt)
		bd.asTransitions(c, raw.Stmt, func() {
			c.aliased = nil
			for known := -1; known < len(c.aliased); {
				known = len(c.aliased)
				c.begin(raw)
				c.params, c.catalogs.stored = bd.params, !bd.once
				p.out = how(c, raw.Stmt)
			}
		})
		if twice != "" {
			c.unsupported(location, refusedBody, "the name "+syntax.QuoteIdent(twice), "is that of tables in several schemas, and which of them is meant depends on the search_path when it runs")
		}
		bd.collect(p, raw)
	}
	bd.after = c.unsettled
}

// namesTwice finds a name without schema that is that of several relations, of which the search_path of the caller
// chooses one. What is put in its place chooses now.
func (bd *body) namesTwice(stmt *ast.Node) (name string, location int) {
	if bd.pathKnown {
		return "", -1
	}
	ast.Walk(stmt, func(n proto.Message) {
		written := ""
		switch n := n.(type) {
		case *ast.RangeVar:
			if n.Schemaname == "" {
				written = n.Relname
			}
		case *ast.TypeName:
			if len(n.Names) == 1 || n.PctType && len(n.Names) == 2 {
				written = ast.StrVal(n.Names[0])
			}
		}
		if written != "" && bd.isAffectedName(written) && bd.schemasOf(written) > 1 {
			name, location = written, locationOf(n.ProtoReflect())
		}
	})
	return name, location
}

// schemasOf counts the schemas that have a relation of that name in the version.
func (bd *body) schemasOf(name string) int {
	var schemas []string
	add := func(schema string) {
		if !slices.Contains(schemas, schema) {
			schemas = append(schemas, schema)
		}
	}
	for _, t := range bd.lens.Tables {
		if t.Logical == name {
			add(t.Schema)
		}
	}
	for _, r := range bd.cat.Named(name) {
		if !bd.isHidden(r, name) {
			add(r.Schema)
		}
	}
	return len(schemas)
}

// statementOf binds a statement of a body.
func (bd *body) statementOf(c *binding, n *ast.Node) output {
	switch n.Node.(type) {
	case *ast.Node_SelectStmt, *ast.Node_InsertStmt, *ast.Node_UpdateStmt, *ast.Node_DeleteStmt, *ast.Node_MergeStmt:
		return c.query(bd.outermost, n)
	}
	c.bindStatement(n)
	return output{unknown: true}
}

// returned binds a statement of a body whose rows may be those that a function returns.
func (bd *body) returned(c *binding, n *ast.Node) output {
	if bd.byPlace {
		c.placeOnly(n)
	}
	return bd.statementOf(c, n)
}

// returnsRow refuses to return a row of a table under migration as record: it has the names that its fields have in the
// database.
func (bd *body) returnsRow(p *part) {
	if !bd.oneRow || len(p.out.cols) != 1 {
		return
	}
	row := p.out.cols[0].rows
	if !row.holdsRows() {
		row = bd.ofType(p.out.cols[0].typ)
	}
	if bd.difference(row) != sameShape {
		bd.unsupported(bd.literal.place(p.start), refusedRow, bd.of, "returns a row whose fields have other names in the database")
	}
}

// collect takes over what was found out about one statement of a part.
func (bd *body) collect(p *part, raw *ast.RawStmt) {
	c := p.inner
	c.finishCatalogs()
	bd.catalogs.used = bd.catalogs.used || c.catalogs.used
	if c.affected {
		c.demandAllSeen(raw.Stmt)
	}
	if c.besideMade && c.affected {
		c.unsupported(-1, refusedSeries, bd.of, "uses what it has just altered")
	}
	for _, n := range c.need {
		if !slices.Contains(bd.need, n) {
			bd.need = append(bd.need, n)
		}
	}
	for _, q := range c.questions {
		if !slices.Contains(bd.questions, q) {
			bd.questions = append(bd.questions, q)
		}
	}
	bd.statement.asked = append(bd.statement.asked, c.statement.asked...)
	for _, t := range c.statement.Tables {
		bd.concern(bd.lens.Table(t))
	}
	for _, u := range c.statement.Uses {
		if !slices.Contains(bd.statement.Uses, u) {
			bd.statement.Uses = append(bd.statement.Uses, u)
		}
	}
	if c.affected {
		bd.affected = true
	}
	edits := c.applyChanges()
	bd.unsure = bd.unsure || c.refusal != nil || c.failure != nil
	if c.affected && c.refusal != nil && bd.refusal == nil {
		bd.refusal = c.refusal
	}
	bd.collectFailure(c, raw.Stmt)
	for _, e := range edits {
		p.edited = true
		bd.edits = append(bd.edits, splice.Edit{Start: p.start + e.Start - p.prefix, End: p.start + e.End - p.prefix, New: e.New})
	}
	bd.settlePart(c, raw)
}

// collectFailure sees to a name that the version does not have. The server looks for those of a body in LANGUAGE sql
// when it is made, and for others when it runs. If it has none either, it is the one to say so.
func (bd *body) collectFailure(c *binding, stmt *ast.Node) {
	f := c.failure
	if f != nil && f.isUnknownName() {
		bd.statement.lacks = true
	}
	if f == nil || f.natural {
		return
	}
	if bd.vars == nil && isQuery(stmt) {
		bd.missing(f)
		return
	}
	if bd.affected = true; bd.refusal == nil {
		bd.refusal = refusedBody.raise(bd.of, "segue cannot rewrite this statement: "+bd.of+
			" names what this version does not have: "+f.Message, f.Position)
	}
}

// isQuery tells of the statements that are analyzed before they run.
func isQuery(n *ast.Node) bool {
	switch n.Node.(type) {
	case *ast.Node_SelectStmt, *ast.Node_InsertStmt, *ast.Node_UpdateStmt, *ast.Node_DeleteStmt, *ast.Node_MergeStmt:
		return true
	}
	return false
}

// settlePart notes what a statement of a body changes for those that run after it, which may be any of them. A temporary
// table is no such change if it has no name that matters, and neither is a procedure that is not known to make one.
func (bd *body) settlePart(c *binding, raw *ast.RawStmt) {
	if names := definedNames(raw.Stmt); len(names) > 0 {
		c.moved.path = slices.ContainsFunc(names, bd.isAffectedName)
	}
	if raw.Stmt.GetCallStmt() != nil {
		c.moved = unsettled{}
	}
	c.resettleUnseen()
	if c.statement.Effect.Schema {
		c.statement.Effect.Made = madeBy(bd.cat, raw.Stmt)
	}
	bd.moved = bd.moved || c.moved.path || c.moved.version
	bd.runsDo = bd.runsDo || raw.Stmt.GetDoStmt() != nil
	c.moved.path, c.moved.version = false, false
	c.settle()
}

// definedNames are the names of the relations that a statement makes or drops.
func definedNames(n *ast.Node) []string {
	for _, rv := range []*ast.RangeVar{n.GetCreateStmt().GetRelation(), n.GetCreateTableAsStmt().GetInto().GetRel(),
		n.GetViewStmt().GetView(), n.GetCreateSeqStmt().GetSequence()} {
		if rv != nil {
			return []string{rv.Relname}
		}
	}
	var names []string
	for _, object := range n.GetDropStmt().GetObjects() {
		names = append(names, ast.StrVals(object.GetList().GetItems())...)
	}
	return names
}

// finish writes the body with its edits. prove tells whether a text is the body with these edits.
func (bd *body) finish(prove func(text string) bool) {
	if text, ok := bd.rewritten(prove); ok && len(bd.edits) > 0 {
		bd.write(bd.edits, text)
	}
}

// rewritten is the body with its edits; ok is false where it is not to be sent.
func (bd *body) rewritten(prove func(text string) bool) (text string, ok bool) {
	if bd.moved && bd.affected {
		why := "changes what names mean"
		if bd.runsDo {
			why = "runs a DO, after which names may mean something else"
		}
		bd.unsupported(bd.literal.opened, refusedBody, bd.of, why+", and uses one of a table under migration")
	}
	if !bd.once && slices.ContainsFunc(bd.edits, func(e splice.Edit) bool { return strings.Contains(e.New, hiddenPrefix+"new_") }) {
		bd.unsupported(bd.literal.opened, refusedBody, bd.of, "would keep a name that a column has only until the migration is contracted")
	}
	bd.affected = bd.affected || len(bd.edits) > 0
	if bd.affected && bd.refusal != nil || bd.failure != nil || len(bd.need) > 0 {
		return "", false
	}
	if err := splice.Sort(bd.edits, len(bd.literal.text)); err != nil {
		bd.unsupported(bd.literal.opened, refusedUnproven, bd.of, "needs two changes at one place")
		return "", false
	}
	splice.Separate(bd.literal.text, bd.edits)
	text = splice.Apply(bd.literal.text, bd.edits)
	if len(bd.edits) > 0 && !prove(text) {
		bd.unsupported(bd.literal.opened, refusedUnproven, bd.of, "could not be rewritten as it was meant")
		return "", false
	}
	return text, true
}

// write makes the literal mean a text, which sorted edits of what it means lead to.
func (bd *body) write(edits []splice.Edit, text string) {
	edits, ok := bd.literal.edits(edits, text, bd.sql)
	if !ok {
		bd.unsupported(bd.literal.opened, refusedString, bd.of, "is in a string that cannot hold the names of the database")
		return
	}
	for _, e := range edits {
		bd.replace(e.Start, e.End, e.New, func() { bd.text.Sval = text })
	}
}

// same tells whether a text of the part after its edits reads as its tree does.
func (p *part) same(sql string) bool {
	got, err := syntax.Parse(sql)
	return err == nil && sameTree(got, p.tree)
}

// walk visits every node of the body.
func (bd *body) walk(visit func(p *part, n proto.Message)) {
	for _, p := range bd.parts {
		for _, raw := range p.tree.Stmts {
			ast.Walk(raw.Stmt, func(n proto.Message) { visit(p, n) })
		}
	}
}
