package rewrite

import (
	"slices"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/syntax"
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
// of an index are named at CREATE INDEX (ChooseIndexColumnNames, indexcmds.c). Which of them differ is found out once in an
// execution, and only when a row has one of the names in question.
func (in *introspection) indexColumnsSQL() string {
	if in.names.later == nil {
		return ""
	}
	later := in.sql(in.names.later)
	concerned := later + hasField + "t.attname" + asText
	if list := in.names.laterNames; list != nil {
		concerned = "t.attname" + eq + "ANY (" + textArray(list) + nameArr + ")"
	}
	if in.calls(in.names.later) {
		return "CASE WHEN t.attnum OPERATOR(pg_catalog.>) 0 AND " + concerned + " THEN COALESCE(segue.column_of_index(t.attrelid, t.attnum, t.attname, " +
			syntax.QuoteLiteral(in.names.later.ID) + "), t.attname" + asText + ") ELSE t.attname" + asText + " END"
	}
	name := later + field + "a.attname" + asText + field + "x.indrelid" + asText + fieldText + "x.indkey[a.attnum OPERATOR(pg_catalog.-) 1]" + asText
	differing := "(SELECT pg_catalog.jsonb_object_agg(x.indexrelid" + asText + concat + "'.'" + concat + "a.attnum" + asText + ", " + name + ")" +
		" FROM pg_catalog.pg_index AS x JOIN pg_catalog.pg_attribute AS a ON a.attrelid" + eq + "x.indexrelid" +
		" WHERE x.indrelid" + eq + "ANY (ARRAY(SELECT k.oid" + "::pg_catalog.oid FROM pg_catalog.jsonb_object_keys(" + in.sql(in.names.columns) + ") AS k(oid)))" +
		" AND " + later + hasField + "a.attname" + asText + " AND " + name + " IS NOT NULL)"
	return "CASE WHEN t.attnum OPERATOR(pg_catalog.>) 0 AND " + concerned +
		" THEN COALESCE(" + differing + fieldText + "(t.attrelid" + asText + concat + "'.'" + concat + "t.attnum" + asText + "), t.attname" + asText + ")" +
		" ELSE t.attname" + asText + " END"
}
