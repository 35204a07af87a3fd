package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// PostgreSQL keeps some names of columns as they were when something was made: those of the columns of an index, and those
// by which a USING merges. A rename of the column leaves them as they are. So they are what they were given by whoever made
// it: a name of the version, in a database that had that version's names. Where a later version's name stands instead,
// because it was made after cutover, the name of the version is shown. An earlier version's name stays: a later version
// would see that after its cutover, too.

// laterNames are the names that a column has in the versions after the lens's.
type laterNames struct {
	lenses []*rules.Lens
}

func newLaterNames(snap *rules.Snapshot, lens *rules.Lens) laterNames {
	versions := snap.Versions()
	var l laterNames
	for _, v := range versions[slices.Index(versions, lens.Version)+1:] {
		if later := snap.Lenses[v]; later != nil {
			l.lenses = append(l.lenses, later)
		}
	}
	return l
}

// of are the names of a column that is called logical in the version.
func (l laterNames) of(table catalog.OID, num int16, logical string) (out []string) {
	for _, lens := range l.lenses {
		t := lens.Table(table)
		if t == nil {
			continue
		}
		for _, c := range t.Columns {
			if c.Num == num && c.Logical != logical && !slices.Contains(out, c.Logical) {
				out = append(out, c.Logical)
			}
		}
	}
	return out
}

// indexColumnsSQL is the SQL of the name that the column t of an index is shown under; "" where none differs. The columns
// of an index are named at CREATE INDEX (ChooseIndexColumnNames, indexcmds.c).
func (in *introspection) indexColumnsSQL() string {
	var names []string
	when := ""
	for _, g := range in.groups {
		for _, c := range g.columns {
			later := g.later[c.Num]
			if len(later) == 0 {
				continue
			}
			names = append(names, later...)
			when += " WHEN x.indrelid" + eq + "ANY (" + oidArray(g.oids) + ") AND x.indkey[t.attnum OPERATOR(pg_catalog.-) 1]" + eq +
				number(int64(c.Num)) + " AND t.attname" + eq + "ANY (" + textArray(later) + nameArr + ") THEN " + literal(c.Logical) + "::pg_catalog.name"
		}
	}
	if when == "" {
		return ""
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString("CASE WHEN t.attnum OPERATOR(pg_catalog.>) 0 AND t.attname" + eq + "ANY (" + textArray(slices.Compact(names)) + nameArr + ")")
	b.WriteString(" THEN COALESCE((SELECT CASE" + when + " END FROM pg_catalog.pg_index AS x WHERE x.indexrelid" + eq + "t.attrelid), t.attname)")
	b.WriteString(" ELSE t.attname END")
	return b.String()
}
