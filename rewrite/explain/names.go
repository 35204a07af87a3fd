package explain

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// planNames puts the output of an EXPLAIN into the version's names.
type planNames struct {
	snap *rules.Snapshot
	lens *rules.Lens
	*Statement
}

// edits are the replacements in the text of one or several plans.
func (p *planNames) edits(text string) []splice.Edit {
	var edits []splice.Edit
	for _, q := range planQueries(text, p.Format) {
		s := p.scope(q)
		for _, part := range q.parts {
			if mapped := s.mapped(part); mapped != part.value {
				edits = append(edits, splice.Edit{Start: part.start, End: part.end, New: part.spell(mapped)})
			}
		}
	}
	return edits
}

// A planRef is what stands before the dot of a column in a plan.
type planRef struct {
	alias   string
	name    string            // in the version
	base    string            // name without the number that makes it unique
	columns map[string]string // those that are called otherwise in the version
	fields  map[string]string // the same of its row as one value, of which an alias does not change the names
}

// A planScope is what the names in the plan of one query mean.
type planScope struct {
	*planNames
	refs     map[string]*planRef // by alias
	shown    []*planRef          // those that nodes of the plan are about
	inserted []catalog.OID       // what excluded can mean
}

// scope resolves the aliases of a plan: those that nodes have, and others that are in expressions only.
func (p *planNames) scope(q *planQuery) *planScope {
	s := &planScope{planNames: p, refs: map[string]*planRef{}}
	for _, n := range q.nodes {
		rel := s.relation(n)
		if n.insert && rel != nil {
			s.inserted = append(s.inserted, rel.OID)
		}
		if n.alias == "" || s.refs[n.alias] != nil {
			continue
		}
		ref := &planRef{alias: n.alias, columns: s.columnsOf(n, rel), fields: s.fieldsOf(rel)}
		ref.name, ref.base = s.aliasOf(n, rel)
		s.refs[n.alias] = ref
		s.shown = append(s.shown, ref)
	}
	all := slices.Clone(s.shown)
	for _, part := range q.parts {
		if part.kind != partExpression {
			continue
		}
		for _, alias := range s.prefixes(part.value) {
			if _, known := s.refs[alias]; !known {
				s.refs[alias] = s.unshown(alias)
				all = append(all, s.refs[alias])
			}
		}
	}
	makeUnique(all)
	return s
}

// makeUnique gives another number to names in the version that others have. The server numbers by the order of the range
// table (set_rtable_names in ruleutils.c), which a plan does not tell: so the numbers may be others than its.
func makeUnique(refs []*planRef) {
	taken := map[string]bool{}
	for _, ref := range refs {
		if ref.name == ref.alias {
			taken[ref.name] = true
		}
	}
	for _, ref := range refs {
		if ref.name == ref.alias {
			continue
		}
		for i := 1; taken[ref.name]; i++ {
			suffix := "_" + strconv.Itoa(i)
			ref.name = syntax.CutAtCharacter(ref.base, syntax.MaxIdentifier-len(suffix)) + suffix
		}
		taken[ref.name] = true
	}
}

// relation is what a node reads or changes; nil when it is no relation, or it cannot be told which. Without VERBOSE the
// plan names no schema.
func (s *planScope) relation(n *planNode) *catalog.Relation {
	cat := s.snap.Catalog
	switch {
	case n.relation == "":
		return nil
	case n.schema != "":
		return cat.Lookup(n.schema, n.relation)
	}
	var known []*catalog.Relation
	for _, r := range cat.Named(n.relation) {
		if r.Kind != catalog.Index && r.Kind != catalog.PartitionedIndex && r.Kind != catalog.CompositeType {
			known = append(known, r)
		}
	}
	if len(known) == 1 && !slices.Contains(s.Shadowed, n.relation) {
		return known[0]
	}
	var named *catalog.Relation
	for _, it := range s.itemsNamed(n.alias) {
		r := cat.Relation(it.Table)
		if it.Table == 0 {
			continue
		}
		if r == nil || r.Name != n.relation || named != nil && named != r {
			return nil
		}
		named = r
	}
	return named
}

// itemsNamed are the items that an alias in the plan can stand for: a number is put behind those that are not unique,
// and behind that of the parent for its partitions and children.
func (s *planScope) itemsNamed(alias string) []*Item {
	find := func(name string) (out []*Item) {
		for i := range s.Items {
			if s.Items[i].Name == name {
				out = append(out, &s.Items[i])
			}
		}
		return out
	}
	if exact := find(alias); len(exact) > 0 {
		return exact
	}
	base, suffix := cutNumber(alias)
	if suffix == "" {
		return nil
	}
	return find(base)
}

// cutNumber splits person_1 into person and _1; the suffix is empty where there is none.
func cutNumber(alias string) (base, suffix string) {
	i := strings.LastIndexByte(alias, '_')
	if i <= 0 {
		return alias, ""
	}
	if _, err := strconv.ParseUint(alias[i+1:], 10, 31); err != nil {
		return alias, ""
	}
	return alias[:i], alias[i:]
}

// aliasOf is the alias of a node in the version. One that the statement gives stays, and a table without one is known by
// its name (get_rel_name in set_rtable_names): that is so within views and functions, as the binder gives one to others.
func (s *planScope) aliasOf(n *planNode, rel *catalog.Relation) (name, base string) {
	given := func(it *Item) bool { return s.isFrom(rel, it.Table) }
	if rel == nil || slices.ContainsFunc(s.itemsNamed(n.alias), given) {
		return n.alias, n.alias
	}
	base, suffix := cutNumber(n.alias)
	for _, name := range []struct{ base, suffix string }{{n.alias, ""}, {base, suffix}} {
		for _, t := range s.lens.Tables {
			if t.Physical == name.base && t.Logical != name.base && s.isFrom(rel, t.OID) {
				return syntax.CutAtCharacter(t.Logical, syntax.MaxIdentifier-len(name.suffix)) + name.suffix, t.Logical
			}
		}
	}
	return n.alias, n.alias
}

// isFrom tells whether a relation is the one given, or a partition or child of it.
func (s *planScope) isFrom(rel *catalog.Relation, oid catalog.OID) bool {
	if rel == nil || rel.OID == oid {
		return rel != nil
	}
	return slices.ContainsFunc(rel.Parents, func(parent catalog.OID) bool {
		return s.isFrom(s.snap.Catalog.Relation(parent), oid)
	})
}

// columnsOf are those columns of what a node reads that are called otherwise in the version.
func (s *planScope) columnsOf(n *planNode, rel *catalog.Relation) map[string]string {
	var items []*Item
	listed := false
	for _, it := range s.itemsNamed(n.alias) {
		if n.relation == "" && s.lens.Table(it.Table) == nil || it.Table != 0 && s.isFrom(rel, it.Table) {
			items, listed = append(items, it), listed || it.Listed
		}
	}
	if rel == nil {
		if n.relation != "" {
			return nil
		}
		return agreed(items)
	}
	columns := s.fieldsOf(rel)
	if listed {
		maps.Copy(columns, agreed(items))
	}
	return columns
}

// fieldsOf are those columns of a relation that are called otherwise in the version.
func (s *planScope) fieldsOf(rel *catalog.Relation) map[string]string {
	if rel == nil || s.lens.Table(rel.OID) == nil {
		return map[string]string{}
	}
	return columnsOf(s.lens.Table(rel.OID))
}

// agreed are the columns of items of which one is meant: what only one of them has is its, and what several have must
// be called the same in the version.
func agreed(items []*Item) map[string]string {
	names := map[string]string{}
	for _, it := range items {
		if it.Unknown {
			return nil
		}
		for _, c := range it.Columns {
			if name, ok := names[c.Sent]; ok && name != c.Name {
				names[c.Sent] = c.Sent
			} else {
				names[c.Sent] = c.Name
			}
		}
	}
	return names
}

// unshown is what an alias means that no node has: the parent of tables that are shown in its place, say. Its columns
// stay as they are where that cannot be told.
func (s *planScope) unshown(alias string) *planRef {
	ref := &planRef{alias: alias, name: alias, base: alias}
	if items := s.itemsNamed(alias); len(items) > 0 {
		ref.columns = agreed(items)
	} else if base, _ := cutNumber(alias); base == "excluded" {
		ref.columns = s.excluded()
	} else if t := s.tableCalled(alias); t != nil { // within a view
		ref.name, ref.base, ref.columns = t.Logical, t.Logical, columnsOf(t)
		ref.fields = ref.columns
	}
	return ref
}

// excluded are the columns of the row that ON CONFLICT was proposed; it is on no line of its own.
func (s *planScope) excluded() map[string]string {
	if len(s.inserted) == 0 || slices.ContainsFunc(s.inserted, func(o catalog.OID) bool { return o != s.inserted[0] }) {
		return nil
	}
	if t := s.lens.Table(s.inserted[0]); t != nil {
		return columnsOf(t)
	}
	return nil
}

// tableVisible is the table under migration that is meant where the server prints a name as short as it can be read back:
// without a schema where the search_path finds it.
func (s *planScope) tableVisible(schema, name string) *rules.TableLens {
	for _, t := range s.lens.Tables {
		if t.Physical == name && (schema == t.Schema || schema == "" && slices.Contains(s.Visible, t.OID)) {
			return t
		}
	}
	return nil
}

// tableCalled is the table under migration that the database calls so, if it can be no other relation.
func (s *planScope) tableCalled(name string) *rules.TableLens {
	if slices.Contains(s.Shadowed, name) || len(s.snap.Catalog.Named(name)) != 1 {
		return nil
	}
	return s.lens.Table(s.snap.Catalog.Named(name)[0].OID)
}

// bare are the columns that are meant by names without a dot in the properties of a node: those of what it reads. Else
// nothing but columns of the only relation of the query, or of those that the plan has no use for (Result), have no dot.
func (s *planScope) bare(n *planNode) map[string]string {
	for n != nil && n.alias == "" && n.index {
		n = n.parent
	}
	if n != nil && n.alias != "" {
		return s.refs[n.alias].columns
	}
	if len(s.shown) == 1 && len(s.Items) <= 1 {
		return s.shown[0].columns
	}
	var unused []*Item
	for i := range s.Items {
		if it := &s.Items[i]; !s.isShown(it) {
			unused = append(unused, it)
		}
	}
	return agreed(unused)
}

func (s *planScope) isShown(it *Item) bool {
	return slices.ContainsFunc(s.shown, func(ref *planRef) bool {
		base, _ := cutNumber(ref.alias)
		return ref.alias == it.Name || base == it.Name
	})
}
