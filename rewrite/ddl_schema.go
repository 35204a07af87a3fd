package rewrite

import (
	"slices"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// A newSchema is the schema that CREATE SCHEMA makes, while what is to be in it is bound.
type newSchema struct {
	name    string           // empty where it is that of a role which the text does not name
	made    map[string]*item // the relations that are made in it by then, with their columns
	element syntax.Span      // the tokens of the element at hand
}

// schemaElements are the kinds of statements that CREATE SCHEMA may hold, in the order in which PostgreSQL executes them
// (transformCreateSchemaStmtElements).
var schemaElements = []func(*ast.Node) bool{
	func(n *ast.Node) bool { return n.GetCreateSeqStmt() != nil },
	func(n *ast.Node) bool { return n.GetCreateStmt() != nil },
	func(n *ast.Node) bool { return n.GetViewStmt() != nil },
	func(n *ast.Node) bool { return n.GetIndexStmt() != nil },
	func(n *ast.Node) bool { return n.GetCreateTrigStmt() != nil },
	func(n *ast.Node) bool { return n.GetGrantStmt() != nil },
}

// createSchema binds CREATE SCHEMA (CreateSchemaCommand): what is to be in it is made one after the other, while the new
// schema is the first of the search_path.
func (b *binding) createSchema(x *ast.CreateSchemaStmt) {
	b.redefines()
	b.resettle("search_path")
	b.saw(x)
	spans := b.schemaElementSpans()
	if len(spans) != len(x.SchemaElts) {
		b.misplaced(b.statement.Start, x.Schemaname)
		return
	}
	outside := b.sess
	defer func() { b.sess, b.making = outside, nil }()
	b.making = &newSchema{name: firstOf(x.Schemaname, x.Authrole.GetRolename()), made: map[string]*item{}}
	b.sess = outside.within(b.making.name)
	for _, isKind := range schemaElements {
		for i, n := range x.SchemaElts {
			if isKind(n) {
				b.making.element = spans[i]
				b.schemaElement(n)
			}
		}
	}
}

// within is the session with a schema put before the others of its search_path, behind those that PostgreSQL searches
// first without being told.
func (s *Session) within(schema string) *Session {
	inside := *s
	if s.SearchPath != nil {
		i := slices.IndexFunc(s.SearchPath, func(name string) bool { return name != "pg_catalog" && !isTempSchema(name) })
		if i < 0 {
			i = len(s.SearchPath)
		}
		inside.SearchPath = slices.Insert(slices.Clone(s.SearchPath), i, schema)
	}
	return &inside
}

// schemaElementSpans cuts CREATE SCHEMA at the words with which its elements begin: both are reserved.
func (b *binding) schemaElementSpans() []syntax.Span {
	all := b.whole()
	var out []syntax.Span
	for i := all.From + 1; i < all.To; i++ {
		switch kind := b.tokens.Kind(i); {
		case b.tokens.Is(i, '('), b.tokens.Is(i, '['):
			i = b.closing(i)
		case kind != ast.Token_CREATE && kind != ast.Token_GRANT:
		case b.tokens.Is(i-1, '.'), b.tokens.Kind(i-1) == ast.Token_AS, b.tokens.Kind(i+1) == ast.Token_OPTION:
		default:
			if len(out) > 0 {
				out[len(out)-1].To = i
			}
			out = append(out, syntax.Span{From: i, To: all.To})
		}
	}
	return out
}

// schemaElement binds one statement in CREATE SCHEMA. An index or a trigger is one of a table in the new schema, whether
// or not it says so (setSchemaName).
func (b *binding) schemaElement(n *ast.Node) {
	switch x := n.Node.(type) {
	case *ast.Node_IndexStmt:
		if b.isMade(x.IndexStmt.Relation) {
			b.indexStmt(x.IndexStmt)
			return
		}
		b.sawAll(n) // the server fails
	case *ast.Node_CreateTrigStmt:
		if b.isMade(x.CreateTrigStmt.Relation) {
			b.createTrigger(x.CreateTrigStmt)
			return
		}
		b.sawAll(n)
	case *ast.Node_ViewStmt:
		b.createView(x.ViewStmt)
	default:
		b.definition(n)
	}
}

func (b *binding) isMade(rv *ast.RangeVar) bool {
	return b.madeInSchema(rv.GetSchemaname(), rv.GetRelname()) != nil
}

// makesInSchema tells whether a relation is made in the schema that the statement makes, where no other has its name. It
// is known by its columns from then on.
func (b *binding) makesInSchema(rv *ast.RangeVar, it *item) bool {
	if b.making == nil {
		return false
	}
	b.saw(rv)
	b.making.made[rv.Relname] = it
	return true
}

// madeInSchema is the relation of that name that the statement has made in its new schema; nil for any other.
func (b *binding) madeInSchema(schema, name string) *item {
	if b.making == nil {
		return nil
	}
	if schema != "" && schema != b.making.name {
		if b.making.name != "" {
			return nil
		}
		if rel, hidden := b.inSchema(schema, name); rel != nil || hidden {
			return nil // it is another schema that was there before
		}
	}
	return b.making.made[name]
}
