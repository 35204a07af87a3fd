package rewrite_test

import (
	"slices"
	"strings"
)

// writeTarget is the table that a statement changes, as a level of its own.
func (m *maker) writeTarget() (*relation, string, *level) {
	tables := slices.DeleteFunc(slices.Clone(m.relations), func(r *relation) bool { return !r.table })
	r := oneOf(m.t, tables...)
	i := item{name: r.name, schema: r.schema, fields: r.fields, rel: r}
	sql := m.sql(r)
	if m.chance(40) {
		i.name, i.schema = m.alias(nil), ""
		sql += " AS " + i.name
	}
	return r, sql, &level{items: []item{i}, bare: i.fields}
}

// write makes a statement that changes a table.
func (m *maker) write() string {
	with, ctes := "", []item(nil)
	if m.chance(15) {
		with, ctes = m.with(nil, nil)
	}
	switch m.upTo(4) {
	case 0, 1:
		return with + m.insert(ctes)
	case 2:
		return with + m.update(ctes)
	case 3:
		return with + m.deletion(ctes)
	}
	return with + m.merge(ctes)
}

// modifying is a WITH query that changes a table, and a SELECT from what it returns.
func (m *maker) modifying() string {
	r, _, _ := m.writeTarget()
	name := m.alias(nil)
	returned := &level{items: []item{{name: r.name, fields: r.fields, rel: r}}, bare: r.fields}
	targets, fields := m.targets(returned, []kind{anInt, aText})
	change := m.pick("UPDATE "+r.schema+"."+r.name+" SET "+r.fields[1].name+" = DEFAULT", "DELETE FROM "+r.schema+"."+r.name) +
		" WHERE " + r.fields[0].name + " > 2 RETURNING " + targets
	sql, _ := m.query(nil, []item{{name: name, fields: fields}}, nil)
	return "WITH " + name + " AS (" + change + ") " + sql
}

// chosen are some of the columns of a table.
func (m *maker) chosen(r *relation) (out []field) {
	for _, f := range r.fields {
		if f.kind != aRow && m.chance(50) {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		out = append(out, r.fields[0])
	}
	return out
}

func names(fields []field) string {
	var out []string
	for _, f := range fields {
		out = append(out, f.name)
	}
	return strings.Join(out, ", ")
}

// insert makes an INSERT in any of its forms.
func (m *maker) insert(ctes []item) string {
	r, sql, target := m.writeTarget()
	columns := m.chosen(r)
	if columns[0].name != r.fields[0].name && !m.chance(10) {
		columns = append([]field{r.fields[0]}, columns...)
	}
	list := " (" + names(columns) + ")"
	if m.chance(15) {
		list, columns = "", r.fields[:len(columns)]
	}
	var kinds []kind
	for _, f := range columns {
		kinds = append(kinds, f.kind)
	}
	sql = "INSERT INTO " + sql + list
	switch m.upTo(6) {
	case 6:
		from := oneOf(m.t, m.relations...)
		if !sameKinds(from.fields, r.fields) {
			from = r
		}
		sql = strings.TrimSuffix(sql, list) + m.pick(" SELECT * FROM ", " SELECT x.* FROM ", " TABLE ") + m.sql(from)
		if strings.Contains(sql, " x.* ") {
			sql += " AS x"
		}
		return sql + " ON CONFLICT" + m.pick(" DO NOTHING", " ("+r.fields[0].name+") DO UPDATE SET "+m.sets(r, target)) + m.returning(target)
	case 0, 1, 2:
		sql += m.pick("", " OVERRIDING USER VALUE") + " VALUES " + m.tuple(kinds)
		if m.chance(30) {
			sql += ", " + m.tuple(kinds)
		}
	case 3, 4:
		query, _ := m.core(nil, ctes, kinds)
		sql += " " + query
	case 5:
		sql = strings.TrimSuffix(sql, list) + " DEFAULT VALUES"
	}
	if m.chance(50) {
		sql += m.onConflict(r, target)
	}
	return sql + m.returning(target)
}

// tuple makes a row of VALUES for a table: the key first.
func (m *maker) tuple(kinds []kind) string {
	values := []string{}
	for i, k := range kinds {
		switch {
		case i == 0 && k == anInt:
			values = append(values, m.pick("10", "2", "11", "3"))
		case k > anArray || m.chance(20):
			values = append(values, m.pick("DEFAULT", "NULL"))
		default:
			values = append(values, m.value(&level{}, k))
		}
	}
	return "(" + strings.Join(values, ", ") + ")"
}

func (m *maker) onConflict(r *relation, target *level) string {
	sql := " ON CONFLICT"
	switch m.upTo(3) {
	case 0, 1:
		sql += " (" + r.fields[0].name + ")"
	case 2:
		sql += " ON CONSTRAINT " + quoted(strings.Trim(r.name, `"`)+"_pkey")
	}
	if !strings.HasSuffix(sql, ")") || m.chance(30) {
		return sql + " DO NOTHING"
	}
	excluded := item{name: "excluded", fields: r.fields}
	l := &level{items: append(slices.Clone(target.items), excluded), bare: slices.Concat(target.bare, excluded.fields)}
	sql += " DO UPDATE SET " + m.sets(r, l)
	if m.chance(30) {
		sql += " WHERE " + m.condition(l)
	}
	return sql
}

// sets are the assignments of an UPDATE.
func (m *maker) sets(r *relation, l *level) string {
	var out []string
	fields := r.fields[1:]
	f := oneOf(m.t, fields...)
	switch form := m.upTo(9); {
	case f.kind == aRow:
		return f.name + " = " + m.pick("NULL", f.name)
	case form == 9 && f.kind == anArray:
		return f.name + "[1] = " + m.value(l, anInt)
	case form == 8:
		return f.name + " = DEFAULT"
	case form >= 6 && len(fields) > 1 && fields[0].kind != aRow && fields[1].kind != aRow:
		a, b := fields[0], fields[1]
		if form == 6 {
			return "(" + a.name + ", " + b.name + ") = (" + m.value(l, a.kind) + ", " + m.value(l, b.kind) + ")"
		}
		q, _ := m.core(l, nil, []kind{a.kind, b.kind})
		return "(" + a.name + ", " + b.name + ") = (SELECT * FROM (" + q + ") AS q ORDER BY 1, 2 LIMIT 1)"
	}
	out = append(out, f.name+" = "+m.value(l, f.kind))
	return strings.Join(out, ", ")
}

// update changes rows whose new values hang on one other row only.
func (m *maker) update(ctes []item) string {
	r, sql, target := m.writeTarget()
	if m.chance(10) {
		sql = "ONLY " + sql
	}
	l, from := target, ""
	if m.chance(50) {
		var other *level
		from, other = m.fromOnce(target, ctes)
		l = &level{items: slices.Concat(target.items, other.items), bare: slices.Concat(target.bare, other.bare)}
	}
	sql = "UPDATE " + sql + " SET " + m.sets(r, l) + from
	switch {
	case from != "":
		sql += " WHERE " + m.condition(l)
	case m.chance(60):
		sql += " WHERE " + m.condition(l)
	}
	return sql + m.returning(l)
}

// fromOnce is a FROM clause with one row.
func (m *maker) fromOnce(target *level, ctes []item) (string, *level) {
	rel := oneOf(m.t, m.relations...)
	if !rel.table || !rel.keyed {
		query, fields := m.core(nil, ctes, []kind{anInt, aText})
		i := item{name: m.alias(target.items), fields: fields}
		if count(fields, "") > 0 || len(fields) < 2 || fields[0].name == fields[1].name {
			i.fields = nil
		}
		return " FROM (" + query + " ORDER BY 1, 2 LIMIT 1) AS " + i.name, &level{items: []item{i}, bare: i.fields}
	}
	i := item{name: m.alias(target.items), fields: rel.fields, rel: rel}
	return " FROM (SELECT * FROM " + m.sql(rel) + " WHERE " + rel.fields[0].name + " = 2) AS " + i.name, &level{items: []item{i}, bare: i.fields}
}

func (m *maker) deletion(ctes []item) string {
	_, sql, target := m.writeTarget()
	l, using := target, ""
	if m.chance(40) {
		var other *level
		using, other = m.fromOnce(target, ctes)
		using = " USING" + strings.TrimPrefix(using, " FROM")
		l = &level{items: slices.Concat(target.items, other.items), bare: slices.Concat(target.bare, other.bare)}
	}
	return "DELETE FROM " + sql + using + " WHERE " + m.condition(l) + m.returning(l)
}

func (m *maker) merge(ctes []item) string {
	r, sql, target := m.writeTarget()
	from, other := m.fromOnce(target, ctes)
	l := &level{items: slices.Concat(target.items, other.items), bare: slices.Concat(target.bare, other.bare)}
	sql = "MERGE INTO " + sql + " USING" + strings.TrimPrefix(from, " FROM") + " ON " + target.items[0].name + "." + r.fields[0].name + " = "
	if refs := other.references(); len(refs) > 0 && refs[len(refs)-1].kind == anInt {
		sql += refs[len(refs)-1].sql
	} else {
		sql += "2"
	}
	for when := m.upTo(1); when >= 0; when-- {
		and := ""
		if when > 0 || m.chance(40) { // one without a condition is the last
			and = " AND " + m.condition(l)
		}
		switch m.upTo(3) {
		case 0, 1:
			sql += " WHEN MATCHED" + and + " THEN UPDATE SET " + m.sets(r, l)
		case 2:
			sql += " WHEN MATCHED" + and + " THEN " + m.pick("DELETE", "DO NOTHING")
		case 3:
			columns := append([]field{r.fields[0]}, r.fields[len(r.fields)-1])
			sql += " WHEN NOT MATCHED THEN INSERT (" + names(columns) + ") VALUES (20, " + m.valueOrNull(other, columns[1].kind) + ")"
		}
	}
	return sql
}

func (m *maker) valueOrNull(l *level, k kind) string {
	if k > anArray {
		return "NULL"
	}
	return m.value(l, k)
}

func (m *maker) returning(l *level) string {
	if !m.chance(50) {
		return ""
	}
	targets, _ := m.targets(l, nil)
	return " RETURNING " + targets
}
