package change

import (
	"fmt"
	"strconv"
	"strings"
)

// A Flipping is how a statement of the version that has one side gives both sides, so that no trigger has to make the other one: it
// writes a flip (see Flip). The triggers do the same for whoever does not, so that nothing depends on it.
type Flipping struct {
	Own     []Stored // how values assigned to the version's own columns are stored, in the order of the side
	Derived []Derived
	Code    int  // what says in a new row that the version has given its own side, and nothing of the other one
	Filled  bool // no row is at 0

	// Follows says that the other side is always what is derived from the own one, so that to derive it from what is there changes nothing.
	Follows bool
}

// Stored is what stands around a value that is assigned to a column, so that it is what the column keeps of it: rounded to its scale,
// and rejected where the column rejects it. It evaluates the value once.
type Stored struct {
	Before, After string
	NotNull       bool   // the column
	Exact         bool   // = says the same of two values as their bytes do,
	Collate       string // with this behind one of them
}

// Derived makes a column of the other side: SQL that is cut at the places where values of the own side stand.
type Derived struct {
	Pieces []string // one more than Values
	Values []int    // in the own side

	// Refused says that NULL is rejected in the column and cannot come from anything but NULLs: it is then no mistake of whoever wrote
	// the own side, who gave a value.
	Refused bool
}

// Flipping is how the version writes that has one side; filled says that the change has come further than Serve. It is nil where the triggers have to make the other side: the expressions may not stand in statements of clients, or raise what is
// to be no error of theirs, others' triggers come between, or a type is none whose values can be cast as they are assigned.
func (c *Compiled) Flipping(newSide, filled bool) *Flipping {
	if !c.Inline || c.Others || c.Alone() || c.Defer && !filled {
		return nil
	}
	own, other := c.Old, c.New
	if newSide {
		own, other = other, own
	}
	// The CHECK says new = up(old), and where the change is not lossy nothing else.
	f := &Flipping{Filled: filled, Follows: filled && !newSide && !c.Lossy && c.fails == nil}
	if f.Code = CodeOld; newSide {
		f.Code = CodeNew
	}
	for _, col := range own {
		s, ok := stored(col.Type)
		if !ok {
			return nil
		}
		s.NotNull = col.NotNull
		s.Collate, s.Exact = exactEquality(col)
		f.Own = append(f.Own, s)
	}
	for i, col := range other {
		d := Derived{Refused: col.NotNull && c.checksNull() && !c.followsNull(newSide)}
		value := func(at int) string {
			d.Values = append(d.Values, at)
			return cut
		}
		sql := ""
		if newSide {
			sql = c.totalDown(i, false, value)
		} else {
			sql = c.up[i].over(false, value)
		}
		d.Pieces = strings.Split(sql, cut)
		if len(d.Pieces) != len(d.Values)+1 {
			return nil
		}
		f.Derived = append(f.Derived, d)
	}
	return f
}

// cut stands for a value while an expression is cut into pieces. No SQL has it.
const cut = "\x00"

// stored is how a value is stored in a column of a type. A cast does what an assignment does, but to varchar(n), where a cast cuts what
// an assignment rejects: so it calls what an assignment calls (see varchar() in varchar.c).
func stored(typ string) (s Stored, ok bool) {
	base, modifier, limited := strings.Cut(typ, "(")
	if name := shipped[base]; name != "" {
		if limited {
			name += "(" + modifier
		}
		return Stored{Before: "CAST(", After: " AS pg_catalog." + name + ")"}, true
	}
	switch {
	case base == "character varying" && !limited:
		return Stored{Before: "CAST(", After: ` AS pg_catalog."varchar")`}, true
	case base == "character varying":
		n, err := strconv.Atoi(strings.TrimSuffix(modifier, ")"))
		const header = 4 // VARHDRSZ: a modifier counts it in
		return Stored{Before: `pg_catalog."varchar"(CAST(`, After: fmt.Sprintf(` AS pg_catalog."varchar"), %d, false)`, n+header)}, err == nil
	}
	return Stored{}, false
}

// shipped are the types whose casts are as assignments to them, as format_type prints them, by their names in pg_catalog.
var shipped = map[string]string{
	"smallint": "int2", "integer": "int4", "bigint": "int8", "numeric": `"numeric"`, "real": "float4", "double precision": "float8",
	"boolean": "bool", "text": "text", "date": "date", "uuid": "uuid", "json": "json", "jsonb": "jsonb", "bytea": "bytea",
	"timestamp without time zone": `"timestamp"`, "timestamp with time zone": "timestamptz",
}

// A Value is a column of the own side after a statement.
type Value struct {
	SQL      string // as it is stored
	Before   string // the column before the statement
	Assigned bool   // it is not Before
	Fixed    bool   // it is the same for every row
}

// Write is what a statement assigns to the columns of the other side, and to the marker, beside what it assigns to its own. other are
// the columns of the other side, and marker is the marker, each as the statement calls it.
//
// Where nothing that is assigned differs, byte by byte, nothing of the row changes, the marker included: then the trigger decides, as it
// does for every other statement. So the row of one that is not filled yet stays so, a lossy other side keeps what only it
// can hold, and nobody who compares OLD with NEW sees a difference.
func (f *Flipping) Write(own []Value, other []string, marker string) (derived []string, turned string) {
	same := f.same(own)
	for i, d := range f.Derived {
		sql := d.of(own, other[i], marker)
		if !f.Follows {
			sql = "CASE WHEN " + same + " THEN " + other[i] + " ELSE " + sql + " END"
		}
		derived = append(derived, sql)
	}
	turn := " WHEN (" + marker + " OPERATOR(pg_catalog.=) 1) THEN -1 ELSE 1 END"
	if f.Filled {
		turn = " ELSE (OPERATOR(pg_catalog.-) " + marker + ") END"
	}
	return derived, "CASE WHEN " + same + " THEN " + marker + turn
}

// same is SQL that is true where all that is assigned is what is there, byte by byte. Rows are compared where nothing else will do: for each
// of them PostgreSQL makes a type ready, for every statement.
func (f *Flipping) same(own []Value) string {
	var out, now, before []string
	for i, v := range own {
		switch s := f.Own[i]; {
		case !v.Assigned:
		case !s.Exact:
			now, before = append(now, v.SQL), append(before, v.Before)
		default:
			equal := "(" + v.SQL + s.Collate + " OPERATOR(pg_catalog.=) " + v.Before + ")"
			if !s.NotNull { // where it is, NULL fails anyway
				equal = "COALESCE(" + equal + ", " + v.SQL + " IS NULL AND " + v.Before + " IS NULL)"
			}
			out = append(out, equal)
		}
	}
	if len(now) > 0 {
		out = append(out, "pg_catalog.record_image_eq("+row(now)+", "+row(before)+")")
	}
	return strings.Join(out, " AND ")
}

// New is what a new row is given in the columns of the other side and in the marker, beside the own ones. Where the other side would
// be NULL and may not be, the row says that it gives one side, and the trigger has the words for it.
func (f *Flipping) New(own []string) (derived []string, marker string) {
	values := make([]Value, len(own))
	for i, sql := range own {
		values[i].SQL = sql
	}
	var misfits []string
	for _, d := range f.Derived {
		sql := d.made(values, "")
		derived = append(derived, sql)
		if d.Refused {
			misfits = append(misfits, "(("+sql+") IS NULL AND ("+given(values)+"))")
		}
	}
	if len(misfits) == 0 {
		return derived, "1"
	}
	return derived, fmt.Sprintf("CASE WHEN %s THEN %d ELSE 1 END", strings.Join(misfits, " OR "), f.Code)
}

// given is SQL that is true where not all values are NULL.
func given(values []Value) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = v.SQL + " IS NOT NULL"
	}
	return strings.Join(out, " OR ")
}

// of is the column in a row that is changed. What was there does not fit where NULL may not come from a value, and the CHECK says so.
func (d *Derived) of(own []Value, before, marker string) string {
	sql := d.made(own, marker)
	if !d.Refused {
		return sql
	}
	return "COALESCE(" + sql + ", CASE WHEN " + given(own) + " THEN " + before + " END)"
}

// made is the column made of values. One that is the same for all rows is written so that the planner cannot compute with it: it would
// also where no row is found, and fail for a value that the other side cannot have.
func (d *Derived) made(own []Value, marker string) string {
	var sql strings.Builder
	for i, piece := range d.Pieces {
		sql.WriteString(piece)
		if i == len(d.Values) {
			break
		}
		v := own[d.Values[i]]
		if v.Fixed {
			sql.WriteString("CASE WHEN (" + marker + " OPERATOR(pg_catalog.<>) 2) THEN " + v.SQL + " END")
			continue
		}
		sql.WriteString(v.SQL)
	}
	return sql.String()
}
