package ruleutils

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
)

// from enters the items of FROM into a level, in the order of the range table, and finds what stands where.
func (r *Printer) from(list []*ast.Node, l *printLevel) {
	for _, n := range list {
		r.fromItem(n, l, nil)
	}
}

// fromItem enters an item, within joins that give the names in using to columns.
func (r *Printer) fromItem(n *ast.Node, l *printLevel, using []string) *printSide {
	switch n := n.Node.(type) {
	case *ast.Node_RangeVar:
		return r.enter(l, r.relationEntry(n.RangeVar, l, using))
	case *ast.Node_RangeTableSample:
		return r.fromItem(n.RangeTableSample.Relation, l, using)
	case *ast.Node_RangeSubselect:
		return r.enter(l, r.otherEntry(n.RangeSubselect.Alias, "", using))
	case *ast.Node_RangeFunction:
		name := ""
		if len(n.RangeFunction.Functions) == 1 {
			name = ast.LastName(n.RangeFunction.Functions[0].GetList().GetItems()[0].GetFuncCall().GetFuncname())
		}
		return r.enter(l, r.otherEntry(n.RangeFunction.Alias, name, using))
	case *ast.Node_RangeTableFunc:
		return r.enter(l, r.otherEntry(n.RangeTableFunc.Alias, "", using))
	case *ast.Node_JoinExpr:
		return r.joinItem(n.JoinExpr, l, using)
	}
	r.unsure()
	return nil
}

func (r *Printer) enter(l *printLevel, e *printEntry) *printSide {
	if e == nil {
		return nil
	}
	l.entries = append(l.entries, e)
	return &printSide{entry: e}
}

// otherEntry is an item that is no relation. Its columns have the names that they were given when the definition was
// made. name is what it is called without an alias.
func (r *Printer) otherEntry(a *ast.Alias, name string, using []string) *printEntry {
	e := &printEntry{printed: a.GetAliasname(), always: true, using: using}
	e.base[inDatabase] = e.printed
	if a == nil {
		return &printEntry{} // VALUES and the like: not named, so nothing refers to it
	}
	if r.Aliases[e.printed] == nil && e.printed != name {
		if base, ok := withoutNumber(e.printed); ok && (r.Aliases[base] != nil || base == name) {
			e.base[inDatabase] = base
		}
	}
	e.base[inTheVersion] = e.base[inDatabase]
	return e
}

// withoutNumber undoes what the server adds to a name that is taken.
func withoutNumber(name string) (string, bool) {
	base := strings.TrimRight(name, "0123456789")
	if len(base) == len(name) || len(base) < 2 || base[len(base)-1] != '_' {
		return "", false
	}
	return base[:len(base)-1], true
}

// tableEntry is a relation under an alias; "" for none.
func (r *Printer) tableEntry(rel *catalog.Relation, alias string) *printEntry {
	e := &printEntry{rel: rel, printed: alias, always: alias != "", base: [bothNamings]string{alias, alias}}
	if alias == "" {
		e.base[inDatabase], e.base[inTheVersion] = r.Names.relationName(rel, inDatabase), r.Names.relationName(rel, inTheVersion)
		e.printed = e.base[inDatabase]
	}
	e.columns, _ = r.Names.columns(rel)
	return e
}

// relationEntry is a relation, or a WITH query, as it stands in FROM or is the target of a command.
func (r *Printer) relationEntry(v *ast.RangeVar, l *printLevel, using []string) *printEntry {
	place := r.placeOf(v)
	if v.Schemaname == "" && l.hasCTE(v.Relname) {
		return r.cteEntry(v, place, using)
	}
	rel := r.Names.relation(v.Schemaname, v.Relname)
	if rel == nil || rel.Kind != catalog.View && len(rel.Columns) == 0 && r.Names.groupOf(rel.OID) != nil {
		r.unsure()
		return nil
	}
	e := r.tableEntry(rel, "")
	e.place, e.using = place, using
	if !r.qualifiedAs(e, l, inDatabase) {
		r.unsure()
	}
	if v.Alias == nil {
		return e
	}
	e.printed = v.Alias.Aliasname
	if v.Alias.Colnames != nil {
		e.listed = ast.StrVals(v.Alias.Colnames)
	}
	r.aliasOf(e)
	return e
}

// aliasOf tells whether the alias of a relation was written or is the server's.
func (r *Printer) aliasOf(e *printEntry) {
	written := r.Aliases[e.printed]
	base, numbered := withoutNumber(e.printed)
	made := numbered && base == e.rel.Name
	if e.printed == e.rel.Name && e.listed != nil {
		e.nameColumns(inDatabase, nil)
		made = slices.Equal(e.shown(inDatabase), e.listed)
	}
	switch {
	case written != nil:
		r.written(e, e.printed)
		if made && r.Names.groupOf(e.rel.OID) != nil && !r.aliasedBySegue(e) {
			r.unsure() // it may be either
		}
	case made:
	case numbered && r.Aliases[base] != nil:
		r.written(e, base)
	default:
		r.unsure()
	}
	if _, whole := r.Names.columns(e.rel); e.listed != nil && !whole {
		r.unsure() // the version has no such list
	}
}

// written notes that the alias of a relation was written. Where it was so more than once, with other columns each time, it
// is those that the text has, if only one of them can be meant.
func (r *Printer) written(e *printEntry, name string) {
	e.base = [bothNamings]string{name, name}
	e.always = true
	lists := r.Aliases[name].lists
	if len(lists) == 1 {
		e.aliases = lists[0]
		return
	}
	var matching [][]string
	for _, columns := range lists {
		e.aliases = columns
		if e.nameColumns(inDatabase, nil); e.lists(inDatabase) == (e.listed != nil) && (e.listed == nil || slices.Equal(e.listed, e.shown(inDatabase))) {
			matching = append(matching, columns)
		}
	}
	if len(matching) != 1 {
		r.unsure()
		return
	}
	e.aliases = matching[0]
}

// aliasedBySegue tells whether the alias of a relation is what Segue puts behind a table, the version's name: alone, so that
// what names the table need not change, or with a list of the version's names for columns, so that a join merges these.
// A user may have written the name once more, which says nothing; that is told only while the columns had the version's
// names, when nothing was put there.
func (r *Printer) aliasedBySegue(e *printEntry) bool {
	if name := r.Names.relationName(e.rel, inTheVersion); e.base[inTheVersion] != name || name == e.rel.Name && e.aliases == nil {
		return false
	}
	if e.aliases == nil {
		return !slices.ContainsFunc(r.Aliases[e.base[inDatabase]].then, e.hadVersionsNames)
	}
	differs := false
	for i, alias := range e.aliases {
		if i >= len(e.columns) || alias != e.columns[i].real[inTheVersion] {
			return false
		}
		differs = differs || alias != e.columns[i].real[inDatabase]
	}
	return differs
}

// hadVersionsNames tells whether these names of columns are the version's, where they differ.
func (e *printEntry) hadVersionsNames(columns []string) bool {
	return slices.ContainsFunc(e.columns, func(c *printColumn) bool {
		return slices.Contains(columns, c.real[inTheVersion]) && !slices.Contains(columns, c.real[inDatabase])
	})
}

// cteEntry is a WITH query by its name.
func (r *Printer) cteEntry(v *ast.RangeVar, place printPlace, using []string) *printEntry {
	e := &printEntry{printed: v.Relname, place: place, using: using}
	if v.Alias != nil {
		e = r.otherEntry(v.Alias, v.Relname, using)
	}
	e.base = [bothNamings]string{e.base[inDatabase], e.base[inDatabase]}
	if v.Alias == nil {
		e.base = [bothNamings]string{v.Relname, v.Relname}
	}
	return e
}

// placeOf finds the tokens of a relation, and marks them.
func (r *Printer) placeOf(v *ast.RangeVar) printPlace {
	p := printPlace{first: r.tokens.At(int(v.Location)), qualified: v.Schemaname != ""}
	p.last = p.first
	if p.qualified {
		p.last += 2
	}
	r.expect(p.last, v.Relname)
	p.end = p.last
	if v.Alias != nil {
		p.end++
		if p.as = r.tokens.Kind(p.end) == ast.Token_AS; p.as {
			p.end++
		}
		r.expect(p.end, v.Alias.Aliasname)
		if v.Alias.Colnames != nil {
			p.end = r.closing(p.end + 1)
		}
	}
	for i := p.first; i <= p.end; i++ {
		r.known[i] = true
	}
	return p
}

// qualifiedAs tells whether the schema is printed before the name as it is in the text, or in the version's names
// whether it is to be (generate_relation_name).
func (r *Printer) qualifiedAs(e *printEntry, l *printLevel, as printNaming) bool {
	need := l.hasCTE(r.Names.relationName(e.rel, as)) || !r.Names.visible(e.rel, as)
	if as == inDatabase {
		return need == e.place.qualified
	}
	return need
}

// printEntries puts the version's names to the relations and joins of a level.
func (r *Printer) printEntries(l *printLevel) {
	for _, j := range l.joins {
		r.printUsing(j, l)
	}
	for _, e := range l.entries {
		switch {
		case e.rel != nil && e.place.end > 0:
			r.printRelation(e, l)
		case e.join != nil:
			r.printJoinAlias(e)
		case e.name[inDatabase] == e.name[inTheVersion]:
		case e.place.end > 0 && e.place.end > e.place.last && r.tokens.Is(e.place.last+1, '('):
			r.unsure()
		case e.place.end == e.place.last+1: // a WITH query with an alias
			r.replace(e.place.end, e.place.end, r.quote(e.name[inTheVersion]))
		default:
			r.unsure() // where the alias stands is not known
		}
	}
}

func (r *Printer) printRelation(e *printEntry, l *printLevel) {
	name := r.quote(r.Names.relationName(e.rel, inTheVersion))
	if r.qualifiedAs(e, l, inTheVersion) {
		name = r.quote(e.rel.Schema) + "." + name
	}
	list := e.lists(inTheVersion)
	if e.always && !r.aliasedBySegue(e) || list || e.name[inTheVersion] != r.Names.relationName(e.rel, inTheVersion) {
		if e.place.as {
			name += " AS"
		}
		name += " " + r.quote(e.name[inTheVersion])
	}
	if list {
		if _, whole := r.Names.columns(e.rel); !whole {
			r.unsure()
		}
		name += "(" + strings.Join(r.quoteEach(e.shown(inTheVersion)), ", ") + ")"
	}
	r.replace(e.place.first, e.place.end, name)
}

// walkFrom walks what the items of FROM hold.
func (r *Printer) walkFrom(list []*ast.Node, l *printLevel) {
	for _, n := range list {
		switch n := n.Node.(type) {
		case *ast.Node_RangeSubselect:
			r.walk(n.RangeSubselect.Subquery, l)
		case *ast.Node_RangeFunction:
			r.walkList(n.RangeFunction.Functions, l)
			r.walkList(n.RangeFunction.Coldeflist, l)
		case *ast.Node_RangeTableFunc:
			f := n.RangeTableFunc
			r.walk(f.Docexpr, l)
			r.walk(f.Rowexpr, l)
			r.walkList(f.Namespaces, l)
			r.walkList(f.Columns, l)
		case *ast.Node_RangeTableSample:
			r.walkList(n.RangeTableSample.Args, l)
			r.walk(n.RangeTableSample.Repeatable, l)
		case *ast.Node_JoinExpr:
			r.walkFrom([]*ast.Node{n.JoinExpr.Larg, n.JoinExpr.Rarg}, l)
			r.walk(n.JoinExpr.Quals, l)
		}
	}
}
