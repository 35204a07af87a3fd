package rewrite

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/plpgsql"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
)

// What runs once, in a session with a version, sees the system catalogs in the names of the version: the guards of a script
// that can be run again, and loops over tables. What is stored runs in sessions of any version, and sees them as they are.

// catalogsInBlock refuses what a DO block cannot do with the version's names from the catalogs.
func (bd *body) catalogsInBlock(read *plpgsql.Body) {
	if !bd.once || !bd.catalogs.used {
		return
	}
	if read.Computes() {
		bd.affected = true
		bd.unsupported(bd.literal.opened, refusedString, bd.of, "reads the system catalogs, where names are those of the version, and executes a text that it computes, where they must be those of the database")
		return
	}
	for name := range bd.vars.known {
		bd.refuseAlias(name)
	}
	for _, name := range bd.vars.labels {
		bd.refuseAlias(name)
	}
}

// refuseAlias refuses a variable that takes a name which what is put in the place of a catalog uses for a relation: PL/pgSQL
// would take the one for the other.
func (bd *body) refuseAlias(name string) {
	if !slices.ContainsFunc(bd.edits, func(e splice.Edit) bool { return usesAlias(e.New, name) }) {
		return
	}
	bd.affected = true
	bd.unsupported(bd.literal.opened, refusedBody, "the variable "+syntax.QuoteIdent(name), "has a name that the queries use which show the system catalogs in the names of the version")
}

// usesAlias tells whether a text that is put in names a relation so, or may name a column so by itself.
func usesAlias(text, name string) bool {
	t, err := syntax.Scan(text)
	if err != nil {
		return true
	}
	for i := 0; i < t.Len(); i++ {
		if syntax.FoldIdent(t.Text(i)) == "as" && t.Is(i+2, '(') {
			for i += 2; i < t.Len() && !t.Is(i, ')'); { // labels; if the relation is ever named, then before a dot
				i++
			}
			continue
		}
		ident, ok := t.Ident(i)
		behind := i > 0 && (t.Is(i-1, '.') || syntax.FoldIdent(t.Text(i-1)) == "as")
		if ok && ident == name && !t.Is(i+1, '(') && (!behind || t.Is(i+1, '.') && !t.Is(i-1, '.')) {
			return true
		}
	}
	return false
}

// besideVariables is a subquery in FROM with other aliases where variables of the body have those that it has.
func (b *binding) besideVariables(sub *substitute) *substitute {
	if b.vars == nil {
		return sub
	}
	labels := map[string]bool{}
	var clashing []string
	ast.Walk(sub.query, func(n proto.Message) {
		switch n := n.(type) {
		case *ast.ResTarget:
			labels[n.Name] = true
		case *ast.Alias:
			if b.vars.has(n.Aliasname) {
				clashing = append(clashing, n.Aliasname)
			}
		}
	})
	text := sub.text
	for _, name := range clashing {
		if labels[name] {
			return sub // refuseAlias says so
		}
		text = withAlias(text, name, "segue_"+name)
	}
	if text == sub.text {
		return sub
	}
	if _, err := syntax.Parse("SELECT FROM " + text + " AS t"); err != nil {
		return sub
	}
	own := *sub
	return own.spelled(text)
}

// withAlias gives a relation in a text another alias. No label of the text has its name, but perhaps in a list of columns.
func withAlias(text, name, alias string) string {
	t, err := syntax.Scan(text)
	if err != nil {
		return text
	}
	var edits []splice.Edit
	for i := range t.List {
		ident, ok := t.Ident(i)
		if ok && ident == name && i > 0 && (t.Is(i+1, '.') && !t.Is(i-1, '.') || syntax.FoldIdent(t.Text(i-1)) == "as") {
			edits = append(edits, splice.Edit{Start: t.Start(i), End: t.End(i), New: alias})
		}
	}
	return splice.Apply(text, edits)
}
