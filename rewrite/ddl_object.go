package rewrite

import (
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// Many statements name objects as lists of words, of which only the kind of the object tells what they are.

// describedObject binds the object of COMMENT ON and SECURITY LABEL ON.
func (b *binding) describedObject(kind ast.ObjectType, object *ast.Node) {
	l := object.GetList()
	on := b.find(b.whole(), ast.Token_ON)
	switch kind {
	case ast.ObjectType_OBJECT_TABLE, ast.ObjectType_OBJECT_FOREIGN_TABLE, ast.ObjectType_OBJECT_VIEW,
		ast.ObjectType_OBJECT_INDEX, ast.ObjectType_OBJECT_SEQUENCE:
		if b.tokens.Kind(on+1) == ast.Token_FOREIGN {
			on++
		}
		b.objectOf(l, len(l.GetItems()), on+2, false)
	case ast.ObjectType_OBJECT_MATVIEW:
		b.objectOf(l, len(l.GetItems()), on+3, false)
	case ast.ObjectType_OBJECT_COLUMN:
		b.describedColumn(l, on+2)
	case ast.ObjectType_OBJECT_TABCONSTRAINT, ast.ObjectType_OBJECT_TRIGGER, ast.ObjectType_OBJECT_RULE, ast.ObjectType_OBJECT_POLICY:
		second := b.find(syntax.Span{From: on + 1, To: b.whole().To}, ast.Token_ON)
		b.objectOf(l, len(l.GetItems())-1, second+1, false)
	default:
		b.otherObject(kind, object)
	}
}

// describedColumn binds table.column, which begins at token i.
func (b *binding) describedColumn(l *ast.List, i int) {
	k := len(l.GetItems()) - 1
	if k < 1 {
		return
	}
	r := b.objectOf(l, k, i, false)
	if r.table == nil {
		return
	}
	last := b.part(i, k)
	c, ok := b.columnNamed(b.rowOfTable(r), ast.StrVal(l.Items[k]), -1, columnOfRelation)
	if ok && b.takesName(c, b.tokens.Start(last), "COMMENT ON COLUMN, and what else is about one column,") && c.physical != c.name {
		b.renameToken(last, c.name, c.physical, func() { l.Items[len(l.Items)-1] = stringNode(c.physical) })
	}
}

// objectOf binds the relation whose name is the first k words of a list, and begins at token i.
func (b *binding) objectOf(l *ast.List, k, i int, missingOK bool) named {
	if k < 1 || k > len(l.GetItems()) {
		return named{}
	}
	words := ast.StrVals(l.Items[:k])
	schema, name := "", words[k-1]
	if k > 1 {
		schema = words[k-2]
	}
	if !b.isAffectedName(name) {
		return b.parentOnly(schema, name)
	}
	r, f := b.relationNamed(schema, name)
	if f == missing {
		if missingOK {
			b.unmistaken(schema, name, b.part(i, k-1), func(absent string) { l.Items[k-1] = stringNode(absent) })
		} else {
			b.objectMissing(schema, name)
		}
		return named{}
	}
	b.concern(r.table)
	b.use(r.table, "")
	if r.rel == nil || r.name == name && r.schema == schema {
		return r
	}
	last := b.part(i, k-1)
	if got, ok := b.tokens.Ident(last); !ok || got != name || k > 2 {
		b.misplaced(b.tokens.Start(i), name)
		return r
	}
	to := []string{r.name}
	if r.schema != "" {
		to = []string{r.schema, r.name}
	}
	b.replace(b.tokens.Start(i), b.tokens.IdentEnd(last), syntax.QuoteQualified(to), func() {
		rest := l.Items[k:]
		l.Items = append(columnRefNode(to).GetColumnRef().Fields, rest...)
	})
	return r
}

// parentOnly finds a relation that is not under migration, as something beneath it may be. It is not asked for.
func (b *binding) parentOnly(schema, name string) named {
	for _, r := range b.cat.Named(name) {
		if (schema == "" || r.Schema == schema) && b.carriesTarget(r.OID) != nil {
			return named{rel: r, name: name}
		}
	}
	return named{}
}

// objectMissing raises 42P01 as DROP and COMMENT do.
func (b *binding) objectMissing(schema, name string) {
	server := b.atServer(name)
	shown := name
	if schema != "" {
		server, shown = b.physical(schema, name), schema+"."+name
	}
	if server != nil {
		b.concern(b.lens.Table(server.OID))
	}
	kind := "relation"
	if b.statement.Tag == "DropStmt" && b.tokens.Kind(b.whole().From+1) == ast.Token_TABLE {
		kind, shown = "table", name
	}
	if b.failure != nil {
		return
	}
	b.fail("42P01", -1, server == nil, kind+` "`+shown+`" does not exist`, "")
	b.failure.anyway = schema != "" // as in relationMissing
}

// otherObject binds the name of what is no relation: only types, and the arguments of functions, can hold rows of one.
func (b *binding) otherObject(kind ast.ObjectType, object *ast.Node) {
	b.unplaced(func() { b.objectOfKind(kind, object) })
}

func (b *binding) objectOfKind(kind ast.ObjectType, object *ast.Node) {
	switch {
	case object == nil:
	case object.GetTypeName() != nil:
		b.typeName(object.GetTypeName())
	case object.GetObjectWithArgs() != nil:
		b.objectWithArgs(object.GetObjectWithArgs())
	case kind == ast.ObjectType_OBJECT_TYPE, kind == ast.ObjectType_OBJECT_DOMAIN:
		b.typeOf(object)
	default:
		b.sawAll(object)
		for _, n := range object.GetList().GetItems() {
			if t := n.GetTypeName(); t != nil {
				b.typeName(t) // CAST (person AS text), TRANSFORM FOR person, CONSTRAINT … ON DOMAIN …
			}
		}
	}
}

// objectWithArgs binds a function with its argument types.
func (b *binding) objectWithArgs(o *ast.ObjectWithArgs) {
	if o == nil {
		return
	}
	b.saw(o)
	for _, n := range o.Objargs {
		b.typeName(n.GetTypeName())
	}
	for _, n := range o.Objfuncargs {
		p := n.GetFunctionParameter()
		b.saw(p)
		b.typeName(p.GetArgType())
	}
}

// typeOf binds the name of a type that is a list of words.
func (b *binding) typeOf(n *ast.Node) {
	b.sawAll(n)
	words := ast.StrVals(n.GetList().GetItems())
	if l := b.rowTypeNamed(words); l != nil {
		b.concern(l)
		b.use(l, "*")
		b.unsupported(-1, refusedRowType, "the type "+syntax.QuoteIdent(strings.Join(words, ".")), "is the row type of a table, or holds rows of one")
	}
}

// sequenceOptions binds the options of a sequence, of which OWNED BY names a column.
func (b *binding) sequenceOptions(options []*ast.Node) {
	for _, n := range options {
		o := n.GetDefElem()
		b.sawAll(n)
		if l := o.GetArg().GetList(); o.GetDefname() == "owned_by" && len(l.GetItems()) > 1 {
			b.describedColumn(l, b.tokens.At(int(o.Location))+2)
		}
	}
}
