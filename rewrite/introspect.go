package rewrite

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/prefilter"
	"github.com/seguedb/segue/rewrite/ruleutils"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// An introspection is how the system catalogs look to one version: a session that is pinned to it sees the version's
// names in them, and no session sees Segue's own columns. Tables are told by OID and columns by number wherever the
// catalogs have them, so that an answer is right whatever the names are physically at the time.
//
// It is safe for concurrent use.
type introspection struct {
	cat    *catalog.Catalog
	groups []*ruleutils.Table // those tables that look different
	names  catalogNames
	stored bool            // texts may refer to names that are stored
	plain  int             // up to how many bytes of a map that is stored stand in a text all the same
	held   map[string]bool // the hashes of those that are
	mapped bool            // a table has columns that are more than names in the database, which no catalog can show
	tables []catalog.OID   // the tables of which the session's view depends on the snapshot: gates hold the statements

	substitutes sync.Map // of catalog relations, by key: *substitute

	onceDepended sync.Once
	depended     dependencies // see dependedOn
}

// A lensView says for whom an introspection is.
type lensView struct {
	lens   *rules.Lens
	pinned bool
	stored bool // stored names can be seen
}

// views are the introspections of a snapshot. It is safe for concurrent use.
type views struct {
	snap     *rules.Snapshot // nil when the catalogs are to stay as they are
	plain    int             // see introspection
	byLens   sync.Map        // lensView → *introspection
	unpinned *introspection
	filter   *prefilter.Filter
}

func (v *views) init(snap *rules.Snapshot, o Options) {
	if o.PlainCatalogs || snap.Catalog == nil {
		return
	}
	v.snap, v.plain = snap, cmp.Or(o.PlainNames, defaultPlainNames)
	if lens := snap.Lens(rules.Base); lens != nil {
		v.unpinned = v.introspection(lens, false, true)
	} else {
		v.unpinned = &introspection{cat: snap.Catalog}
	}
	v.filter = newCatalogFilter(snap)
}

// of is the introspection for a session; nil when the catalogs are to stay as they are.
func (v *views) of(lens *rules.Lens, s *Session) *introspection {
	if v.snap == nil || s.Version != "" && v.snap.Lens(s.Version) != lens {
		return nil
	}
	key := lensView{lens, s.Version != "", !s.Behind}
	if !key.pinned { // whichever version a statement of it is bound in, the catalogs are the same
		base := v.snap.Lens(rules.Base)
		key.lens = cmp.Or(v.snap.Lens(cmp.Or(s.Default, rules.Base)), base)
		if key.lens == nil || key.lens == base && key.stored {
			return v.unpinned
		}
	}
	if in, ok := v.byLens.Load(key); ok {
		return in.(*introspection)
	}
	in, _ := v.byLens.LoadOrStore(key, v.introspection(key.lens, key.pinned, key.stored))
	return in.(*introspection)
}

func (v *views) introspection(lens *rules.Lens, pinned, stored bool) *introspection {
	in := newIntrospection(v.snap, lens, pinned, stored)
	in.plain = v.plain
	return in
}

// newIntrospection derives from a lens how the catalogs look. A session that is not pinned sees the physical names; of columns
// that are under a change it sees the side that the lens has, as otherwise it would meet columns that no version has together.
// stored says that texts may refer to the names that the snapshot says are stored.
func newIntrospection(snap *rules.Snapshot, lens *rules.Lens, pinned, stored bool) *introspection {
	cat, later := snap.Catalog, newLaterNames(snap, lens)
	in := &introspection{cat: cat, stored: stored, held: snap.StoredNames}
	byShape := map[string]*ruleutils.Table{}
	for _, t := range lens.Tables {
		rel := cat.Relation(t.OID)
		if rel == nil {
			continue
		}
		g := groupOf(cat, rel, t, pinned)
		in.mapped = in.mapped || pinned && t.IsMapped()
		nameLater(g, later)
		if pinned || len(g.Hidden) > 0 {
			in.tables = append(in.tables, t.OID)
		}
		if !g.Renamed && len(g.Columns) == 0 && len(g.Hidden) == 0 && len(g.Declared) == 0 {
			continue
		}
		if same := byShape[shapeOf(g)]; same != nil && !g.Renamed {
			same.OIDs, same.Names = append(same.OIDs, t.OID), append(same.Names, rel.Name)
			continue
		}
		byShape[shapeOf(g)] = g
		in.groups = append(in.groups, g)
	}
	in.names = newCatalogNames(cat, in.groups)
	in.names.declared = declaredNames(lens)
	return in
}

func groupOf(cat *catalog.Catalog, rel *catalog.Relation, t *rules.TableLens, pinned bool) *ruleutils.Table {
	g := &ruleutils.Table{Schema: rel.Schema, OIDs: []catalog.OID{t.OID}, Names: []string{rel.Name}, Logical: rel.Name}
	shown := map[int16]bool{}
	for _, c := range t.Columns {
		if c.Reads() != nil {
			continue
		}
		side := t.IsSide(c.Num)
		shown[c.Num] = pinned || side || !strings.HasPrefix(c.Physical, hiddenPrefix)
		if c.Declared != nil {
			put(&g.Declared, c.Physical, c.Declared)
		}
		if (pinned || side) && c.Logical != c.Physical {
			g.Columns = append(g.Columns, c)
		}
	}
	for _, c := range rel.Columns {
		if !shown[c.Num] && (pinned || t.IsSide(c.Num) || strings.HasPrefix(c.Name, hiddenPrefix)) {
			g.Hidden = append(g.Hidden, c)
		}
	}
	if pinned && t.Logical != rel.Name {
		g.Renamed, g.Logical, g.RowType = true, t.Logical, rel.RowType
		for name := "_" + rel.Name; rel.RowType != 0 && len(name) < len(rel.Name)+4; name = "_" + name {
			for _, typ := range cat.TypesNamed(syntax.TruncateIdent(name)) {
				if typ.Elem == rel.RowType {
					g.Array = typ.OID
				}
			}
		}
	}
	return g
}

// nameLater notes what the columns are called in later versions.
func nameLater(g *ruleutils.Table, later laterNames) {
	for _, c := range g.Columns {
		names := later.of(g.OIDs[0], c.Num, c.Logical)
		if strings.HasPrefix(c.Physical, hiddenPrefix) { // an index that was made meanwhile has the hidden name
			names = append(names, c.Physical)
		}
		if len(names) > 0 {
			put(&g.Later, c.Num, names)
		}
	}
}

// shapeOf is equal for tables that may share a group.
func shapeOf(g *ruleutils.Table) string {
	var b strings.Builder
	b.WriteString(syntax.QuoteIdent(g.Schema))
	for _, c := range g.Columns {
		b.WriteString(" " + number(int64(c.Num)) + syntax.QuoteIdent(c.Physical) + "=" + syntax.QuoteIdent(c.Logical))
		for _, name := range g.Later[c.Num] {
			b.WriteString("<" + syntax.QuoteIdent(name))
		}
	}
	for _, c := range g.Hidden {
		b.WriteString(" " + number(int64(c.Num)) + syntax.QuoteIdent(c.Name))
	}
	for _, name := range slices.Sorted(maps.Keys(g.Declared)) {
		d := g.Declared[name]
		b.WriteString(" " + syntax.QuoteIdent(name) + "?" + strconv.FormatBool(d.NotNull) + syntax.QuoteLiteral(d.Default))
	}
	if g.Renamed {
		b.WriteString(" " + syntax.QuoteIdent(g.Names[0]) + "=" + syntax.QuoteIdent(g.Logical))
	}
	return b.String()
}

// hiddenPrefix begins the names of the columns that are Segue's own (rules.Build).
const hiddenPrefix = "_segue_"

// arrayName mirrors makeArrayTypeName (pg_type.c) where nothing else has the name.
func arrayName(name string) string { return syntax.TruncateIdent("_" + name) }

// A catalogItem is a catalog relation in FROM that is read through a subquery.
type catalogItem struct {
	node   *ast.Node // in FROM
	rv     *ast.RangeVar
	rel    *catalog.Relation
	system []string // the system columns that are asked for
	whole  bool     // all its columns are meant somewhere
	united bool     // the version has rows besides
	narrow []string // conditions on its rows t that follow from those of the statement
}

// catalogUse is what a statement has to do with the system catalogs.
type catalogUse struct {
	items   []*catalogItem
	used    bool         // what it shows depends on the session's version
	stored  bool         // it is kept in the database, for sessions of every version: the catalogs stay what they are
	natural bool         // it has a NATURAL JOIN
	byPlace bool         // it has a join whose alias may name columns by their place
	stars   map[int]bool // tokens: stars of which the items are known to be meant whole

	constants bool // a constant of it is a name by its context, so that it means something else than another constant

	printed map[*ast.Node]bool       // expressions of which the result is printed
	prints  map[*ast.FuncCall]string // SQL of what calls print; see binding.prints
	paired  map[*ast.FuncCall]bool   // those that may print a definition which is kept as a tree

	// Calls of which the names are looked up by the server, with their table where that is known; see binding.nameLookup.
	looked map[*ast.FuncCall]*rules.TableLens
}

// systemColumnOfCatalog has the subquery put out a system column that is asked for.
func (it *item) systemColumnOfCatalog(c *column) {
	if it.catalog != nil {
		it.catalog.system = append(it.catalog.system, c.name)
		if it.catalog.united {
			c.relation, c.num = 0, 0
		}
	}
}

// substitute has a catalog relation in FROM read through a subquery that shows the version's names. It is spelled when
// the whole statement is bound, since the system columns that it needs are only known then.
func (b *binding) substitute(n *ast.Node, it *item) {
	if b.views == nil || b.catalogs.stored || it.rel == nil || !b.views.shows(it.rel) {
		return
	}
	b.catalogs.used = true
	sub := b.substituteFor(it.rel, nil)
	if sub == nil {
		return
	}
	b.affected = true
	it.catalog = &catalogItem{node: n, rv: n.GetRangeVar(), rel: it.rel, united: b.views.declaredDefaults(it.rel, nil) != ""}
	it.hidden = it.bare
	for i, c := range it.cols {
		if i < len(it.rel.Columns) && sub.mapped[it.rel.Columns[i].Name] {
			c.relation, c.num = 0, 0 // an expression comes from no table
		}
	}
	b.catalogs.items = append(b.catalogs.items, it.catalog)
}

// catalogTarget refuses a command that writes a catalog relation, or copies it, where its names differ.
func (b *binding) catalogTarget(rel *catalog.Relation, location int32, what string) {
	if b.views == nil || rel == nil || !b.views.shows(rel) || b.substituteFor(rel, nil) == nil {
		return
	}
	b.affected = true
	b.unsupported(int(location), refusedCatalog, what, "would meet the names of the database instead of the version's")
}

// unsubstitutable refuses what a subquery cannot have.
func (b *binding) unsubstitutable(it *item, location int32, what string) {
	if it != nil && it.catalog != nil {
		b.unsupported(int(location), refusedCatalog, what, "cannot be used on "+syntax.QuoteIdent(it.rel.Name)+" where its names are mapped")
	}
}

// lockedCatalogs refuses FOR UPDATE on catalog relations.
func (b *binding) lockedCatalogs(s *scope, l *ast.LockingClause) {
	for _, it := range s.items {
		named := len(l.GetLockedRels()) == 0
		for _, n := range l.GetLockedRels() {
			named = named || n.GetRangeVar().GetRelname() == it.name
		}
		if named {
			b.unsubstitutable(it, -1, "FOR UPDATE")
		}
	}
}

// finishCatalogs writes the subqueries of the statement.
func (b *binding) finishCatalogs() {
	meant, read := b.meantColumns(), b.readColumns()
	for _, c := range b.catalogs.items {
		if len(c.system) > 0 && (c.whole || b.catalogs.natural) {
			b.unsupported(int(c.rv.Location), refusedCatalog, "a system column of "+syntax.QuoteIdent(c.rel.Name), "cannot be used besides its whole row")
			return
		}
		sub := b.substituteFor(c.rel, c.system)
		if sub = sub.only(c, meant, read); sub == nil {
			continue
		}
		sub = b.besideVariables(sub)
		start, end := b.relationRange(c.rv)
		text, alias := sub.text, c.rv.Alias
		if alias == nil {
			text += " AS " + syntax.QuoteIdent(c.rv.Relname)
			alias = &ast.Alias{Aliasname: c.rv.Relname}
		}
		node := c.node
		b.replace(start, end, text, func() {
			node.Node = &ast.Node_RangeSubselect{RangeSubselect: &ast.RangeSubselect{Subquery: sub.query, Alias: alias}}
		})
	}
}

// relationRange is where a relation stands in FROM, with ONLY or the star that mean nothing for a catalog.
func (b *binding) relationRange(rv *ast.RangeVar) (start, end int) {
	first := b.tokens.At(int(rv.Location))
	last := first
	for b.tokens.Is(b.afterIdent(last), '.') {
		last = b.part(last, 1)
	}
	after := b.afterIdent(last)
	switch {
	case !rv.Inh && b.tokens.Is(first-1, '(') && b.tokens.Is(after, ')'):
		return b.tokens.Start(first - 2), b.tokens.End(after)
	case !rv.Inh:
		return b.tokens.Start(first - 1), b.tokens.IdentEnd(last)
	case b.tokens.Is(after, '*'):
		return b.tokens.Start(first), b.tokens.End(after)
	}
	return b.tokens.Start(first), b.tokens.IdentEnd(last)
}

// catalogTable turns TABLE pg_class into a SELECT, since a subquery cannot follow TABLE.
func (b *binding) catalogTable(s *scope) {
	if b.table >= 0 && len(s.items) == 1 && s.items[0].catalog != nil {
		b.replace(b.tokens.Start(b.table), b.tokens.End(b.table), "SELECT * FROM", nil)
	}
}

// gateCatalogs has the statement held at the gates of the tables whose names it shows.
func (b *binding) gateCatalogs() {
	if !b.catalogs.used {
		return
	}
	if b.views.mapped {
		b.affected = true
		b.unsupported(-1, refusedMapped, "the system catalogs", "cannot show the columns of this version that are computed from others in the database")
	}
	named := make(map[catalog.OID]bool, len(b.statement.Tables))
	for _, oid := range b.statement.Tables {
		named[oid] = true
	}
	for _, oid := range b.views.tables {
		if !named[oid] {
			b.statement.Tables = append(b.statement.Tables, oid)
		}
	}
}

// shows tells whether a relation is one of the catalogs that may show names of tables.
func (in *introspection) shows(rel *catalog.Relation) bool {
	c := shownBy(rel)
	if in.changeCondition(rel) != "" {
		return true
	}
	return c.mentions != nil || c.stored != nil || c.sent != ""
}

// shownBy is what a relation shows; nothing unless it is one of the catalogs.
func shownBy(rel *catalog.Relation) catalogRelation {
	if rel.Schema != "pg_catalog" && rel.Schema != "information_schema" {
		return catalogRelation{}
	}
	return catalogRelations[rel.Schema+"."+rel.Name]
}
