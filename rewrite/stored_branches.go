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

// storedBranch is a branch that writeBranches has written, as it is found in the database.
type storedBranch struct {
	text    string   // the body that has this block alone
	columns []string // of its condition: the names in the database, each followed by that in the version
	tables  []string // or the identities of tables
}

// A branchedBody is a body that is made up of branches.
type branchedBody []storedBranch

// storedBranches takes a body apart whose outermost block is nothing but branches with the conditions that writeBranches
// writes. Whether they are that is told by writing them again, and never by the comment. nil for any other body.
func storedBranches(text string) branchedBody {
	var out branchedBody
	for _, alone := range plpgsql.ReadAlternatives(text) {
		br, ok := storedBranch{}, true
		if alone.Condition != "" {
			br, ok = readCondition(alone.Condition)
		}
		if !ok {
			return nil
		}
		br.text = alone.Body
		out = append(out, br)
	}
	return out
}

// readCondition reads the condition of a branch; ok is false for any that no branch would have.
func readCondition(text string) (br storedBranch, ok bool) {
	t, err := syntax.Scan(text)
	if err != nil {
		return br, false
	}
	b := &binding{bindInput: &bindInput{sql: text, tokens: t}}
	var constants []string
	for i := range t.List {
		if t.Kind(i) == ast.Token_SCONST {
			l, read := b.constantAt(i)
			if !read {
				return br, false
			}
			constants = append(constants, l.text)
		}
	}
	if strings.HasPrefix(text, triggerName) && len(constants) > 1 {
		br.tables = constants[1:] // the first is pg_catalog.pg_class
		return br, text == namedTables(br.tables)
	}
	n := len(constants) / 3
	if n == 0 || len(constants) != 3*n {
		return br, false
	}
	br.columns = constants[n:]
	var moved []rules.ColumnLens
	for i := 0; i < len(br.columns); i += 2 {
		moved = append(moved, rules.ColumnLens{Physical: br.columns[i], Logical: br.columns[i+1]})
	}
	return br, text == hasColumns(moved)
}

// taken is the body that runs for a trigger on the relation.
func (list branchedBody) taken(cat *catalog.Catalog, rel *catalog.Relation) string {
	for _, br := range list[:len(list)-1] {
		if br.holds(cat, rel) {
			return br.text
		}
	}
	return list[len(list)-1].text
}

// holds tells whether the condition of the branch is true for a trigger on the relation.
func (br *storedBranch) holds(cat *catalog.Catalog, rel *catalog.Relation) bool {
	if br.tables != nil {
		whole := partitionRoot(cat, rel)
		return slices.Contains(br.tables, identity(whole.Schema, whole.Name))
	}
	var here []string
	for i := 0; i < len(br.columns); i += 2 {
		here = append(here, br.columns[i])
	}
	count := 0
	for i := range rel.Columns {
		name := rel.Columns[i].Name
		if !slices.Contains(br.columns, name) {
			continue
		}
		if count++; !slices.Contains(here, name) {
			return false
		}
	}
	return count == len(here)
}

// partitionRoot is the table of which a relation is, by however many steps, a partition; the relation itself if of none.
func partitionRoot(cat *catalog.Catalog, rel *catalog.Relation) *catalog.Relation {
	b := &binding{cat: cat}
	for whole := b.partitioned(rel); whole != nil; whole = b.partitioned(rel) {
		rel = whole
	}
	return rel
}
