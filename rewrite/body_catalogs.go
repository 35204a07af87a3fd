package rewrite

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/rewrite/ast"
)

// What runs once, in a session with a version, sees the system catalogs in the names of the version: the guards of a script
// that can be run again, and loops over tables. What is stored runs in sessions of any version, and sees them as they are.

// catalogsInBlock refuses what a DO block cannot do with the version's names from the catalogs.
func (bd *body) catalogsInBlock(read *plBody) {
	if !bd.once || !bd.catalogs.used {
		return
	}
	if read.computes() {
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
	if !slices.ContainsFunc(bd.edits, func(e Edit) bool { return usesAlias(e.New, name) }) {
		return
	}
	bd.affected = true
	bd.unsupported(bd.literal.opened, refusedBody, "the variable "+quoteIdent(name), "has a name that the queries use which show the system catalogs in the names of the version")
}

// usesAlias tells whether a text that is put in names a relation so, or may name a column so by itself.
func usesAlias(text, name string) bool {
	t, err := scanTokens(text)
	if err != nil {
		return true
	}
	for i := 0; i < t.len(); i++ {
		if foldIdent(t.text(i)) == "as" && t.is(i+2, '(') {
			for i += 2; i < t.len() && !t.is(i, ')'); { // labels; if the relation is ever named, then before a dot
				i++
			}
			continue
		}
		ident, ok := t.ident(i)
		behind := i > 0 && (t.is(i-1, '.') || foldIdent(t.text(i-1)) == "as")
		if ok && ident == name && !t.is(i+1, '(') && (!behind || t.is(i+1, '.') && !t.is(i-1, '.')) {
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
	eachNode(sub.query, func(n proto.Message) {
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
	if _, err := parseText("SELECT FROM " + text + " AS t"); err != nil {
		return sub
	}
	return newSubstitute("a catalog", text, sub.mapped)
}

// withAlias gives a relation in a text another alias. No label of the text has its name, but perhaps in a list of columns.
func withAlias(text, name, alias string) string {
	t, err := scanTokens(text)
	if err != nil {
		return text
	}
	var edits []Edit
	for i := range t.list {
		ident, ok := t.ident(i)
		if ok && ident == name && i > 0 && (t.is(i+1, '.') && !t.is(i-1, '.') || foldIdent(t.text(i-1)) == "as") {
			edits = append(edits, Edit{Start: t.start(i), End: t.end(i), New: alias})
		}
	}
	return applyEdits(text, edits)
}
