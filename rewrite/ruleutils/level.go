package ruleutils

import (
	"slices"
	"strconv"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/syntax"
)

// A printLevel is one query level, as deparse_namespace is for ruleutils.
type printLevel struct {
	parent  *printLevel
	entries []*printEntry // in the order of the range table
	ctes    []string
	using   []string // merged columns of its joins: their names are kept, whatever the columns are called
	joins   []*printJoin
	merges  map[string]string // merged columns that have another name in the version; see mergeNames

	bareMerged bool        // one is read by its bare name
	bare       *printEntry // what names without a dot mean; nil when all are qualified but merged columns
	free       bool        // a single entry is not named before its columns
	taken      []string    // names that are given to entries before all others, and never printed

	counters [bothNamings]map[string]int
}

// A printEntry is an item of FROM that has a name.
type printEntry struct {
	rel     *catalog.Relation // nil for what is no relation: its columns have the names that they were given
	base    [bothNamings]string
	name    [bothNamings]string
	printed string // its name in the text
	columns []*printColumn
	using   []string // the names that joins with USING give to its columns
	merges  map[string]string
	aliases []string   // the names that were written for its columns
	listed  []string   // the list of column aliases in the text
	always  bool       // an alias is written, and so printed
	join    *printJoin // of a join with an alias
	place   printPlace
}

// A printPlace is where a relation stands in the text: its name from first to last, and all up to the end of its alias.
type printPlace struct {
	first, last, end int
	qualified        bool
	as               bool // AS stands before the alias
}

// nameEntries mirrors set_rtable_names and set_relation_column_names (ruleutils.c), for both namings.
func (r *Printer) nameEntries(l *printLevel) {
	for as := range bothNamings {
		l.counters[as] = map[string]int{}
		for p := l.parent; p != nil; p = p.parent {
			for name := range p.counters[as] {
				l.counters[as][name] = 0
			}
		}
		for _, name := range l.taken {
			l.unique(as, name)
		}
		for _, e := range l.entries {
			if e.name[as] = l.unique(as, e.base[as]); len(e.name[as]) > syntax.MaxIdentifier {
				r.unsure()
			}
			if as == inDatabase && e.name[as] != e.printed {
				r.unsure()
			}
		}
	}
	r.nameColumnsOf(l)
}

// unique gives a name to an entry.
func (l *printLevel) unique(as printNaming, name string) string {
	names := l.counters[as]
	if _, taken := names[name]; !taken {
		names[name] = 0
		return name
	}
	for {
		names[name]++
		other := name + "_" + strconv.Itoa(names[name])
		if _, taken := names[other]; !taken {
			names[other] = 0
			return other
		}
	}
}

// nameAllColumns names the columns of all entries so that none has one of the names in use besides those that USING
// gives to it. false means that the text has other names.
func (r *Printer) nameAllColumns(l *printLevel, inUse []string) bool {
	for _, e := range l.entries {
		if e.join != nil {
			e.columns = e.join.columns()
		}
		if e.columns == nil {
			continue
		}
		for as := range bothNamings {
			e.nameColumns(as, inUse)
		}
		if e.listed == nil && e.lists(inDatabase) || e.listed != nil && (!e.lists(inDatabase) || !slices.Equal(e.listed, e.shown(inDatabase))) {
			return false
		}
	}
	return true
}

// nameColumns mirrors set_relation_column_names and set_join_column_names. Which columns a USING names is told by the text.
func (e *printEntry) nameColumns(as printNaming, inUse []string) {
	var used []string
	for i, c := range e.columns {
		c.shown[as] = ""
		name := c.real[inDatabase]
		if e.listed != nil && i < len(e.listed) {
			name = e.listed[i]
		}
		if slices.Contains(e.using, name) {
			c.shown[as] = mergedName(e.merges, name, as)
		} else if c.merged {
			c.shown[as] = c.real[as]
		}
		if c.shown[as] != "" {
			used = append(used, c.shown[as])
		}
	}
	for _, name := range slices.Concat(e.using, inUse) {
		used = append(used, mergedName(e.merges, name, as))
	}
	for _, i := range e.namingOrder() {
		c := e.columns[i]
		if c.shown[as] != "" {
			continue
		}
		base := c.real[as]
		if i < len(e.aliases) {
			base = e.aliases[i]
		}
		name := base
		for n := 1; slices.Contains(used, name); n++ {
			name = base + "_" + strconv.Itoa(n)
		}
		c.shown[as] = name
		used = append(used, name)
	}
}

// namingOrder is the order in which columns are named. In a join those that were added to its tables since it was made come
// last: of two that have one name, it is the one that has a number in the text.
func (e *printEntry) namingOrder() (order []int) {
	var last []int
	for i, c := range e.columns {
		if e.join != nil && i < len(e.listed) && i >= len(e.aliases) && e.listed[i] != c.real[inDatabase] {
			last = append(last, i)
		} else {
			order = append(order, i)
		}
	}
	return append(order, last...)
}

// lists tells whether a list of column aliases is printed.
func (e *printEntry) lists(as printNaming) bool {
	return slices.ContainsFunc(e.columns, func(c *printColumn) bool { return c.shown[as] != c.real[as] })
}

// shown are the names of the columns.
func (e *printEntry) shown(as printNaming) []string {
	out := make([]string, len(e.columns))
	for i, c := range e.columns {
		out[i] = c.shown[as]
	}
	return out
}

// column is the column that the text calls so; nil where none is known.
func (e *printEntry) column(name string) *printColumn {
	for _, c := range e.columns {
		if c.shown[inDatabase] == name {
			return c
		}
	}
	return nil
}

// entry is what the text calls so, at this level or around it.
func (l *printLevel) entry(name string) *printEntry {
	for ; l != nil; l = l.parent {
		for _, e := range l.entries {
			if e.name[inDatabase] == name {
				return e
			}
		}
	}
	return nil
}

// hasCTE tells whether a bare name of a relation is that of a WITH query.
func (l *printLevel) hasCTE(name string) bool {
	for ; l != nil; l = l.parent {
		if slices.Contains(l.ctes, name) {
			return true
		}
	}
	return false
}

// merging is the level, this one or one around it, of which a USING gives that name; nil for none.
func (l *printLevel) merging(name string) *printLevel {
	for ; l != nil; l = l.parent {
		if slices.Contains(l.using, name) {
			return l
		}
	}
	return nil
}
