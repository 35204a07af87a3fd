package rules

import (
	"errors"
	"fmt"
	"slices"

	"github.com/seguedb/segue/catalog"
)

// A nameError says that there is a relation or column too many: extra has a name that must be free.
type nameError struct {
	message string
	extra   extra
}

func (e *nameError) Error() string { return e.message }

// An extra is what nobody has asked for: a column, or where that is nil the whole relation.
type extra struct {
	relation *catalog.Relation
	column   *catalog.Column
}

// mendLimit bounds the statements that Mend finds, and tried the repairs that it looks at for each.
const (
	mendLimit = 100
	triedMost = 1000
)

// Mend lists statements that give the database back the names that the phases of the migrations imply, in the order in
// which they are to be run. It returns what it can be sure of: each statement was tried on the names, and brings Build
// further. before, which may be nil, is the last snapshot that could be served: what was renamed since is told by OID and
// attnum, so that it does not matter what the new name is. Without it only names that the migrations speak of are known.
//
// The list is empty when nothing is wrong or nothing is known, and ends early where only a part is known.
func Mend(migrations []*Migration, cat *catalog.Catalog, before *Snapshot) []string {
	m := &mender{live: bySeq(migrations, func(m *Migration) bool { return m.Phase.Live() }), physical: physicalSchema(cat), before: before}
	var out []string
	for len(out) < mendLimit {
		_, err := timelineFrom(m.physical, m.live)
		wrong, ok := errors.AsType[*MismatchError](err)
		if !ok {
			return out
		}
		if r := m.best(wrong); r != nil {
			out = append(out, r.sql(m.physical))
			r.apply(m.physical)
			continue
		}
		if sql := m.restored(wrong); sql != "" {
			out = append(out, sql)
		}
		return out
	}
	return out
}

// A mender looks for repairs, on the names that the database has with the repairs that were found already.
type mender struct {
	live     []*Migration
	physical *schema
	before   *Snapshot // may be nil
}

// A repair gives a relation, or one of its columns, another name.
type repair struct {
	relation *catalog.Relation
	column   *catalog.Column // nil: the relation itself
	to       string
	note     string
}

func (r *repair) apply(s *schema) {
	if r.column == nil {
		s.renameTable(r.relation, r.to)
		return
	}
	s.renameColumn(r.relation, r.column, r.to)
}

// sql is the repair as a statement in a database that has the names of s.
func (r *repair) sql(s *schema) string {
	what := "ALTER TABLE " + s.name(r.relation).SQL() + " RENAME"
	if r.column != nil {
		what += " COLUMN " + quoteIdentifier(s.columnName(r.relation, r.column))
	}
	return what + " TO " + quoteIdentifier(r.to) + r.note
}

// best is the repair after which nothing is wrong, or else the one after which what is wrong comes latest; nil when none
// helps.
func (m *mender) best(wrong *MismatchError) *repair {
	var best *repair
	reached := reach(wrong)
	for _, r := range m.candidates(wrong) {
		tried := m.physical.clone()
		r.apply(tried)
		_, err := timelineFrom(tried, m.live)
		if err == nil {
			return r
		}
		if next, ok := errors.AsType[*MismatchError](err); ok && reach(next) > reached {
			best, reached = r, reach(next)
		}
	}
	return best
}

// reach tells how far the migrations could be followed: an operation finds its table first, then its column, and then
// that the new name is free.
func reach(wrong *MismatchError) int {
	far := 3 * wrong.steps
	if _, ok := errors.AsType[*noTableError](wrong.Err); ok {
		return far
	}
	if _, ok := errors.AsType[*nameError](wrong.Err); ok {
		return far + 2
	}
	return far + 1
}

// candidates are the repairs worth a try: what was renamed since the last snapshot, what has another of the names that
// the migrations give the same thing, and what is in the way.
func (m *mender) candidates(wrong *MismatchError) []*repair {
	out := m.renamed()
	if e, ok := errors.AsType[*nameError](wrong.Err); ok {
		out = append(out, m.aside(e.extra))
	}
	i := slices.IndexFunc(m.live, func(o *Migration) bool { return o.ID == wrong.Migration })
	op := m.live[i].Operations[wrong.Operation]
	out = append(out, m.otherTable(op.Target())...)
	for _, column := range columnsOf(op) {
		for _, table := range m.tableNames(op.Target()) {
			if r := m.physical.table(table); r != nil {
				out = append(out, m.otherColumn(r, column)...)
			}
		}
	}
	return out[:min(len(out), triedMost)]
}

// renamed takes back what was renamed since the last snapshot.
func (m *mender) renamed() (out []*repair) {
	if m.before == nil || m.before.Catalog == nil {
		return nil
	}
	for _, oid := range m.before.Tables {
		was, is := m.before.Catalog.Relation(oid), m.physical.cat.Relation(oid)
		if was == nil || is == nil {
			continue
		}
		if m.physical.tableName(is) != was.Name {
			out = append(out, &repair{relation: is, to: was.Name})
		}
		for _, c := range was.Columns {
			// An inherited column is renamed with that of its parent.
			if now := is.ColumnByNum(c.Num); now != nil && now.Inherited == 0 && m.physical.columnName(is, now) != c.Name {
				out = append(out, &repair{relation: is, column: now, to: c.Name})
			}
		}
	}
	return out
}

// aside renames what is in the way; to drop it is for a person to decide.
func (m *mender) aside(e extra) *repair {
	r := &repair{relation: e.relation, column: e.column, note: "; -- or drop it, if nothing needs it"}
	name, taken := m.physical.tableName(e.relation), func(to string) bool { return m.physical.table(Name{e.relation.Schema, to}) != nil }
	if e.column != nil {
		name, taken = m.physical.columnName(e.relation, e.column), func(to string) bool { return m.physical.column(e.relation, to) != nil }
	}
	r.to = name + "_by_hand"
	for n := 2; taken(r.to); n++ {
		r.to = fmt.Sprintf("%s_by_hand_%d", name, n)
	}
	return r
}

// otherTable gives a table that has one of the names of the table n in some version another of them.
func (m *mender) otherTable(n Name) (out []*repair) {
	names := m.tableNames(n)
	for _, have := range names {
		r := m.physical.table(have)
		for _, to := range names {
			if r != nil && m.physical.table(to) == nil {
				out = append(out, &repair{relation: r, to: to.Name})
			}
		}
	}
	return out
}

// otherColumn gives a column that has one of the names of the column in some version another of them.
func (m *mender) otherColumn(r *catalog.Relation, column string) (out []*repair) {
	names := m.columnNames(column)
	for _, have := range names {
		c := m.physical.column(r, have)
		for _, to := range names {
			if c != nil && m.physical.column(r, to) == nil {
				out = append(out, &repair{relation: r, column: c, to: to})
			}
		}
	}
	return out
}

// tableNames lists all names that the live migrations give the table of that name.
func (m *mender) tableNames(n Name) []Name {
	return linked(n, m.live, func(c NameChange) (from, to Name, ok bool) {
		return c.Table, Name{c.Table.Schema, c.To}, !c.Column
	})
}

// columnNames lists all names that the live migrations give a column of that name, of whatever table.
func (m *mender) columnNames(column string) []string {
	return linked(column, m.live, func(c NameChange) (from, to string, ok bool) { return c.From, c.To, c.Column })
}

// columnsOf lists the columns whose names the operation ends.
func columnsOf(op Operation) (out []string) {
	for _, n := range op.Names() {
		if n.Column {
			out = append(out, n.From)
		}
	}
	return out
}

// linked lists the names that operations lead to from one, forwards and backwards, itself included.
func linked[T comparable](name T, live []*Migration, renames func(NameChange) (from, to T, ok bool)) []T {
	out := []T{name}
	for grown := true; grown; {
		grown = false
		for _, m := range live {
			for _, n := range m.Names() {
				from, to, ok := renames(n)
				if ok && slices.Contains(out, from) != slices.Contains(out, to) {
					grown = true
					if slices.Contains(out, from) {
						out = append(out, to)
					} else {
						out = append(out, from)
					}
				}
			}
		}
	}
	return out
}

// restored is the statement that brings back what no other name can: a table that was moved to another schema, or a
// column that was dropped, without its values. It is "" when it is not known what was there.
func (m *mender) restored(wrong *MismatchError) string {
	if m.before == nil || m.before.Catalog == nil {
		return ""
	}
	i := slices.IndexFunc(m.live, func(o *Migration) bool { return o.ID == wrong.Migration })
	op := m.live[i].Operations[wrong.Operation]
	tables := m.tableNames(op.Target())
	for _, oid := range m.before.Tables {
		was, is := m.before.Catalog.Relation(oid), m.physical.cat.Relation(oid)
		if was == nil || is == nil || !slices.Contains(tables, Name{was.Schema, was.Name}) {
			continue
		}
		if is.Schema != was.Schema {
			return "ALTER TABLE " + m.physical.name(is).SQL() + " SET SCHEMA " + quoteIdentifier(was.Schema)
		}
		for _, column := range columnsOf(op) {
			for _, c := range was.Columns {
				if is.ColumnByNum(c.Num) == nil && slices.Contains(m.columnNames(column), c.Name) {
					return "ALTER TABLE " + m.physical.name(is).SQL() + " ADD COLUMN " + quoteIdentifier(c.Name) + " " + c.TypeName +
						"; -- it was dropped: its values have to come from a backup"
				}
			}
		}
	}
	return ""
}
