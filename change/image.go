package change

import (
	"slices"
	"strings"
)

// differ is SQL that is true where two lists of values differ as images, which are the bytes that are stored: = takes 'anna'
// and 'ANNA' for the same under some collations, has no meaning for json, and is for others to define.
func (c *Compiled) differ(a, b []string) string {
	if !c.has(ImageCompare) {
		return "(" + row(a) + " IS DISTINCT FROM " + row(b) + ")"
	}
	return "pg_catalog.record_image_ne(" + row(a) + ", " + row(b) + ")"
}

// same is the opposite of differ.
func (c *Compiled) same(a, b []string) string {
	if !c.has(ImageCompare) {
		return "(" + row(a) + " IS NOT DISTINCT FROM " + row(b) + ")"
	}
	return "pg_catalog.record_image_eq(" + row(a) + ", " + row(b) + ")"
}

// sameColumns is same for values of columns, in a condition that PostgreSQL keeps as it was resolved when it was made. Where = of
// a type says the same of values as their images do, it takes half the time.
func (c *Compiled) sameColumns(side []Column, a, b []string) string {
	out := make([]string, len(side))
	for i, col := range side {
		switch collate, exact := exactEquality(col); {
		case !exact || !c.has(ImageCompare):
			return c.same(a, b)
		default:
			out[i] = "(" + a[i] + collate + " IS NOT DISTINCT FROM " + b[i] + collate + ")"
		}
	}
	return "(" + strings.Join(out, " AND ") + ")"
}

// exactEquality reports whether = says the same of values of a column as their images do, with what has to be added to them.
func exactEquality(col Column) (collate string, exact bool) {
	base, modifier, _ := strings.Cut(col.Type, "(")
	switch base {
	case "smallint", "integer", "bigint", "boolean", "oid", "uuid", "date", "bytea",
		"timestamp without time zone", "timestamp with time zone", "time without time zone":
		return "", true
	case "numeric":
		return "", modifier != "" // then all have the same number of digits
	case "text", "character varying":
		return ` COLLATE pg_catalog."C"`, true
	}
	return "", false
}

func row(values []string) string { return "ROW(" + strings.Join(values, ", ") + ")" }

// allNull is SQL that is true where all the values are NULL.
func allNull(values []string) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = v + " IS NULL"
	}
	return "(" + strings.Join(out, " AND ") + ")"
}

// derive is up and down over a row.
func (c *Compiled) derive(row string, share bool) (ups, downs []string) {
	for _, e := range c.up {
		ups = append(ups, e.over(share, func(at int) string { return column(row, c.Old[at].Physical) }))
	}
	for i := range c.down {
		downs = append(downs, c.totalDown(i, share, func(at int) string { return column(row, c.New[at].Physical) }))
	}
	return ups, downs
}

// Over is up and down over a row, as SQL, for an assignment to the columns of the other side.
func (c *Compiled) Over(row string) (ups, downs []string) { return c.derive(row, false) }

// casts are values as the columns of a side would keep them.
func casts(values []string, side []Column) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = cast(v, side[i])
	}
	return out
}

// ups is up over a row, as SQL, each value in the type of its column.
func (c *Compiled) ups(row string) []string {
	ups, _ := c.derive(row, false)
	return casts(ups, c.New)
}

// downs is down over a row, as SQL, each value in the type of its column.
func (c *Compiled) downs(row string) []string {
	_, downs := c.derive(row, false)
	return casts(downs, c.Old)
}

// cast is a value as its column would keep it. A cast to varchar(n) would cut what an assignment rejects; what the column holds
// has been assigned, and is within the limit, so that it is enough to compare with the whole value.
func cast(sql string, to Column) string {
	typ, _, _ := strings.Cut(to.Type, "(")
	switch typ {
	case "character varying", "bit varying":
	default:
		typ = to.Type
	}
	return "CAST(" + sql + " AS " + typ + ")"
}

// inStep is SQL over a row that is true where its sides are in step. It is for changes that are Inline.
//
// Where a change is not lossy, whoever writes the new side has been checked for up(down(x)) = x, so that new = up(old) holds
// whichever side led.
func (c *Compiled) inStep(row string) string {
	old, new := of(row, c.Old), of(row, c.New)
	sql := c.sameColumns(c.New, new, c.ups(row))
	switch {
	case c.Lossy:
		sql = "(" + sql + " OR " + c.sameColumns(c.Old, old, c.downs(row)) + ")"
	case c.fails != nil:
		fails := c.fails.over(false, func(at int) string { return column(row, c.New[at].Physical) })
		sql = "CASE WHEN " + fails + " THEN " + c.sameColumns(c.Old, old, c.downs(row)) + " ELSE " + sql + " END"
	}
	if c.checksNull() && !c.fitsInStep() {
		sql = "(" + sql + " AND " + allNull(old) + " OPERATOR(pg_catalog.=) " + allNull(new) + ")"
	}
	return sql
}

// fitsInStep reports whether sides that are in step are NULL together as wholes, by what is known of the expressions and of NOT NULL.
func (c *Compiled) fitsInStep() bool {
	if slices.ContainsFunc(c.Old, notNull) && slices.ContainsFunc(c.New, notNull) {
		return true
	}
	if c.fails != nil {
		return false
	}
	return c.UpKeepsNull && fits(c.Old, c.up) && (!c.Lossy || c.DownKeepsNull && fits(c.New, c.down))
}

// followsNull reports whether the other side of a single column is NULL exactly where that is.
func (c *Compiled) followsNull(newSide bool) bool {
	if newSide {
		return len(c.New) == 1 && c.DownKeepsNull && c.fails == nil && fits(c.New, c.down)
	}
	return len(c.Old) == 1 && c.UpKeepsNull && fits(c.Old, c.up)
}

// fits reports whether expressions over a side are all NULL exactly where the side is, if each is NULL exactly where a column is that it reads.
func fits(side []Column, over []*expression) bool {
	if slices.ContainsFunc(over, func(e *expression) bool { return e.nested || len(e.refs) == 0 }) {
		return false
	}
	return len(side) == 1 || !slices.ContainsFunc(side, func(col Column) bool { return !col.NotNull })
}

func notNull(col Column) bool { return col.NotNull }

// checksNull reports whether a side that is NULL as a whole must have a partner that is.
func (c *Compiled) checksNull() bool { return !c.NullOK && c.has(NullFit) }
