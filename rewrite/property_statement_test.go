package rewrite_test

import (
	"strings"
)

// statement makes any statement. open tells whether the session is in a transaction block.
func (m *maker) statement(open bool) statement {
	switch form := m.upTo(32); {
	case form < 15:
		return m.reading()
	case form == 30:
		sql, _ := m.query(nil, nil, nil)
		return statement{sql: m.pick("CREATE OR REPLACE TEMP VIEW new_view AS ", "DROP VIEW IF EXISTS new_view; CREATE VIEW public.new_view AS ") + sql}
	case form == 31:
		return statement{sql: "SELECT " + m.pick("*", "new_view", "to_json(new_view)") + " FROM new_view"}
	case form == 32 && open:
		return m.current()
	case form < 23:
		m.extended = m.chance(30)
		sql := m.write()
		return statement{sql: sql, extended: m.extended, params: m.params, writes: true}
	case form == 23:
		return statement{sql: m.modifying(), writes: true}
	case form == 24:
		return m.copyOut()
	case form == 25:
		return m.copyIn()
	case form == 26:
		return m.prepared()
	case form == 27:
		return m.cursor(open)
	case form == 28:
		return m.definition(open)
	}
	if open {
		return statement{sql: m.pick("COMMIT", "ROLLBACK", "SAVEPOINT s", "ROLLBACK TO s"), writes: true}
	}
	return statement{sql: m.pick("BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ")}
}

func (m *maker) reading() statement {
	m.extended = m.chance(30)
	sql, _, ordered := m.whole(nil, nil, nil)
	return statement{sql: sql, extended: m.extended, params: m.params, ordered: ordered}
}

func (m *maker) copyOut() statement {
	if m.chance(50) {
		sql, _ := m.query(nil, nil, nil)
		return statement{sql: "COPY (" + sql + ") TO STDOUT" + m.pick("", " (FORMAT csv, HEADER)", " WITH CSV HEADER")}
	}
	r, _, _ := m.writeTarget()
	list := m.pick("", " ("+names(m.chosen(r))+")")
	return statement{sql: "COPY " + m.sql(r) + list + " TO STDOUT" + m.pick("", " (FORMAT csv, HEADER)", " WITH CSV HEADER", " (DELIMITER ',')")}
}

func (m *maker) copyIn() statement {
	r, _, _ := m.writeTarget()
	columns := []field{r.fields[0]}
	for _, f := range r.fields[1:] {
		if f.kind <= aText && m.chance(50) {
			columns = append(columns, f)
		}
	}
	row := m.pick("30", "2", "31")
	for range columns[1:] {
		row += m.pick("\t5", "\t\\N", "\tabc")
	}
	return statement{sql: "COPY " + m.sql(r) + " (" + names(columns) + ") FROM STDIN", copyIn: row + "\n", writes: true}
}

// prepared is PREPARE, EXECUTE and DEALLOCATE, in one text or as they come.
func (m *maker) prepared() statement {
	switch m.upTo(4) {
	case 0:
		sql, _ := m.query(nil, nil, nil)
		return statement{sql: "PREPARE p AS " + sql}
	case 1:
		return statement{sql: "PREPARE p (int) AS " + strings.Replace(m.write(), "2", "$1", 1)}
	case 2:
		return statement{sql: m.pick("DEALLOCATE p", "DEALLOCATE ALL")}
	}
	return statement{sql: m.pick("EXECUTE p", "EXECUTE p (2)"), writes: true}
}

func (m *maker) cursor(open bool) statement {
	if !open || m.chance(40) {
		sql, _ := m.query(nil, nil, nil)
		return statement{sql: "DECLARE c CURSOR" + m.pick("", " WITH HOLD") + " FOR " + sql}
	}
	return statement{sql: m.pick("FETCH ALL FROM c", "CLOSE c", "FETCH 1 FROM c")}
}

// current changes the row at a cursor.
func (m *maker) current() statement {
	r, _, target := m.writeTarget()
	table := r.schema + "." + r.name
	sql := "DECLARE at_row CURSOR FOR SELECT * FROM " + table + " ORDER BY 1 FOR UPDATE; FETCH 2 FROM at_row; "
	if m.chance(30) {
		sql += "DELETE FROM " + table
	} else {
		sql += "UPDATE " + table + " SET " + m.sets(r, &level{items: []item{{name: r.name, fields: r.fields, rel: r}}, bare: target.bare})
	}
	return statement{sql: sql + " WHERE CURRENT OF at_row RETURNING *; CLOSE at_row", writes: true}
}

// definition is DDL that a migration leaves alone, outside of transactions.
func (m *maker) definition(open bool) statement {
	if open {
		return m.reading()
	}
	r, _, _ := m.writeTarget()
	column := oneOf(m.t, r.fields...)
	table := r.schema + "." + r.name
	var sql string
	switch m.upTo(6) {
	case 0:
		sql = "ALTER TABLE " + table + " ALTER COLUMN " + column.name + m.pick(" DROP DEFAULT", " SET STATISTICS 10", " DROP NOT NULL")
	case 1:
		sql = "CREATE INDEX new_index ON " + table + " (" + column.name + ")"
	case 2:
		sql = "COMMENT ON COLUMN " + table + "." + column.name + " IS 'seen'"
	case 3:
		sql = "ALTER TABLE " + table + " ADD CONSTRAINT new_check CHECK (" + column.name + " IS NOT NULL) NOT VALID"
	case 4:
		sql = "ALTER TABLE " + table + m.pick(" ADD COLUMN new_column int DEFAULT 5", " DROP COLUMN new_column")
	case 5:
		query, _ := m.query(nil, nil, []kind{anInt, aText})
		sql = "CREATE TEMP TABLE new_table (n, t) AS " + query
	case 6:
		sql = "TRUNCATE " + table
	}
	return statement{sql: sql, writes: true, schema: true}
}
