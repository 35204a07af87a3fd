package rewrite

import (
	"reflect"
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// What every live version sees counts for DDL, not only what the session's own does: a version whose names are the
// database's could take away what the other one was written for.

// asSeen is the table as each live version sees it.
func (b *binding) asSeen(oid catalog.OID) []*rules.TableLens {
	var out []*rules.TableLens
	for _, l := range b.snap.Lenses {
		if t := l.Table(oid); t != nil {
			out = append(out, t)
		}
	}
	return out
}

// tableMoves tells whether some live version calls the table otherwise than the database does.
func (b *binding) tableMoves(oid catalog.OID) bool {
	return slices.ContainsFunc(b.asSeen(oid), func(t *rules.TableLens) bool { return t.Logical != t.Physical })
}

// columnMoves tells whether some live version calls the column otherwise than the database does, or maps a column to it, or
// whether it is on one side of a change.
func (b *binding) columnMoves(oid catalog.OID, num int16) bool {
	return slices.ContainsFunc(b.asSeen(oid), func(t *rules.TableLens) bool {
		return t.IsSide(num) || slices.ContainsFunc(t.Columns, func(c rules.ColumnLens) bool { return c.Differs() && c.Uses(num) })
	})
}

// isSide tells whether the column is on either side of a change of columns.
func (b *binding) isSide(oid catalog.OID, num int16) bool {
	return slices.ContainsFunc(b.asSeen(oid), func(t *rules.TableLens) bool { return t.IsSide(num) })
}

// isChanged tells whether columns of the table are under a change.
func (b *binding) isChanged(oid catalog.OID) bool {
	return slices.ContainsFunc(b.asSeen(oid), func(t *rules.TableLens) bool { return len(t.Counterparts) > 0 })
}

// isTarget tells whether a migration is about the table itself: it moves, or a column of it does that it has not just
// inherited.
func (b *binding) isTarget(oid catalog.OID) bool {
	rel := b.cat.Relation(oid)
	if rel == nil || b.lens.Table(oid) == nil {
		return false
	}
	return b.tableMoves(oid) || slices.ContainsFunc(rel.Columns, func(c catalog.Column) bool {
		return b.columnMoves(oid, c.Num) && !b.movesInParent(rel, c.Name)
	})
}

func (b *binding) movesInParent(rel *catalog.Relation, physical string) bool {
	return slices.ContainsFunc(rel.Parents, func(oid catalog.OID) bool {
		parent := b.cat.Relation(oid)
		if parent == nil || b.lens.Table(oid) == nil {
			return false
		}
		c := parent.Column(physical)
		return c != nil && b.columnMoves(oid, c.Num)
	})
}

// carriesTarget finds a table that a migration is about among a relation and what inherits from it.
func (b *binding) carriesTarget(oid catalog.OID) *rules.TableLens {
	for _, o := range append([]catalog.OID{oid}, b.cat.Descendants(oid)...) {
		if b.isTarget(o) {
			return b.lens.Table(o)
		}
	}
	return nil
}

// isAffectedName tells whether a relation under migration has that name, in some live version or in the database. Only
// such names need to be looked up where nothing but the relation's name is of interest.
func (b *binding) isAffectedName(name string) bool {
	for _, l := range b.snap.Lenses {
		if slices.ContainsFunc(l.Tables, func(t *rules.TableLens) bool { return t.Logical == name || t.Physical == name }) {
			return true
		}
	}
	return false
}

// columnTaken tells whether a column of the table, or of one that inherits from it, has that name in some live version
// or in the database.
func (b *binding) columnTaken(oid catalog.OID, name string) bool {
	for _, o := range append([]catalog.OID{oid}, b.cat.Descendants(oid)...) {
		for _, t := range b.asSeen(o) {
			if t.NamesSide(name) || slices.ContainsFunc(t.Columns, func(c rules.ColumnLens) bool {
				return c.Differs() && c.Names(name)
			}) {
				return true
			}
		}
	}
	return false
}

// inheritable refuses to give a relation that is not under migration a column whose name a table that inherits from it has
// in some live version or in the database for a migrating column: there the two would not become one.
func (b *binding) inheritable(oid catalog.OID, name string, location int, what string) {
	for _, o := range b.cat.Descendants(oid) {
		if l := b.lens.Table(o); l != nil && b.columnTaken(o, name) {
			b.forbid(location, refusedTakenName, l, what+", whose name some version or the database has in "+syntax.QuoteIdent(l.Logical)+", which would inherit it")
			return
		}
	}
}

// columnsDiffer tells whether the version's columns are others than the database's: what copies them copies the latter.
func (b *binding) columnsDiffer(r named) bool {
	return r.table != nil && (len(r.table.Columns) != len(r.rel.Columns) ||
		slices.ContainsFunc(r.table.Columns, func(c rules.ColumnLens) bool { return c.Differs() }))
}

// forbid refuses what would break another version, whatever the session's own version sees. what completes the sentence
// "segue refuses to …".
func (b *binding) forbid(location int, r refusal, t *rules.TableLens, what string) {
	b.concern(t)
	refusal := r.raise(b.statement.Tag, "segue refuses to "+what, b.position(location))
	if m := b.movers(t); m != "" {
		refusal.Detail = "It is being migrated by " + m + "."
	}
	b.forbidden(refusal)
}

// movers are the live migrations that change what versions see of a table, for people.
func (b *binding) movers(t *rules.TableLens) string {
	var out []string
	var before *rules.TableLens
	for _, version := range b.snap.Versions() {
		l := b.snap.Lens(version)
		if l == nil {
			continue
		}
		now := l.Table(t.OID)
		if before != nil && now != nil && (before.Logical != now.Logical || !reflect.DeepEqual(before.Columns, now.Columns)) {
			out = append(out, syntax.QuoteIdent(version))
		}
		before = now
	}
	return strings.Join(out, " and ")
}
