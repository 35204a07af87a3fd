package rewrite_test

import (
	"slices"
	"strings"
)

// from makes what follows FROM. ctes are items that can be named there, outer is what LATERAL sees.
func (m *maker) from(outer *level, ctes []item) (string, *level) {
	l := &level{outer: outer}
	var parts []string
	for range 1 + m.upTo(1)*m.upTo(1) {
		sql, i, bare := m.fromItem(l, ctes, 0)
		parts = append(parts, sql)
		l.items, l.bare = append(l.items, i...), append(l.bare, bare...)
	}
	return strings.Join(parts, ", "), l
}

// fromItem makes one item of FROM; around has those that are there already, whose names are taken, and which LATERAL
// sees. It returns what the item can be named by, and the fields that need no qualification.
func (m *maker) fromItem(around *level, ctes []item, nesting int) (string, []item, []field) {
	m.budget--
	form := m.upTo(19)
	if m.budget <= 0 || nesting > 2 {
		form = 0
	}
	switch {
	case form >= 13 && form < 18:
		return m.join(around, ctes, nesting)
	case form == 18:
		if m.depth < 3 {
			return m.derived(around, ctes)
		}
	case form == 19:
		return m.function(around)
	case form == 12:
		return m.rowsOfValues(around)
	}
	var r item
	if len(ctes) > 0 && m.chance(50) {
		cte := oneOf(m.t, ctes...)
		r = item{name: cte.name, fields: cte.fields}
		return m.named(cte.name, r, around)
	}
	rel := oneOf(m.t, m.relations...)
	r = item{name: rel.name, fields: rel.fields, rel: rel, locks: true, schema: rel.schema}
	sql := m.sql(rel)
	if rel.table && m.chance(5) {
		sql = "ONLY " + sql
	}
	return m.named(sql, r, around)
}

// named gives an item an alias where it needs one or likes one, with names for its columns now and then.
func (m *maker) named(sql string, i item, around *level) (string, []item, []field) {
	taken := slices.ContainsFunc(around.items, func(o item) bool { return o.name == i.name })
	if !taken && m.chance(50) {
		return sql, []item{i}, i.fields
	}
	i.name, i.schema = m.alias(around.items), ""
	sql += " AS " + i.name
	if len(i.fields) > 0 && m.chance(10) {
		i.fields = slices.Clone(i.fields)
		var names []string
		for k := range 1 + m.upTo(len(i.fields)-1) {
			name := quoted(oneOf(m.t, anyNames...))
			names = append(names, name)
			i.fields[k].name = name
		}
		sql += " (" + strings.Join(names, ", ") + ")"
	}
	return sql, []item{i}, i.fields
}

// derived is a subquery in FROM.
func (m *maker) derived(around *level, ctes []item) (string, []item, []field) {
	lateral, sees := "", (*level)(nil)
	if around.outer != nil {
		sees = around.outer
	}
	if m.chance(40) {
		lateral, sees = "LATERAL ", &level{items: around.items, bare: around.bare, outer: around.outer}
	}
	sql, fields := m.query(sees, ctes, nil)
	i := item{name: m.alias(around.items), fields: fields}
	return lateral + "(" + sql + ") AS " + i.name, []item{i}, fields
}

// function is a function in FROM.
func (m *maker) function(around *level) (string, []item, []field) {
	if len(m.functions) > 0 && m.chance(70) {
		f := oneOf(m.t, m.functions...)
		return m.named(m.sql(f)+"()", item{name: f.name, fields: f.fields}, around)
	}
	name, column := m.alias(around.items), quoted(oneOf(m.t, anyNames...))
	fields := []field{{name: column, kind: anInt}}
	sql := m.pick("generate_series(1, 2)", "unnest(ARRAY[1, 3])")
	if m.chance(30) {
		return sql + " WITH ORDINALITY AS " + name + " (" + column + ", nth)", []item{{name: name, fields: append(fields, field{name: "nth", kind: anInt})}},
			append(fields, field{name: "nth", kind: anInt})
	}
	return sql + " AS " + name + " (" + column + ")", []item{{name: name, fields: fields}}, fields
}

// rowsOfValues is VALUES in FROM.
func (m *maker) rowsOfValues(around *level) (string, []item, []field) {
	name := m.alias(around.items)
	a, b := quoted(oneOf(m.t, anyNames...)), quoted(oneOf(m.t, anyNames...))
	fields := []field{{name: a, kind: anInt}, {name: b, kind: aText}}
	return "(VALUES (1, 'x'), (2, 'Ada')) AS " + name + " (" + a + ", " + b + ")", []item{{name: name, fields: fields}}, fields
}

// join makes a join of two items.
func (m *maker) join(around *level, ctes []item, nesting int) (string, []item, []field) {
	left, ls, lbare := m.fromItem(around, ctes, nesting+1)
	both := &level{items: slices.Concat(around.items, ls), bare: slices.Concat(around.bare, lbare), outer: around.outer}
	right, rs, rbare := m.fromItem(both, ctes, nesting+1)
	items := slices.Concat(ls, rs)
	kind := m.pick("JOIN", "LEFT JOIN", "FULL JOIN", "RIGHT JOIN", "INNER JOIN")
	var sql string
	bare := slices.Concat(lbare, rbare)
	common := commonFields(lbare, rbare)
	switch form := m.upTo(9); {
	case form < 5 && len(common) > 0:
		if !m.chance(25) {
			common = []field{oneOf(m.t, common...)}
		}
		var names []string
		for _, f := range common {
			names = append(names, f.name)
		}
		sql = left + " " + kind + " " + right + " USING (" + strings.Join(names, ", ") + ")"
		bare = merged(common, lbare, rbare)
		if m.chance(10) {
			using := m.alias(slices.Concat(around.items, items))
			sql += " AS " + using
			items = append(items, item{name: using, fields: common})
		}
	case form == 5:
		sql = left + " NATURAL " + kind + " " + right
		bare = merged(common, lbare, rbare)
	case form == 6:
		sql = left + " CROSS JOIN " + right
	default:
		l := &level{items: items, bare: bare}
		condition := m.condition(l)
		if strings.HasPrefix(kind, "FULL") {
			condition = "true" // only merge joins and hash joins can be full
		}
		sql = left + " " + kind + " " + right + " ON " + condition
	}
	if m.chance(15) {
		name := m.alias(around.items)
		return "(" + sql + ") AS " + name, []item{{name: name, fields: bare}}, bare
	}
	if nesting > 0 || m.chance(30) {
		sql = "(" + sql + ")"
	}
	return sql, items, bare
}

// commonFields are those that both sides have once, of kinds that can be compared with each other.
func commonFields(left, right []field) (out []field) {
	for _, f := range left {
		for _, g := range right {
			if f.name != "" && f.name == g.name && (f.kind == g.kind || f.kind == anInt && g.kind == aNumeric) &&
				count(left, f.name) == 1 && count(right, f.name) == 1 && f.kind != aRow {
				out = append(out, f)
			}
		}
	}
	return out
}

// merged are the fields of a join that merges some.
func merged(common, left, right []field) []field {
	rest := func(f field) bool { return count(common, f.name) > 0 }
	return slices.Concat(common, slices.DeleteFunc(slices.Clone(left), rest), slices.DeleteFunc(slices.Clone(right), rest))
}
