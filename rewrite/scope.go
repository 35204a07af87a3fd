package rewrite

import (
	"slices"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rules"
)

// A scope is one query level, as ParseState is for PostgreSQL's parser: the FROM items and the WITH queries that names
// can mean, and the level around it.
type scope struct {
	parent  *scope
	items   []*item
	ctes    map[string]*cte
	entries []*item         // every FROM item, also those that cannot be named from where they stand (p_rtable)
	rows    []*item         // old and new of a rule: entries of the level beneath
	lateral bool            // items marked lateralOnly can be seen (p_lateral_active)
	byPlace bool            // of what the query puts out only the order counts
	selects *ast.SelectStmt // whose level it is; nil for other statements
}

// newLevel is a level within another; parent may be nil.
func newLevel(parent *scope) *scope {
	s := &scope{parent: parent}
	if parent != nil {
		s.entries = slices.Clone(parent.rows)
	}
	return s
}

// An item is one entry of a namespace (ParseNamespaceItem): what an alias and unqualified column names can mean. Its
// name is the same in the client's text and in what is sent: where a table is spliced under another name, the name by
// which the client knows it becomes its alias. Only where the grammar allows no alias is it sent under another name.
type item struct {
	name    string            // the alias, or the table's name in the version
	renamed string            // the name in what is sent, where that is another
	rel     *catalog.Relation // nil unless it is a relation
	table   *rules.TableLens  // nil unless a row of it is one of a table under migration
	cols    []*column
	unknown bool // it has more columns than are listed, or others
	lacking bool // a field that it does not have may be named of it, where that is never reached
	plain   bool // column for column the server shows what the version has: its * can stay
	named   bool // the fields of its whole row have the version's names at the server
	ordered bool // its visible columns are the server's, one for one, perhaps under other names
	added   bool // an outer join adds rows of NULL for it

	merges bool // it is a join without an alias, and plain says whether its columns are spelled alike

	bare   bool // the client gave it no alias, so that schema.table.column can mean it
	hidden bool // bare, but an alias is added in what is sent

	relVisible  bool // it can be named before a dot
	colsVisible bool // its columns can be named alone
	lateralOnly bool
	blocked     bool // a lateral reference to it is an error (p_lateral_ok is false)

	system map[string]*column // those system columns that were asked for

	node    any          // where it can be given an alias list: the node that says so
	catalog *catalogItem // set where it is read through a subquery
	of      string       // the function of which it is a parameter: it can be named behind it
	rowType catalog.OID  // of its row as one value; 0 for an anonymous record
}

// A column is one name in an item.
type column struct {
	name     string           // in the version; "" where the version does not show it
	physical string           // in what is sent; "" where no name alone means it
	mapping  *rules.Mapping   // nil: a plain name; see plainName
	item     *item            // the item by whose name it can be qualified
	root     *column          // the column whose value it hands on, itself included: equal roots are the same value
	table    *rules.TableLens // where it is a column of a table under migration
	logical  string           // its name in the version's table, whatever an alias makes of it
	typ      catalog.OID      // 0 when unknown
	typmod   int32
	rows     value // what it holds, where typ does not say it

	relation catalog.OID // where RowDescription says that it comes from
	num      int16
	known    bool  // relation and num are certain
	attnum   int16 // of the attribute in the row type of a relation, also where RowDescription says nothing of it

	moved *movedName // while shownNotes are taken: its name becomes another
}

// newColumn makes a column of an item that stands for itself.
func (it *item) newColumn(name, physical string) *column {
	c := &column{name: name, physical: physical, item: it}
	c.root = c
	it.cols = append(it.cols, c)
	return c
}

// under is an item with the same columns and another name, as a trigger and a rule have for the rows of a table.
func (it *item) under(name string) *item {
	row := *it
	row.name, row.renamed, row.bare, row.hidden, row.system = name, "", false, false, nil
	row.relVisible, row.colsVisible = true, true
	row.cols = nil
	for _, c := range it.cols {
		own := *c
		own.item, own.root = &row, &own
		row.cols = append(row.cols, &own)
	}
	return &row
}

// finding is how the search for a name ended.
type finding byte

const (
	missing finding = iota
	found
	ambiguous
)

// A hit is the result of looking for a column in a scope.
type hit struct {
	finding  finding
	col      *column
	item     *item // in which it was found: a join, perhaps, where col.item is one of its tables
	doubtful bool  // an item with unknown columns stands at the same level, or further in
	shadowed bool  // such an item stands further in: if it has the name, that is what is meant
}

// Both readings of a name go through the same code: what it means in the version, and what the server would find.
type reading byte

const (
	inVersion reading = iota
	atServer
)

func (c *column) called(name string, r reading) bool {
	if r == inVersion {
		return c.name == name
	}
	return c.physical == name
}

// column mirrors colNameToVar (parse_relation.c): the innermost level that has the name decides.
func (s *scope) column(name string, r reading) hit {
	h := hit{}
	for ; s != nil; s = s.parent {
		n, here := s.columnHere(name, r, &h)
		h.doubtful = h.doubtful || here
		switch {
		case n > 1:
			h.finding = ambiguous
			return h
		case n == 1:
			h.finding = found
			return h
		}
		h.shadowed = h.shadowed || here
	}
	return h
}

// columnHere looks at one level; unknown says that there is an item whose columns are not known.
func (s *scope) columnHere(name string, r reading, h *hit) (n int, unknown bool) {
	for _, it := range s.items {
		if !it.colsVisible || it.lateralOnly && !s.lateral {
			continue
		}
		c, f := it.column(name, r)
		switch f {
		case ambiguous:
			return 2, unknown
		case found:
			h.col, h.item = c, it
			n++
		}
		unknown = unknown || it.unknown
	}
	return n, unknown
}

// column mirrors scanRTEForColumn: the columns of one item, and the system columns of a table.
func (it *item) column(name string, r reading) (*column, finding) {
	var hit *column
	for _, c := range it.cols {
		if c.called(name, r) {
			if hit != nil {
				return nil, ambiguous
			}
			hit = c
		}
	}
	if hit != nil {
		return hit, found
	}
	if it.rel != nil && catalog.IsSystemColumn(name) && hasSystemColumns(it.rel.Kind) {
		return it.systemColumn(name), found
	}
	return nil, missing
}

func hasSystemColumns(k catalog.Kind) bool {
	switch k {
	case catalog.Table, catalog.PartitionedTable, catalog.MaterializedView, catalog.ForeignTable, catalog.Sequence:
		return true
	}
	return false
}

// systemColumnNum are the attribute numbers of sysattr.h.
var systemColumnNum = map[string]int16{"ctid": -1, "xmin": -2, "cmin": -3, "xmax": -4, "cmax": -5, "tableoid": -6}

func (it *item) systemColumn(name string) *column {
	if c := it.system[name]; c != nil {
		return c
	}
	c := &column{name: name, physical: name, item: it, relation: it.rel.OID, num: systemColumnNum[name], known: true}
	if name == "tableoid" {
		c.typ, c.typmod = oidType, -1
	}
	c.root = c
	it.systemColumnOfCatalog(c)
	if it.system == nil {
		it.system = map[string]*column{}
	}
	it.system[name] = c
	return c
}

// relation mirrors refnameNamespaceItem for a name without schema.
func (s *scope) relation(name string, r reading) (*item, finding) {
	if r == inVersion {
		return s.find(func(it *item) bool { return it.name == name })
	}
	return s.find(func(it *item) bool { return it.name == name && it.renamed == "" || it.renamed == name })
}

// sent is the item's name in what is sent.
func (it *item) sent() string {
	if it.renamed != "" {
		return it.renamed
	}
	return it.name
}

// relationByOID mirrors refnameNamespaceItem for a name with schema: only an item without alias can be named so.
func (s *scope) relationByOID(oid catalog.OID, r reading) (*item, finding) {
	return s.find(func(it *item) bool {
		return it.rel != nil && it.rel.OID == oid && it.bare && (r == inVersion || !it.hidden)
	})
}

func (s *scope) find(match func(*item) bool) (*item, finding) {
	for ; s != nil; s = s.parent {
		var hit *item
		for _, it := range s.items {
			if !it.relVisible || it.lateralOnly && !s.lateral || !match(it) {
				continue
			}
			if hit != nil {
				return nil, ambiguous
			}
			hit = it
		}
		if hit != nil {
			return hit, found
		}
	}
	return nil, missing
}

// enter notes a FROM item of the level, and is its part of the namespace.
func (s *scope) enter(it *item) []*item {
	s.entries = append(s.entries, it)
	return []*item{it}
}

// setLateral mirrors setNamespaceLateralState.
func setLateral(items []*item, only, blocked bool) {
	for _, it := range items {
		it.lateralOnly, it.blocked = only, blocked
	}
}

// within runs f in a level that is s with other items, as the parser does for the quals of a join.
func (s *scope) within(items []*item, f func()) {
	saved := s.items
	s.items = items
	f()
	s.items = saved
}
