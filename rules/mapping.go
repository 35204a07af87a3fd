package rules

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
)

// A ColumnLens is one logical column, and how it is read from the columns of the database and written to them. For most it
// is one physical column under another name; a Mapping says how it is where a name alone cannot say it. It is comparable:
// two are equal where they have the same names, the same *Mapping and the same *Declared.
type ColumnLens struct {
	Logical  string
	Physical string   // the name by which it is read; "" where it is read by an expression
	Num      int16    // attnum of that column; 0 where it is read by an expression
	Mapping  *Mapping // nil: a plain name, read and written as Physical

	Declared *Declared // nil: its default and NOT NULL are those that the database has
}

// Declared is what a version says of a column beside its name and type, where the database says something else for now.
type Declared struct {
	NotNull bool
	Default string // SQL that means the same under any search_path; "" for none
	Without bool   // the database has a default all the same, for rows of versions that do not have the column
}

// Given is what a new row of the version is given that leaves the column out, as SQL; "" where the database gives the same.
func (d *Declared) Given() string {
	if d.Default == "" && d.Without {
		return "NULL"
	}
	return d.Default
}

// A Mapping says how a logical column is read and written that is not, or not only, one physical column. At least one of
// its fields is set.
type Mapping struct {
	Read  *Expression  // nil: it is read as Physical
	Write []Assignment // nil: it is written as Physical where it is read so, and cannot be written where it is not
}

// A PhysicalColumn is a column of the table as the database has it.
type PhysicalColumn struct {
	Name string
	Num  int16 // attnum
}

// An Expression is SQL over physical columns of one row, of a type that is known. It is cut into pieces at the references
// to columns, so that each of them can be written under the name that the row has in a statement: the first piece, the
// first column, the second piece and so on. What it gives depends on these columns alone, and not on settings of the session:
// every function, operator and type in it has its schema, it is in ASCII, and no string in it has a backslash.
type Expression struct {
	Pieces  []string // one more than Columns
	Columns []PhysicalColumn

	Type      catalog.OID
	Typmod    int32  // -1 for none
	TypeName  string // the type with its modifier, as SQL: pg_catalog.numeric(10,2)
	Collation string // as SQL; "" where the type has none, or the expression gets the column's by itself

	// NullOfNull says that it is NULL where all of its columns are, as they are in the rows that an outer join adds.
	NullOfNull bool
}

// SQL is the expression with its columns written as spell says, in parentheses, cast to its type and collated, so that it
// can stand wherever a column can. It is NULL where the condition is not true; "" is always true.
func (e *Expression) SQL(condition string, spell func(PhysicalColumn) string) string {
	var b strings.Builder
	b.WriteString("(CAST(")
	if condition != "" {
		b.WriteString("CASE WHEN " + condition + " THEN ")
	}
	for i, piece := range e.Pieces {
		b.WriteString(piece)
		if i < len(e.Columns) {
			b.WriteString(spell(e.Columns[i]))
		}
	}
	if condition != "" {
		b.WriteString(" END")
	}
	b.WriteString(" AS " + e.TypeName + ")")
	if e.Collation != "" {
		b.WriteString(" COLLATE " + e.Collation)
	}
	b.WriteString(")")
	return b.String()
}

// An Assignment is one physical column that is set when the logical column is written. Its value is SQL that is cut at the
// places where the written value stands: {"", ""} is that value itself, {"(", ") * 100"} a hundred times it, and {"2"} a
// constant.
type Assignment struct {
	Column PhysicalColumn
	Pieces []string
}

// IsPlain reports whether the column is read and written under one name in the database.
func (c *ColumnLens) IsPlain() bool { return c.Mapping == nil }

// Reads is the expression by which the column is read; nil where it is read as Physical.
func (c *ColumnLens) Reads() *Expression {
	if c.Mapping == nil {
		return nil
	}
	return c.Mapping.Read
}

// Writes are the assignments by which the column is written; nil where none are needed, or known.
func (c *ColumnLens) Writes() []Assignment {
	if c.Mapping == nil {
		return nil
	}
	return c.Mapping.Write
}

// Differs reports whether the version has the column otherwise than the database: under another name, or mapped.
func (c *ColumnLens) Differs() bool { return c.Logical != c.Physical || c.Mapping != nil }

// Names reports whether the column has that name, or needs a physical column that has.
func (c *ColumnLens) Names(name string) bool {
	is := func(p PhysicalColumn) bool { return p.Name == name }
	return c.Logical == name || c.Physical == name ||
		c.Mapping != nil && c.Mapping.Read != nil && slices.ContainsFunc(c.Mapping.Read.Columns, is) ||
		c.Mapping != nil && slices.ContainsFunc(c.Mapping.Write, func(a Assignment) bool { return is(a.Column) })
}

// Uses reports whether the column needs a physical column: because it is that, or by its mapping.
func (c *ColumnLens) Uses(num int16) bool {
	if c.Mapping == nil {
		return c.Num == num
	}
	if c.Physical != "" && c.Num == num {
		return true
	}
	if e := c.Mapping.Read; e != nil && slices.ContainsFunc(e.Columns, func(p PhysicalColumn) bool { return p.Num == num }) {
		return true
	}
	return slices.ContainsFunc(c.Mapping.Write, func(a Assignment) bool { return a.Column.Num == num })
}
