package rewrite_test

import (
	"fmt"
	"slices"
	"strings"
)

// constants of each kind.
var constants = map[kind][]string{
	anInt:    {"1", "2", "3", "0"},
	aText:    {"'K'", "'x'", "''", "'ada'"},
	aNumeric: {"1.5", "20.00"},
	aDate:    {"date '2001-02-03'", "date '1999-12-31'"},
	aBool:    {"true", "false"},
	anArray:  {"'{1,2}'::int[]", "ARRAY[3]"},
}

var typeNames = map[kind]string{anInt: "int", aText: "text", aNumeric: "numeric", aDate: "date", aBool: "boolean", anArray: "int[]"}

// constant is one, or a parameter for one.
func (m *maker) constant(k kind) string {
	c := m.pick(constants[k]...)
	if m.extended && k <= aText && m.chance(40) {
		m.params = append(m.params, strings.Trim(c, "'"))
		return fmt.Sprintf("$%d::%s", len(m.params), typeNames[k])
	}
	return c
}

// reference is a field of a kind, if there is one; now and then one that is wrong.
func (m *maker) reference(l *level, k kind) (string, bool) {
	if m.chance(1) {
		return quoted(oneOf(m.t, anyNames...)), true
	}
	var fit []string
	for _, r := range l.references() {
		if r.kind == k {
			fit = append(fit, r.sql)
		}
		if r.kind == aRow {
			for _, part := range r.parts {
				if part.kind == k && part.name != "" {
					fit = append(fit, "("+r.sql+")."+part.name)
				}
			}
		}
	}
	for _, i := range l.rows() {
		for _, f := range i.fields {
			if f.kind == k && f.name != "" && i.rel != nil && m.chance(3) {
				fit = append(fit, "("+i.name+")."+f.name)
				if f.name[0] != '"' && f.name != "count" && f.name != "name" {
					fit = append(fit, f.name+"("+i.name+")") // functional notation
				}
			}
		}
	}
	if len(fit) == 0 {
		return "", false
	}
	return m.pick(fit...), true
}

// value is an expression of a kind.
func (m *maker) value(l *level, k kind) string {
	m.depth++
	defer func() { m.depth-- }()
	form := m.upTo(19)
	if m.depth > 3 {
		form = 0
	}
	if form < 11 {
		if ref, ok := m.reference(l, k); ok {
			return ref
		}
		return m.constant(k)
	}
	switch form {
	case 11:
		return "CASE WHEN " + m.condition(l) + " THEN " + m.value(l, k) + " ELSE " + m.value(l, k) + " END"
	case 12:
		return "coalesce(" + m.value(l, k) + ", " + m.constant(k) + ")"
	case 13:
		if m.budget > 0 {
			least := "min"
			if k == aBool {
				least = "bool_or"
			}
			return "(SELECT " + least + "(q.v) FROM (" + m.single(l, k) + ") AS q (v))"
		}
	case 14:
		return "nullif(" + m.value(l, k) + ", " + m.value(l, k) + ")"
	case 15:
		return "(" + m.value(l, k) + ")"
	}
	return m.special(l, k)
}

// special is an expression as only this kind has it.
func (m *maker) special(l *level, k kind) string {
	switch k {
	case anInt:
		switch m.upTo(3) {
		case 0:
			return "length(" + m.value(l, aText) + ")"
		case 1:
			return "(" + m.value(l, anInt) + " + 1)"
		case 2:
			return "cardinality(" + m.value(l, anArray) + ")"
		}
		return "(" + m.value(l, anArray) + ")[1]"
	case aText:
		return m.text(l)
	case aNumeric:
		return m.value(l, anInt) + "::numeric(8,2)"
	case aDate:
		return "(" + m.value(l, aDate) + " + " + m.value(l, anInt) + ")"
	case aBool:
		return "(" + m.condition(l) + ")"
	case anArray:
		if m.budget > 0 {
			return "ARRAY(" + m.single(l, anInt) + " ORDER BY 1)"
		}
		return "ARRAY[" + m.value(l, anInt) + "]"
	}
	return m.constant(k)
}

// text is an expression of that type, where most things can be shown.
func (m *maker) text(l *level) string {
	switch form := m.upTo(5); {
	case form < 2:
		return m.value(l, oneOf(m.t, anInt, aDate, aNumeric, aBool, anArray)) + "::text"
	case form < 3:
		return "concat(" + m.value(l, aText) + ", " + m.value(l, anInt) + ")"
	}
	rows := l.rows()
	if len(rows) == 0 {
		return "upper(" + m.value(l, aText) + ")"
	}
	row := oneOf(m.t, rows...).name
	return m.pick(row+"::text", "row_to_json("+row+")::text", "to_jsonb("+row+")::text", "concat("+row+".*)", "ROW("+row+".*)::text")
}

// condition is an expression for WHERE.
func (m *maker) condition(l *level) string {
	m.depth++
	defer func() { m.depth-- }()
	k := oneOf(m.t, anInt, aText, aNumeric, aDate)
	form := m.upTo(11)
	if m.depth > 3 || m.budget <= 0 && form > 6 {
		form = 0
	}
	switch form {
	case 0, 1, 2:
		return m.value(l, k) + m.pick(" = ", " < ", " >= ", " <> ", " IS DISTINCT FROM ") + m.value(l, k)
	case 3:
		return m.value(l, k) + m.pick(" IS NULL", " IS NOT NULL")
	case 4:
		return "(" + m.condition(l) + m.pick(" AND ", " OR ") + m.condition(l) + ")"
	case 5:
		return "NOT (" + m.condition(l) + ")"
	case 6:
		return m.value(l, k) + " BETWEEN " + m.value(l, k) + " AND " + m.value(l, k)
	case 7, 8:
		sql, _ := m.query(l, nil, nil)
		return "EXISTS (" + sql + ")"
	case 9:
		return m.value(l, k) + m.pick(" IN (", " = ANY (", " >= ALL (") + m.single(l, k) + ")"
	case 10:
		return "(" + m.value(l, k) + ", " + m.value(l, anInt) + ") IN (" + m.of(l, k, anInt) + ")"
	}
	if rows := l.rows(); len(rows) > 0 {
		row := oneOf(m.t, rows...).name
		return m.pick(row+" IS NOT NULL", row+"::text <> ''")
	}
	return m.value(l, aBool)
}

// single is a query of one column.
func (m *maker) single(l *level, k kind) string { return m.of(l, k) }

// of is a query with columns of these kinds.
func (m *maker) of(l *level, kinds ...kind) string {
	sql, _ := m.core(l, nil, kinds)
	return sql
}

// aggregate is an aggregate of a kind over fields of the level.
func (m *maker) aggregate(l *level, k kind) string {
	var sql string
	switch {
	case k == anInt:
		switch m.upTo(2) {
		case 0:
			sql = "count(*)"
		case 1:
			sql = "count(DISTINCT " + m.value(l, aText) + ")"
		case 2:
			sql = "max(" + m.value(l, anInt) + ")"
		}
	case k == aText && m.chance(70):
		v := m.value(l, aText) // twice the same, parameters too
		sql = m.pick("min("+v+")", "string_agg("+v+", ',' ORDER BY "+v+")", "json_agg("+v+" ORDER BY "+v+")::text")
	case k == aNumeric && m.chance(50):
		return "percentile_disc(0.5) WITHIN GROUP (ORDER BY " + m.value(l, aNumeric) + ")"
	case k == anArray:
		v := m.value(l, anInt)
		sql = "array_agg(" + v + " ORDER BY " + v + ")"
	case k == aBool:
		sql = "bool_or(" + m.value(l, aBool) + ")"
	default:
		sql = "min(" + m.value(l, k) + ")"
	}
	if m.chance(20) {
		sql += " FILTER (WHERE " + m.condition(l) + ")"
	}
	return sql
}

// sortable tells whether rows of these fields can be sorted.
func sortable(fields []field) bool {
	return !slices.ContainsFunc(fields, func(f field) bool {
		return f.kind == aJSON || f.kind == aRow && !sortable(f.parts)
	})
}
