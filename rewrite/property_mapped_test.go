package rewrite

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRandomStatementsReadComputedColumnsAsIfTheyWereThere(t *testing.T) {
	t.Parallel()
	w := newMappedWorld(t)
	ran, refused := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		for range 25 {
			sql := (&mappedMaker{t: rt}).statement()
			if f := w.same(t, sql); f != nil {
				rt.Logf("%s: %v", sql, f)
				refused++
			} else {
				ran++
			}
		}
		if t.Failed() {
			rt.FailNow()
		}
	})
	if t.Logf("%d statements ran, %d were refused", ran, refused); refused > ran/20 {
		t.Errorf("of %d statements %d were refused", ran+refused, refused)
	}
}

// A mappedMaker makes statements on account.
type mappedMaker struct {
	t     *rapid.T
	depth int
	alias string // by which account is known
}

func (m *mappedMaker) pick(of ...string) string { return rapid.SampledFrom(of).Draw(m.t, "choice") }

func (m *mappedMaker) chance(percent int) bool {
	return rapid.IntRange(0, 99).Draw(m.t, "chance") < percent
}

// column is a reference to a column, qualified or not.
func (m *mappedMaker) column(names ...string) string {
	name := m.pick(names...)
	if m.alias != "" {
		return m.alias + "." + name
	}
	return m.pick("", "account.", "public.account.") + name
}

func (m *mappedMaker) number() string {
	m.depth++
	defer func() { m.depth-- }()
	if m.depth > 4 || m.chance(40) {
		return m.column("amount", "amount", "id", "owner")
	}
	switch rapid.IntRange(0, 8).Draw(m.t, "number") {
	case 0:
		return m.pick("1", "10.5", "-3", "0.01", "NULL::numeric")
	case 1:
		return "(" + m.number() + m.pick(" + ", " - ", " * ") + m.number() + ")"
	case 2:
		return "coalesce(" + m.number() + ", " + m.number() + ")"
	case 3:
		return "CASE WHEN " + m.truth() + " THEN " + m.number() + " ELSE " + m.number() + " END"
	case 4:
		return m.number() + "::numeric(14,1)"
	case 5:
		return "(SELECT " + m.pick("max", "count", "sum") + "(b.amount) FROM book b WHERE b.amount " + m.pick("<", "=", ">") + " " + m.column("amount") + ")"
	case 6:
		return "cardinality(" + m.column("parts") + ")"
	case 7:
		return m.column("parts") + "[" + m.pick("1", "2") + "]"
	}
	return "length(" + m.text() + ")"
}

func (m *mappedMaker) text() string {
	m.depth++
	defer func() { m.depth-- }()
	if m.depth > 4 || m.chance(50) {
		return m.column("full_name", "code", "lang")
	}
	switch rapid.IntRange(0, 3).Draw(m.t, "text") {
	case 0:
		return "(" + m.text() + " || " + m.text() + ")"
	case 1:
		return "upper(" + m.text() + ")"
	case 2:
		return m.number() + "::text"
	}
	return "coalesce(" + m.text() + ", 'none')"
}

func (m *mappedMaker) truth() string {
	m.depth++
	defer func() { m.depth-- }()
	if m.depth > 4 || m.chance(25) {
		return m.column("open")
	}
	switch rapid.IntRange(0, 7).Draw(m.t, "truth") {
	case 0:
		return m.number() + m.pick(" < ", " = ", " >= ", " IS DISTINCT FROM ") + m.number()
	case 1:
		return m.text() + m.pick(" < ", " = ", " <> ") + m.text()
	case 2:
		return "(" + m.truth() + m.pick(" AND ", " OR ") + m.truth() + ")"
	case 3:
		return "NOT " + m.column("open")
	case 4:
		return "(" + m.number() + ") IS " + m.pick("", "NOT ") + "NULL"
	case 5:
		return m.number() + " IN (" + m.number() + ", 10.5)"
	case 6:
		return m.column("tag") + m.pick(" < ", " = ") + "'" + m.pick("a", "B", "b") + "'"
	}
	return m.pick("", "NOT ") + "EXISTS (SELECT FROM book b WHERE b.amount = " + m.column("amount") + ")"
}

func (m *mappedMaker) value() string {
	switch rapid.IntRange(0, 3).Draw(m.t, "value") {
	case 0:
		return m.text()
	case 1:
		return m.truth()
	case 2:
		return m.column("tag", "parts", "amount", "code")
	}
	return m.number()
}

func (m *mappedMaker) values(n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = m.value()
	}
	return strings.Join(out, ", ")
}

// from is a FROM clause that has account in it; rows of NULL may be added to it.
func (m *mappedMaker) from() string {
	m.alias = m.pick("", "", "a", "x")
	table := m.pick("", "public.") + "account"
	if m.alias != "" {
		table += m.pick(" ", " AS ") + m.alias
	}
	id, open := m.column("id"), m.column("open")
	switch rapid.IntRange(0, 7).Draw(m.t, "from") {
	case 0:
		return table + " JOIN (SELECT id AS i, cents FROM book) c ON c.i = " + id
	case 1:
		return table + " LEFT JOIN (SELECT id AS i FROM book) c ON c.i = " + id + " AND " + open
	case 2:
		return table + m.pick(" RIGHT", " FULL") + " JOIN (SELECT id AS i, amount AS price FROM book) c ON c.i = " + id
	case 3:
		return "(SELECT id AS i FROM book) c LEFT JOIN " + table + " ON c.i = " + id + " AND " + m.truth()
	case 4:
		return table + ", LATERAL (SELECT " + m.value() + " AS v) l"
	}
	return table
}

func (m *mappedMaker) selected() string {
	from := m.from()
	where := ""
	if m.chance(60) {
		where = " WHERE " + m.truth()
	}
	if m.chance(30) {
		key := m.value()
		more := ""
		if m.chance(40) {
			more = m.pick(" HAVING count(*) > 0", " HAVING max("+m.number()+") > 0", " ORDER BY 1, 2")
		}
		by := m.pick(key, "1", "ROLLUP ("+key+")", "GROUPING SETS (("+key+"), ())")
		return "SELECT " + key + ", " + m.pick("count(*)", "sum("+m.number()+")", "max("+m.text()+")", "bool_or("+m.truth()+")") +
			" FROM " + from + where + " GROUP BY " + by + more
	}
	star := m.column("*")
	if !strings.Contains(from, " ") || m.alias != "" {
		star = m.pick(star, "*")
	}
	list := m.pick(m.values(1), m.values(2), m.values(3), star, star+", "+m.value(), m.column("amount")+" AS "+m.pick("amount", "cents", "id"))
	if m.chance(20) {
		list += ", " + m.pick("sum", "max", "count") + "(" + m.number() + ") OVER (PARTITION BY " + m.value() + ")"
	}
	return "SELECT " + m.pick("", "", "DISTINCT ") + list + " FROM " + from + where
}

func (m *mappedMaker) statement() string {
	switch rapid.IntRange(0, 9).Draw(m.t, "statement") {
	case 0:
		return fmt.Sprintf("WITH q AS (%s) SELECT q.* FROM q", (&mappedMaker{t: m.t}).selected())
	case 1:
		m.alias = m.pick("", "a")
		return "DELETE FROM account " + m.alias + " WHERE " + m.truth() + " RETURNING " + m.pick("*", m.values(2))
	case 2:
		m.alias = m.pick("", "a")
		return "UPDATE account " + m.alias + " SET owner = " + m.number() + " WHERE " + m.truth() + " RETURNING " + m.pick("*", m.values(2))
	case 3:
		m.alias = "a"
		return "SELECT count(*) FROM book o WHERE o.id IN (SELECT a.id FROM account a WHERE " + m.truth() + ")"
	case 4:
		return "(" + m.pick("SELECT amount, code FROM account", "SELECT owner, full_name FROM account") + ") " + m.pick("UNION", "UNION ALL", "EXCEPT", "INTERSECT") +
			" SELECT amount, full_name FROM account ORDER BY 1, 2"
	}
	return m.selected()
}
