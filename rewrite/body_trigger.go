package rewrite

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/plpgsql"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// Functions for triggers. The rows new and old, and the tables that REFERENCING names, are those of the table that a
// trigger is on, which is not known when its function is made. Where a column under migration may be named of them, the
// body is bound once for each table that has it, as if it were made for that table, and once for all others. What is sent
// has all of these, and chooses when it runs: see body_branches.go.

// triggerRows are the rows old and new, and the variables that hold nothing else.
type triggerRows struct {
	rows     []string         // their names; none in a function that is not for triggers
	table    *rules.TableLens // of which they are; nil while that is not known
	rel      *catalog.Relation
	row      value
	computes bool // the body computes the text of statements, which may make tables

	transitions []string // names of relations that are those of transition tables in the statement at hand

	// While the table is not known: fields of other records, which may have been filled from a table that REFERENCING names,
	// and the first refusal of one.
	doubts []string
	doubt  *Error
}

// triggerVariables are those that the body of a trigger's function has besides.
var triggerVariables = []string{"tg_name", "tg_when", "tg_level", "tg_op", "tg_relid", "tg_relname", "tg_table_name",
	"tg_table_schema", "tg_nargs", "tg_argv"}

// triggerWords are in every text that makes a function for triggers, which may name columns of a table without the table.
var triggerWords = []string{"trigger"}

// tellingVariables are those by which a body can tell which trigger it is called for.
var tellingVariables = []string{"tg_name", "tg_relid", "tg_relname", "tg_table_name", "tg_table_schema", "tg_nargs", "tg_argv"}

// newTriggerVariables are the variables of a function for triggers on the table, or on any if it is nil.
func newTriggerVariables(b *binding, function string, t *rules.TableLens) *variables {
	v := newVariables(b, function, nil)
	for _, name := range triggerVariables {
		v.declare(b, name, value{}, false)
	}
	v.rows = []string{"new", "old"}
	if t != nil {
		v.table, v.rel = t, b.current(t.OID)
		v.row = value{typ: v.rel.RowType}
	}
	for _, name := range v.rows {
		row := v.declare(b, name, v.row, t == nil)
		row.other = t == nil
		row.item.lacking = true
	}
	return v
}

// isRow tells whether a name is that of a row of the trigger's table.
func (v *variables) isRow(name string) bool { return slices.Contains(v.rows, name) }

// hidesField tells whether the rows have a field at the server that the version does not have.
func (v *variables) hidesField(name string) bool {
	return v.table != nil && v.table.Column(name) == nil && v.rel.Column(name) != nil
}

// movedColumns are those of the columns that are named which have another name in the database.
func movedColumns(t *rules.TableLens, uses []fieldUse) (moved []rules.ColumnLens) {
	for _, c := range t.Columns {
		if c.Logical != c.Physical && slices.ContainsFunc(uses, func(u fieldUse) bool { return u.field == c.Logical }) {
			moved = append(moved, c)
		}
	}
	return moved
}

// findRows adds the variables that are other names of old or new, and the records that get nothing else.
func (v *variables) findRows(read *plpgsql.Body, text string) {
	if len(v.rows) == 0 {
		return
	}
	declared := map[string]int{}
	for _, d := range read.Variables {
		declared[d.Name]++
	}
	for _, d := range read.Variables {
		switch {
		case declared[d.Name] > 1 || v.known[d.Name] != nil:
		case d.Alias != "" && v.isRow(syntax.FoldIdent(d.Alias)):
			v.rows = append(v.rows, d.Name)
		case d.Type >= 0 && strings.EqualFold(read.Fragments[d.Type].Within(text), "record") && v.onlyRows(read, text, d.Name):
			v.rows = append(v.rows, d.Name)
		}
	}
}

// onlyRows tells whether a record is only ever assigned old or new.
func (v *variables) onlyRows(read *plpgsql.Body, text, name string) bool {
	assigned := false
	for i := range read.Fragments {
		f := &read.Fragments[i]
		if !slices.Contains(f.Targets, name) {
			continue
		}
		if !f.Strict || f.Dynamic || !v.isRow(syntax.FoldIdent(f.Within(text))) {
			return false
		}
		assigned = true
	}
	fetched := slices.ContainsFunc(read.Fetches, func(f plpgsql.Fetch) bool { return slices.Contains(f.Targets, name) })
	return assigned && !fetched
}

// fillRow refuses to give old and new other rows than those of the table: they would have the names of these.
func (bd *body) fillRow(targets []string, p *part) {
	if bd.vars.table == nil || !slices.ContainsFunc(targets, bd.vars.isRow) {
		return
	}
	place := bd.literal.opened
	if p != nil {
		place = bd.literal.place(p.start)
	}
	bd.unsupported(place, refusedRow, "the row of a trigger", "gets the names of the fields that it is filled with")
}

// inTrigger binds the body of a function for triggers. ok is false where one of its fragments cannot be read.
func (bd *body) inTrigger(function string, read *plpgsql.Body) (ok bool) {
	if !bd.bindPL(read, newTriggerVariables(bd.binding, function, nil)) {
		return false
	}
	branches, refusal := bd.branches(function, read)
	switch {
	case len(branches) == 0:
		bd.refusal = cmp.Or(bd.refusal, bd.vars.doubt, refusal)
		bd.wholeRows(nil)
		bd.finish(func(text string) bool { return bd.provePL(read, text) })
	case bd.refusal == nil:
		bd.wholeRows(branches)
		if text, ok := bd.rewritten(func(text string) bool { return bd.provePL(read, text) }); ok {
			bd.writeBranches(read, append(branches, &branch{text: text, edits: bd.edits}))
		}
	}
	return true
}

// branches binds the body once for each table of the trigger that it may be meant for. A table for which it is refused has
// no branch: refusal is the first of these, which stands if there is no other table.
func (bd *body) branches(function string, read *plpgsql.Body) (list []*branch, refusal *Error) {
	before, uses := bd.refusal, bd.rowUses()
	bd.concernMoving(uses)
	for _, t := range bd.triggerTables() {
		bd.concern(t)
		own := &body{binding: bd.binding, of: bd.of, literal: bd.literal, text: bd.text, session: bd.session, pathKnown: bd.pathKnown}
		vars := newTriggerVariables(bd.binding, function, t)
		vars.computes = read.Computes()
		again := *read
		again.Fragments = slices.Clone(read.Fragments)
		bd.refusal = nil
		own.bindPL(&again, vars)
		if text, ok := own.rewritten(func(text string) bool { return own.provePL(read, text) }); ok {
			br := &branch{text: text, edits: own.edits, tables: []*rules.TableLens{t}}
			if ofColumns(own.edits, bd.literal.text) {
				br.moved = movedColumns(t, uses)
			}
			list = addBranch(list, br)
		}
		if bd.refusal != nil && !bd.surelyOn(t, uses) {
			put(&bd.branchless, function, append(bd.branchless[function], t))
			bd.refusal = nil // that of a trigger on the table stands instead: see triggerFunction
		}
		refusal = cmp.Or(refusal, bd.refusal)
	}
	bd.refusal = before
	sortBranches(list)
	return list, refusal
}

// concernMoving has the statement wait while a transition is on with a table of which the body names a column that has
// another name before it than after it, or in another version: it is held by its table, and the text names none.
func (bd *body) concernMoving(uses []fieldUse) {
	for _, t := range bd.lens.Tables {
		if slices.ContainsFunc(t.Columns, func(c rules.ColumnLens) bool {
			return bd.columnMoves(t.OID, c.Num) && slices.ContainsFunc(uses, func(u fieldUse) bool { return u.field == c.Logical })
		}) {
			bd.concern(t)
		}
	}
}

// triggerTables are the tables under migration of which the body may name a column that moves, as one of the trigger's
// table. That it names columns which a table does not have says nothing: they may be added before the
// trigger is made, or after it. Partitions go with the table that they are part of.
func (bd *body) triggerTables() (tables []*rules.TableLens) {
	uses := bd.rowUses()
	for _, t := range bd.lens.Tables {
		rel := bd.current(t.OID)
		if t.Identity || rel == nil || bd.partitioned(rel) != nil {
			continue
		}
		if len(movedColumns(t, uses)) > 0 {
			tables = append(tables, t)
		}
	}
	return tables
}

// surelyOn tells whether a trigger on the table calls the function, or is the likely use of it.
func (bd *body) surelyOn(t *rules.TableLens, uses []fieldUse) bool {
	return len(movedColumns(t, uses)) > 0 && bd.canBeOn(t) || slices.Contains(bd.hasTriggers(), t.OID)
}

// hasTriggers are the tables with a trigger that calls the function which is replaced: the session's server is asked.
func (bd *body) hasTriggers() (tables []catalog.OID) {
	if len(bd.names) == 0 {
		return nil
	}
	q := "SELECT pg_catalog.string_agg(DISTINCT t.tgrelid::pg_catalog.text, ' ') FROM pg_catalog.pg_trigger AS t" +
		" WHERE t.tgfoid" + eq + "pg_catalog.to_regprocedure(" + syntax.QuoteLiteral(syntax.QuoteQualified(bd.names)+"()") + ")"
	answer, asked := bd.sess.Answers[q]
	if !asked {
		if !slices.Contains(bd.questions, q) {
			bd.questions = append(bd.questions, q)
		}
		return nil
	}
	bd.statement.asked = append(bd.statement.asked, q)
	for word := range strings.FieldsSeq(answer) {
		if n, err := strconv.ParseUint(word, 10, 32); err == nil {
			tables = append(tables, catalog.OID(n))
		}
	}
	return tables
}

// canBeOn tells whether a trigger on the table can call the function: the table has all columns that the body names of new
// and old, unless it tells tables apart.
func (bd *body) canBeOn(t *rules.TableLens) bool {
	tells := false
	bd.walk(func(_ *part, n proto.Message) {
		ref, ok := n.(*ast.ColumnRef)
		tells = tells || ok && slices.Contains(tellingVariables, ast.LastName(ref.Fields))
	})
	return tells || !slices.ContainsFunc(bd.rowUses(), func(u fieldUse) bool { return u.of != "" && t.Column(u.field) == nil })
}

// rowUses are the fields that are named of old and new, and, of nothing, those that may be columns of the trigger's table.
func (bd *body) rowUses() (uses []fieldUse) {
	for _, u := range bd.vars.uses {
		switch {
		case bd.vars.isRow(u.of):
			uses = append(uses, u)
		case bd.vars.known[u.of] == nil:
			uses = append(uses, fieldUse{field: u.field})
		}
	}
	for _, field := range bd.vars.doubts {
		uses = append(uses, fieldUse{field: field})
	}
	for _, field := range bd.fieldsInConstants() {
		uses = append(uses, fieldUse{field: field})
	}
	bd.walkRows(func(_ *part, n proto.Message, row rowName) {
		switch n := n.(type) {
		case *ast.A_Indirection: // (new).surname
			if name := row(n.Arg); bd.vars.isRow(name) && len(n.Indirection) > 0 && n.Indirection[0].GetString_() != nil {
				uses = append(uses, fieldUse{of: name, field: ast.StrVal(n.Indirection[0])})
			}
		case *ast.FuncCall: // surname(new), or a function
			if len(n.Args) == 1 && bd.vars.isRow(row(n.Args[0])) {
				uses = append(uses, fieldUse{field: ast.LastName(n.Funcname)})
			}
		}
	})
	return uses
}

// fieldsInConstants are the names of columns that move in constants of a body that has a function see rows of the trigger's
// table as a whole: in to_jsonb(new) ->> 'surname' the constant is a field, too.
func (bd *body) fieldsInConstants() (fields []string) {
	tables, seen := map[string]bool{}, false
	bd.walk(func(_ *part, n proto.Message) {
		if rv, ok := n.(*ast.RangeVar); ok && rv.Schemaname == "" && len(bd.cat.Named(rv.Relname)) == 0 {
			tables[cmp.Or(rv.Alias.GetAliasname(), rv.Relname)] = true // REFERENCING may name it
		}
	})
	bd.walkRows(func(_ *part, n proto.Message, row rowName) {
		switch n := n.(type) {
		case *ast.FuncCall:
			seen = seen || slices.ContainsFunc(n.Args, func(a *ast.Node) bool { return bd.vars.isRow(row(a)) || tables[row(a)] })
		case *ast.ResTarget: // SELECT new.*
			seen = seen || isStar(n.Val) && bd.vars.isRow(row(n.Val))
		}
	})
	seen = seen || bd.givesRows
	if !seen {
		return nil
	}
	bd.walk(func(_ *part, n proto.Message) {
		k, ok := n.(*ast.A_Const)
		if !ok || k.GetSval() == nil {
			return
		}
		for word := range wordsOf(k.GetSval().Sval) {
			if bd.moving(word) {
				fields = append(fields, word)
			}
		}
	})
	return fields
}

// wordsOf are the words of a text that may be identifiers.
func wordsOf(text string) iter.Seq[string] {
	return strings.FieldsFuncSeq(text, func(r rune) bool { return r < 0x80 && !syntax.IsIdentPart(byte(r)) })
}

// wholeRows refuses functions that may show the names of the fields of old and new where they are of a table under
// migration that has no branch of its own.
func (bd *body) wholeRows(branches []*branch) {
	covered := func(t *rules.TableLens) bool {
		rel := bd.current(t.OID)
		own := slices.ContainsFunc(branches, func(br *branch) bool { return slices.Contains(br.tables, t) })
		return t.Identity || own || rel != nil && bd.partitioned(rel) != nil || !bd.canBeOn(t)
	}
	if !bd.affected || !slices.ContainsFunc(bd.lens.Tables, func(t *rules.TableLens) bool { return !covered(t) }) {
		return
	}
	bd.walkRows(func(p *part, n proto.Message, row rowName) {
		call, ok := n.(*ast.FuncCall)
		if !ok {
			return
		}
		for _, a := range call.Args {
			if bd.vars.isRow(row(a)) {
				bd.unsupported(bd.literal.place(p.start), refusedRow,
					"the function "+ast.LastName(call.Funcname), "may see the names of a row's fields")
			}
		}
	})
}

// firstName is the name that a whole row is referred to by; "" for anything else.
func firstName(n *ast.Node) string {
	fields := n.GetColumnRef().GetFields()
	if len(fields) == 1 || len(fields) == 2 && fields[1].GetAStar() != nil {
		return ast.StrVal(fields[0])
	}
	return ""
}
