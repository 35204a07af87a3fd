package rewrite

import (
	"slices"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// The variables of a PL/pgSQL body. A name that is both a variable and a column is an error when the body runs, unless
// #variable_conflict says which of them is meant (plpgsql_post_column_ref). So no name is put into a body that a variable
// has, and none that a variable has is replaced.
type variables struct {
	scope    *scope
	conflict string
	known    map[string]*variable
	labels   []string
	twice    string // a name that is declared for several kinds of rows
	uses     []fieldUse
	made     []string // names of the relations that the body makes or drops
	shown    []func() // what is to be noted once it is known what records are filled with: see shownNotes
	triggerRows
}

// A variable is one name. Blocks may use a name twice; no two of them are told apart.
type variable struct {
	item   *item
	column *column
	record bool // its fields are those of what it is filled with
	filled bool // with the rows of a query, whose labels are the version's
	other  bool // with something else

	alias catalog.OID // its OID alias type: what it gets in a text is a name

	moved []*column // while shownNotes are taken: what a record is filled with
}

// A fieldUse names a field of a row of which only the end of the body tells where it comes from.
type fieldUse struct {
	of       string // a variable; "" for a row that is not known at all
	field    string
	position int
	given    bool // the row is a parameter of a text that is executed
}

// plpgsqlVariables are those that every body has.
var plpgsqlVariables = []string{"found", "sqlstate", "sqlerrm"}

// newVariables are the variables of a body before its declarations are read.
func newVariables(b *binding, function string, list []parameter) *variables {
	locals := &item{colsVisible: true, plain: true, ordered: true}
	v := &variables{known: map[string]*variable{}, scope: &scope{items: []*item{locals}}}
	for _, name := range plpgsqlVariables {
		v.declare(b, name, value{}, false)
	}
	for _, p := range list {
		if p.name != "" {
			v.declare(b, p.name, p.value, true).other = true
		}
	}
	if function != "" {
		v.label(function)
	}
	return v
}

// declare makes a variable. record says that it may have fields, of a kind that the type does not tell.
func (v *variables) declare(b *binding, name string, typ value, record bool) *variable {
	known := v.known[name]
	it := b.rowVariable(name, typ)
	if known != nil {
		known.record = true
		known.other = known.other || !record || !known.item.unknown || !it.unknown
		if known.column.rows != typ && (b.difference(typ) != sameShape || b.difference(known.column.rows) != sameShape) {
			v.twice = name
		}
		if !known.item.unknown || !it.unknown {
			known.column.rows = value{}
			*known.item = item{name: name, relVisible: true, unknown: true, plain: true}
		}
		return known
	}
	known = &variable{item: it, record: record && it.unknown}
	known.column = v.scope.items[0].newColumn(name, name)
	known.column.rows = typ
	v.known[name] = known
	v.scope.items = append(v.scope.items, it)
	return known
}

// label makes the name of a block, before a dot.
func (v *variables) label(name string) {
	v.labels = append(v.labels, name)
	v.scope.items = append(v.scope.items, &item{name: name, relVisible: true, unknown: true, plain: true})
}

// has tells whether a name can be that of a variable, or of a block of them.
func (v *variables) has(name string) bool {
	return v != nil && (v.known[name] != nil || slices.Contains(v.labels, name))
}

// owns tells whether an item is one of variables.
func (v *variables) owns(it *item) bool { return v != nil && slices.Contains(v.scope.items, it) }

// takes tells whether a variable takes words that are meant as a column, or makes them an error.
func (v *variables) takes(parts []string, it *item) bool {
	return v != nil && v.conflict != "use_column" && v.has(parts[0]) && !v.owns(it)
}

// field handles names with dots that begin with a variable or a label, whose fields nobody knows here.
func (b *binding) variableField(s *scope, ref *ast.ColumnRef, parts []string) (known bool) {
	if b.vars == nil || len(parts) != 3 || !b.vars.has(parts[0]) {
		return false
	}
	if _, f := s.relation(parts[0], inVersion); f != found {
		return false
	}
	of := b.vars.known[parts[0]]
	if of == nil {
		of = b.vars.known[parts[1]]
	}
	if of != nil && b.difference(b.columnValue(of.column)) != sameShape {
		b.unsupported(int(ref.Location), refusedBody, "the name "+syntax.QuoteQualified(parts), "is that of a field of a row in a variable")
	}
	for i, field := range parts[1:] {
		b.vars.uses = append(b.vars.uses, fieldUse{of: parts[i], field: field, position: b.position(int(ref.Location))})
	}
	return true
}

// unknownField notes a name that can only be that of a field or a column of what is not known here.
func (b *binding) unknownField(parts []string, location int) {
	if b.vars == nil {
		return
	}
	use := fieldUse{field: parts[len(parts)-1], position: b.position(location)}
	if len(parts) == 2 {
		use.of = parts[0]
	}
	b.vars.uses = append(b.vars.uses, use)
}
