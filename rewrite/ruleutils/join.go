package ruleutils

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/rewrite/ast"
)

// A printJoin is a join in FROM, as it stands in the text.
type printJoin struct {
	kind        ast.JoinType
	left, right *printSide // nil for what is not understood
	using       []string   // the names in its USING
	at          int        // the token USING; -1 where it is not known or there is none
	end         int        // its last token without its alias; -1 where it is not known
	alias       bool
	level       *printLevel
}

// A printSide is one side of a join: an entry, or a join without an alias.
type printSide struct {
	entry *printEntry
	join  *printJoin
}

// entries are those on a side; a join with an alias hides what is inside of it.
func (s *printSide) entries() []*printEntry {
	switch {
	case s == nil:
		return nil
	case s.entry != nil:
		return []*printEntry{s.entry}
	}
	return s.join.entries()
}

// entries are those inside a join.
func (j *printJoin) entries() []*printEntry {
	if j == nil {
		return nil
	}
	return slices.Concat(j.left.entries(), j.right.entries())
}

// joinItem mirrors set_using_names: a join without an alias hands the names on that it is given.
func (r *Printer) joinItem(n *ast.JoinExpr, l *printLevel, using []string) *printSide {
	j := &printJoin{kind: n.Jointype, using: ast.StrVals(n.UsingClause), at: -1, end: -1, alias: n.Alias != nil, level: l}
	l.using = append(l.using, j.using...)
	within := slices.Clone(j.using)
	if n.Alias == nil {
		within = append(within, using...)
	}
	j.left, j.right = r.fromItem(n.Larg, l, within), r.fromItem(n.Rarg, l, within)
	l.joins = append(l.joins, j)
	r.placeUsing(j, n)
	if n.Alias == nil {
		return &printSide{join: j}
	}
	e := r.otherEntry(n.Alias, "", using)
	e.join = j
	if n.Alias.Colnames != nil {
		e.listed = ast.StrVals(n.Alias.Colnames)
	}
	if written := r.Aliases[e.base[inDatabase]]; written != nil {
		if e.aliases = written.lists[0]; len(written.lists) > 1 && e.listed != nil {
			r.unsure()
		}
	}
	return r.enter(l, e)
}

// placeUsing finds the USING of a join, which has no location: it follows the right side, whose brackets are closed before.
func (r *Printer) placeUsing(j *printJoin, n *ast.JoinExpr) {
	at := 0
	switch {
	case len(j.using) == 0 || j.right == nil:
		return
	case j.right.entry != nil && j.right.entry.place.end > 0:
		at = j.right.entry.place.end
	case j.right.join != nil && j.right.join.end >= 0:
		at = j.right.join.end
	default:
		return
	}
	for at++; r.tokens.Is(at, ')'); at++ {
	}
	if r.tokens.Kind(at) != ast.Token_USING || !r.tokens.Is(at+1, '(') {
		return
	}
	j.at, j.end = at, r.closing(at+1)
	if n.JoinUsingAlias != nil { // AS and the alias, by which nothing is called in what is printed
		j.end += 2
	}
}

// columns are those of a join in the order in which they are printed (set_join_column_names); nil where some are not
// known.
func (j *printJoin) columns() []*printColumn {
	left, right := j.left.columns(), j.right.columns()
	if left == nil || right == nil {
		return nil
	}
	var out []*printColumn
	for _, name := range j.using {
		names := [bothNamings]string{name, mergedName(j.level.merges, name, inTheVersion)}
		c := &printColumn{real: names, shown: names, merged: true}
		for _, of := range slices.Concat(left, right) {
			if of.shown[inDatabase] == name && c.typ == 0 {
				c.typ, c.typmod = of.typ, of.typmod
			}
		}
		out = append(out, c)
	}
	for _, c := range slices.Concat(left, right) {
		if !slices.Contains(j.using, c.shown[inDatabase]) {
			out = append(out, &printColumn{real: c.shown, shown: c.shown, typ: c.typ, typmod: c.typmod})
		}
	}
	return out
}

func (s *printSide) columns() []*printColumn {
	switch {
	case s == nil:
		return nil
	case s.entry != nil:
		return s.entry.columns
	}
	return s.join.columns()
}

// mergedName is a name that a USING gives.
func mergedName(merges map[string]string, name string, as printNaming) string {
	if to, ok := merges[name]; ok && as == inTheVersion {
		return to
	}
	return name
}

// mergeNames finds the merged columns of a level that have another name in the version. PostgreSQL keeps the name that
// USING had when the definition was made, by whatever name its columns go later. It is the version's that stood there if it
// is one that these columns have in later versions only.
func (r *Printer) mergeNames(l *printLevel) {
	for _, name := range l.using {
		if to := l.versionOfMerged(name, name); to != "" && to != name {
			l.merge(name, to)
		}
	}
	for _, name := range l.using { // of which PostgreSQL has made a name that is not taken
		base, numbered := withoutNumber(name)
		if !numbered || l.merges[base] == "" || l.merges[name] != "" {
			continue
		}
		if to := l.versionOfMerged(name, base); to != "" {
			l.merge(name, to+strings.TrimPrefix(name, base))
		}
	}
	taken := map[string]string{}
	for _, name := range l.using {
		to := mergedName(l.merges, name, inTheVersion)
		if other, ok := taken[to]; ok && other != name {
			r.unsure()
		}
		taken[to] = name
	}
	for _, e := range l.entries {
		e.merges = l.merges
	}
}

// merge notes what the version calls a merged column.
func (l *printLevel) merge(name, to string) {
	if l.merges == nil {
		l.merges = map[string]string{}
	}
	l.merges[name] = to
}

// versionOfMerged is the name in the version of the columns that a USING calls name, made from real; "" if they differ, or are
// not known, or real is not a later version's.
func (l *printLevel) versionOfMerged(name, real string) (to string) {
	for _, e := range l.entries {
		if !slices.Contains(e.using, name) {
			continue
		}
		if e.rel == nil {
			return ""
		}
		for i, c := range e.columns {
			text := c.real[inDatabase]
			if e.listed != nil && i < len(e.listed) {
				text = e.listed[i]
			}
			later := slices.Contains(c.later, real)
			if text != name || !later && c.real[inDatabase] != real { // renamed since, so that it says nothing
				continue
			}
			if !later || to != "" && to != c.real[inTheVersion] {
				return ""
			}
			to = c.real[inTheVersion]
		}
	}
	return to
}

// nameColumnsOf names the columns of a level. A name that USING gives is to be that of no other column if one of its
// joins merges columns into a value of its own (has_dangerous_join_using).
func (r *Printer) nameColumnsOf(l *printLevel) {
	unique := r.nameAllColumns(l, l.using)
	names := l.columnNames()
	shared := r.nameAllColumns(l, nil)
	switch {
	case shared && unique && !slices.Equal(names, l.columnNames()):
		dangerous, sure := l.dangerous()
		if !sure {
			r.unsure()
		}
		if dangerous {
			r.nameAllColumns(l, l.using)
		}
	case shared:
	case unique:
		r.nameAllColumns(l, l.using)
	default:
		r.unsure()
	}
}

func (l *printLevel) columnNames() (out []string) {
	for _, e := range l.entries {
		out = append(out, e.shown(inTheVersion)...)
	}
	return out
}

// dangerous tells whether a join without an alias has a merged column that is a value of its own, be it that of a FULL JOIN
// or one of another type than its side's. Such a one is printed by its bare name.
func (l *printLevel) dangerous() (yes, sure bool) {
	if l.bareMerged {
		return true, true
	}
	sure = true
	for _, j := range l.joins {
		if len(j.using) == 0 || j.alias {
			continue
		}
		if j.kind == ast.JoinType_JOIN_FULL {
			return true, true
		}
		for _, name := range j.using {
			left, right := columnShown(j.left.columns(), name), columnShown(j.right.columns(), name)
			sure = sure && left != nil && right != nil && left.typ != 0 && left.typ == right.typ && left.typmod == right.typmod
		}
	}
	return false, sure
}

func columnShown(columns []*printColumn, name string) *printColumn {
	for _, c := range columns {
		if c.shown[inDatabase] == name {
			return c
		}
	}
	return nil
}

// readsMerged notes whether the output of a query reads a merged column by its bare name.
func (l *printLevel) readsMerged(m proto.Message) {
	ast.EachChild(m, func(m proto.Message) {
		switch n := m.(type) {
		case *ast.SelectStmt: // its bare names may be its own
		case *ast.ColumnRef:
			name, bare := ast.BareName(n)
			l.bareMerged = l.bareMerged || bare && slices.Contains(l.using, name)
		default:
			l.readsMerged(m)
		}
	})
}

// printUsing puts the version's names into the USING of a join.
func (r *Printer) printUsing(j *printJoin, l *printLevel) {
	for i, name := range j.using {
		to := mergedName(l.merges, name, inTheVersion)
		if to == name {
			continue
		}
		if j.at < 0 {
			r.unsure()
			return
		}
		r.expect(j.at+2+2*i, name)
		r.replace(j.at+2+2*i, j.at+2+2*i, r.quote(to))
	}
}

// printJoinAlias puts the version's names into the alias of a join.
func (r *Printer) printJoinAlias(e *printEntry) {
	if e.columns == nil {
		r.unknownJoin(e)
	}
	list := ""
	if e.columns == nil && e.listed != nil {
		list = "(" + strings.Join(r.quoteEach(e.listed), ", ") + ")"
	} else if e.columns != nil && e.lists(inTheVersion) {
		list = "(" + strings.Join(r.quoteEach(e.shown(inTheVersion)), ", ") + ")"
	}
	if e.name[inDatabase] == e.name[inTheVersion] && (e.columns == nil || list == "" && e.listed == nil || e.listed != nil && slices.Equal(e.listed, e.shown(inTheVersion))) {
		return
	}
	if e.numbers(inDatabase) != e.numbers(inTheVersion) {
		r.unsure() // which of two columns is numbered depends on when each was added
	}
	at := e.join.end + 2 // behind the bracket
	if e.join.end < 0 || !r.tokens.Is(at-1, ')') {
		r.unsure() // where the alias stands is not known
		return
	}
	r.expect(at, e.printed)
	last := at
	if e.listed != nil {
		last = r.closing(at + 1)
	}
	r.replace(at, last, r.quote(e.name[inTheVersion])+list)
}

// numbers counts the columns whose names were taken.
func (e *printEntry) numbers(as printNaming) (n int) {
	for i, c := range e.columns {
		if base := c.real[as]; c.shown[as] != base && (i >= len(e.aliases) || c.shown[as] != e.aliases[i]) {
			n++
		}
	}
	return n
}

// unknownJoin gives up where the list of a join of which not all columns are known has what the server repeats because it
// has not been given.
func (r *Printer) unknownJoin(e *printEntry) {
	for i := len(e.aliases); i < len(e.listed); i++ {
		if r.columnWithin(e, e.listed[i]) != nil {
			r.unsure()
		}
	}
}

// columnWithin is the column of a join with an alias of which not all columns are known: that of one of its tables, if it
// shows it under the same name.
func (r *Printer) columnWithin(e *printEntry, name string) *printColumn {
	var hit *printColumn
	for _, in := range e.join.entries() {
		c := in.column(name)
		if c == nil && in.join != nil {
			c = r.columnWithin(in, name)
		}
		if c != nil && c.shown[inDatabase] != c.shown[inTheVersion] {
			if hit != nil || shownTwice(e, c) {
				r.unsure()
			}
			hit = c
		}
	}
	return hit
}

// shownTwice tells whether another column within a join has the version's name.
func shownTwice(e *printEntry, c *printColumn) bool {
	for _, in := range e.join.entries() {
		if in.rel == nil {
			return true // it is not known
		}
		for _, other := range in.columns {
			if other != c && other.shown[inTheVersion] == c.shown[inTheVersion] {
				return true
			}
		}
	}
	return false
}
