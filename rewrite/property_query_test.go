package rewrite_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// query makes a SELECT that may have WITH, set operations, ORDER BY and the like. kinds are those of its columns; nil: any.
func (m *maker) query(outer *level, ctes []item, kinds []kind) (string, []field) {
	sql, fields, _ := m.whole(outer, ctes, kinds)
	return sql, fields
}

// whole is query, and tells whether the order of the rows is defined.
func (m *maker) whole(outer *level, ctes []item, kinds []kind) (sql string, fields []field, ordered bool) {
	m.depth++
	defer func() { m.depth-- }()
	with := ""
	if m.depth < 3 && m.chance(20) {
		with, ctes = m.with(outer, ctes)
	}
	switch form := m.upTo(19); {
	case form == 19 && m.depth < 3:
		left, fields := m.core(outer, ctes, []kind{anInt, aText})
		right, _ := m.core(outer, ctes, []kind{anInt, aText})
		op := m.pick(" UNION ALL ", " UNION ", " INTERSECT ", " EXCEPT ALL ")
		if m.chance(30) {
			left, right = "("+left+")", "("+right+")"
		}
		sql, fields = left+op+right, slices.Clone(fields)
		tail, complete := m.tail(nil, fields)
		return with + sql + tail, fields, complete
	case form == 16 && kinds == nil:
		return with + m.stars(), nil, false
	case form == 18 && kinds == nil:
		r := oneOf(m.t, m.relations...)
		tail, complete := m.tail(nil, r.fields)
		return with + "TABLE " + m.sql(r) + tail, r.fields, complete
	case form == 17 && kinds == nil:
		l := &level{outer: outer}
		return with + "VALUES (" + m.value(l, anInt) + ", " + m.value(l, aText) + "), (0, 'v')",
			[]field{{name: "column1", kind: anInt}, {name: "column2", kind: aText}}, false
	}
	sql, fields, ordered = m.selected(outer, ctes, kinds, true)
	return with + sql, fields, ordered
}

// stars is a set operation of all columns of two relations, or of one and itself.
func (m *maker) stars() string {
	left, right := oneOf(m.t, m.relations...), oneOf(m.t, m.relations...)
	if !sameKinds(left.fields, right.fields) {
		right = left
	}
	sql := m.pick("SELECT * FROM ", "SELECT DISTINCT * FROM ", "TABLE ", "SELECT x.* FROM (SELECT * FROM ") + m.sql(left)
	if strings.Contains(sql, "x.*") {
		sql += ") AS x"
	}
	sql += m.pick(" UNION ALL ", " EXCEPT ALL ", " INTERSECT ALL ") + "SELECT * FROM " + m.sql(right)
	if f := oneOf(m.t, left.fields...); f.kind < aRow && count(left.fields, f.name) == 1 && m.chance(50) {
		sql += " ORDER BY " + f.name
	}
	if m.chance(30) {
		sql = "SELECT " + m.pick("q", "q.*", "to_json(q)", "row(q.*)") + " FROM (" + sql + ") AS q"
	}
	return sql
}

func sameKinds(a, b []field) bool {
	return slices.EqualFunc(a, b, func(f, g field) bool { return f.kind == g.kind && f.kind < aRow })
}

// core is a SELECT without WITH, set operations and ORDER BY.
func (m *maker) core(outer *level, ctes []item, kinds []kind) (string, []field) {
	m.depth++
	defer func() { m.depth-- }()
	sql, fields, _ := m.selected(outer, ctes, kinds, false)
	return sql, fields
}

// with makes one common table expression.
func (m *maker) with(outer *level, ctes []item) (string, []item) {
	name := m.alias(nil)
	if m.chance(25) {
		r := oneOf(m.t, m.relations...)
		l := &level{items: []item{{name: "r", fields: []field{{name: "n", kind: anInt}}}, {name: "t", fields: r.fields}}}
		l.bare = slices.Concat(l.items[0].fields, l.items[1].fields)
		fields := []field{{name: "n", kind: anInt}, {name: quoted(oneOf(m.t, anyNames...)), kind: aText}}
		if fields[1].name == "n" {
			return "", ctes
		}
		sql := fmt.Sprintf("WITH RECURSIVE %s (n, %s) AS (SELECT 1, 'start' UNION ALL SELECT r.n + 1, %s FROM %s AS r JOIN %s AS t ON %s WHERE r.n < 3) ",
			name, fields[1].name, m.value(l, aText), name, m.sql(r), m.condition(l))
		return sql, append(slices.Clone(ctes), item{name: name, fields: fields})
	}
	sql, fields := m.query(outer, ctes, nil)
	return "WITH " + name + m.pick(" AS (", " AS MATERIALIZED (", " AS NOT MATERIALIZED (") + sql + ") ",
		append(slices.Clone(ctes), item{name: name, fields: fields})
}

// selected is one SELECT; free: it may have ORDER BY, LIMIT and locks.
func (m *maker) selected(outer *level, ctes []item, kinds []kind, free bool) (string, []field, bool) {
	from, l := m.from(outer, ctes)
	where := ""
	if m.chance(40) {
		where = " WHERE " + m.condition(l)
	}
	switch form := m.upTo(9); {
	case form == 9:
		sql, fields := m.grouped(l, kinds, from+where)
		tail, ordered := "", false
		if free {
			tail, ordered = m.tail(nil, fields)
		}
		return sql + tail, fields, ordered
	case form == 8:
		sql, fields := m.windowed(l, kinds, from+where)
		return sql, fields, false
	}
	targets, fields := m.targets(l, kinds)
	distinct := ""
	if sortable(fields) && free && len(fields) > 0 && m.chance(10) {
		if m.chance(50) {
			return "SELECT DISTINCT ON (" + m.pick("1", "1, 2")[:1] + ") " + targets + " FROM " + from + where + " ORDER BY " + ordinals(fields), fields, true
		}
		distinct = "DISTINCT "
	}
	sql := "SELECT " + distinct + targets + " FROM " + from + where
	if !free {
		return sql, fields, false
	}
	if distinct != "" {
		l = nil
	}
	tail, ordered := m.tail(l, fields)
	if distinct == "" && m.chance(6) {
		tail += m.lock(l)
	}
	return sql + tail, fields, ordered
}

// targets makes a target list.
func (m *maker) targets(l *level, kinds []kind) (string, []field) {
	var sql []string
	var fields []field
	for _, k := range kinds {
		t, f := m.target(l, k)
		sql, fields = append(sql, t), append(fields, f)
	}
	if kinds == nil {
		for range 1 + m.upTo(2) {
			switch form := m.upTo(9); {
			case form == 9:
				sql, fields = append(sql, "*"), append(fields, l.bare...)
			case form == 8 && len(l.items) > 0:
				i := oneOf(m.t, l.items...)
				sql, fields = append(sql, i.name+".*"), append(fields, i.fields...)
			case form == 6 && len(l.rows()) > 0:
				i := oneOf(m.t, l.rows()...)
				sql, fields = append(sql, "("+i.name+").*"), append(fields, i.fields...)
			case form == 7:
				t, f := m.rowTarget(l)
				sql, fields = append(sql, t), append(fields, f)
			default:
				t, f := m.target(l, kind(m.upTo(int(anArray))))
				sql, fields = append(sql, t), append(fields, f)
			}
		}
	}
	return strings.Join(sql, ", "), fields
}

// target is one column of a result.
func (m *maker) target(l *level, k kind) (string, field) {
	v := m.value(l, k)
	if m.chance(30) {
		label := quoted(oneOf(m.t, anyNames...))
		return v + " AS " + label, field{name: label, kind: k}
	}
	name := ""
	if i := slices.IndexFunc(l.references(), func(r reference) bool { return r.sql == v }); i >= 0 {
		name = l.references()[i].name
	}
	return v, field{name: name, kind: k}
}

// rowTarget shows a row as a whole.
func (m *maker) rowTarget(l *level) (string, field) {
	rows := l.rows()
	if len(rows) == 0 {
		return m.target(l, aText)
	}
	i := oneOf(m.t, rows...)
	switch m.upTo(2) {
	case 0:
		return i.name, field{name: i.name, kind: aRow, parts: i.fields}
	case 1:
		return "row_to_json(" + i.name + ")", field{name: "row_to_json", kind: aJSON}
	}
	return "to_jsonb(" + i.name + ") AS j", field{name: "j", kind: aText + 100}
}

// grouped is a SELECT with GROUP BY.
func (m *maker) grouped(l *level, kinds []kind, from string) (string, []field) {
	if kinds == nil {
		kinds = []kind{oneOf(m.t, aText, anInt, aDate), aText, anInt}
	}
	var keys, targets []string
	var fields []field
	for i, k := range kinds {
		if i == 0 && k != anArray {
			key := m.value(l, k)
			t, label := key, ""
			if m.chance(40) {
				label = quoted(oneOf(m.t, anyNames...))
				t += " AS " + label
				if len(l.references()) > 0 && m.chance(30) && count(l.bare, label) == 0 {
					key = label
				}
			} else if strings.Contains(key, "$") || m.chance(20) {
				key = strconv.Itoa(i + 1)
			}
			keys, targets, fields = append(keys, key), append(targets, t), append(fields, field{name: label, kind: k})
			continue
		}
		targets = append(targets, m.aggregate(l, k)+" AS c"+strconv.Itoa(i))
		fields = append(fields, field{name: "c" + strconv.Itoa(i), kind: k})
	}
	sql := "SELECT " + strings.Join(targets, ", ") + " FROM " + from
	if len(keys) > 0 {
		more, _ := m.reference(l, aText)
		switch form := m.upTo(5); {
		case form == 5 && more != "":
			sql += " GROUP BY GROUPING SETS ((" + keys[0] + "), (" + keys[0] + ", " + more + "))"
		case form == 4 && more != "":
			sql += m.pick(" GROUP BY ROLLUP (", " GROUP BY CUBE (") + keys[0] + ", " + more + ")"
		default:
			sql += " GROUP BY " + keys[0]
		}
	}
	if m.chance(20) {
		sql += " HAVING " + m.aggregate(l, anInt) + " > 0"
	}
	return sql, fields
}

// windowed is a SELECT with window functions whose results do not hang on the order of equal rows.
func (m *maker) windowed(l *level, kinds []kind, from string) (string, []field) {
	if kinds == nil {
		kinds = []kind{anInt, aText}
	}
	k := oneOf(m.t, aText, anInt, aDate)
	over := "PARTITION BY " + m.value(l, oneOf(m.t, aText, anInt)) + " ORDER BY " + m.value(l, k)
	window := ""
	spec := "(" + over + ")"
	if m.chance(50) {
		name := quoted(oneOf(m.t, anyNames...))
		window, spec = " WINDOW "+name+" AS ("+over+")", name
		if m.chance(30) {
			spec = "(" + name + ")"
		}
	}
	var targets []string
	var fields []field
	for i, k := range kinds {
		t, f := m.target(l, k)
		if i == 0 && k == anInt {
			call := m.pick("rank()", "dense_rank()", "count(*)")
			if m.chance(30) {
				call = "max(" + m.value(l, anInt) + ")"
			}
			t, f = call+" OVER "+spec+" AS w", field{name: "w", kind: anInt}
			if !strings.HasPrefix(call, "max") {
				t = "(" + call + " OVER " + spec + ")::int AS w"
			}
		}
		targets, fields = append(targets, t), append(fields, f)
	}
	return "SELECT " + strings.Join(targets, ", ") + " FROM " + from + window, fields
}

// tail makes ORDER BY, LIMIT and OFFSET. l is nil where only what is selected can be named.
func (m *maker) tail(l *level, fields []field) (sql string, ordered bool) {
	if len(fields) == 0 || !sortable(fields) || !m.chance(40) {
		return "", false
	}
	first := ""
	switch form := m.upTo(4); {
	case form == 0:
	case form < 3:
		if f := oneOf(m.t, fields...); f.name != "" && count(fields, f.name) == 1 && f.kind < 100 {
			first = f.name + m.pick("", " DESC", " NULLS FIRST") + ", "
		}
	case l != nil:
		first = m.value(l, oneOf(m.t, aText, anInt, aNumeric)) + ", "
	}
	sql = " ORDER BY " + first + ordinals(fields)
	switch m.upTo(5) {
	case 4:
		sql += " LIMIT 2"
	case 5:
		sql += " OFFSET 1 ROWS FETCH FIRST 2 ROWS ONLY"
	}
	return sql, true
}

// ordinals orders by all columns.
func ordinals(fields []field) string {
	var out []string
	for i := range fields {
		out = append(out, strconv.Itoa(i+1))
	}
	return strings.Join(out, ", ")
}

// lock makes FOR UPDATE and the like.
func (m *maker) lock(l *level) string {
	sql := m.pick(" FOR UPDATE", " FOR SHARE", " FOR NO KEY UPDATE", " FOR KEY SHARE")
	lockable := slices.DeleteFunc(slices.Clone(l.items), func(i item) bool { return !i.locks })
	if len(lockable) > 0 && m.chance(70) {
		sql += " OF " + oneOf(m.t, lockable...).name
	}
	return sql + m.pick("", " SKIP LOCKED", " NOWAIT")
}
