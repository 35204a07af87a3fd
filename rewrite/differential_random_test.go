package rewrite

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A statementMaker makes statements at random over the tables of the differential tests. It prefers names that one
// side or the other could mistake: those of the other version, and those that several tables have.
type statementMaker struct {
	*rand.Rand
	names map[string]string // the client's
	depth int
	fresh int
}

// A source is something in FROM, with the names of its columns; "" where it cannot be named.
type source struct {
	name string
	cols []string
}

func (m *statementMaker) pick(list ...string) string { return list[m.IntN(len(list))] }

func (m *statementMaker) chance(percent int) bool { return m.IntN(100) < percent }

// tables are the relations, with their columns in the client's names.
func (m *statementMaker) tables() []source {
	n := m.names
	quoted := func(name string) string {
		if name == "order" {
			return `"order"`
		}
		return name
	}
	return []source{
		{n["person"], []string{n["id"], "first_name", n["surname"], "city", "parent"}},
		{n["person"], []string{n["id"], "first_name", n["surname"], "city", "parent"}},
		{n["person"], []string{n["id"], "first_name", n["surname"], "city", "parent"}},
		{"book", []string{"surname", "last_name", "person", "individual"}},
		{"orders", []string{"order_id", "individual_id", "note"}},
		{"pet", []string{"id", "person_id", "name"}},
		{n["line"], []string{quoted(n["qty"]), "price", "sku"}},
	}
}

// alias is a name for something in FROM.
func (m *statementMaker) alias() string {
	if m.chance(40) {
		return m.pick("person", "individual", "surname", "last_name", "p", "id")
	}
	m.fresh++
	return fmt.Sprintf("t%d", m.fresh)
}

// label is a name for a column of a result.
func (m *statementMaker) label() string {
	return m.pick("x", "y", "surname", "last_name", "id", "individual_id", "first_name", "person", "individual", `"order"`, `"Qty"`)
}

// column is a reference to a column of one of the sources.
func (m *statementMaker) column(sources []source) string {
	if len(sources) == 0 || m.chance(3) {
		return m.label()
	}
	s := sources[m.IntN(len(sources))]
	if len(s.cols) == 0 {
		return "1"
	}
	c := s.cols[m.IntN(len(s.cols))]
	if s.name != "" && m.chance(60) {
		return s.name + "." + c
	}
	return c
}

// from makes an item of FROM. ctes can be named too.
func (m *statementMaker) from(ctes, outer []source) (string, []source) {
	m.depth++
	defer func() { m.depth-- }()
	switch {
	case m.depth < 4 && m.chance(30):
		return m.join(ctes, outer)
	case m.depth < 4 && m.chance(20):
		sql, cols := m.query(ctes, nil)
		name := m.alias()
		if m.chance(20) && len(cols) > 0 {
			cols = slices.Clone(cols)
			cols[0] = m.label()
			return "(" + sql + ") AS " + name + " (" + cols[0] + ")", []source{{name, cols}}
		}
		return "(" + sql + ") AS " + name, []source{{name, cols}}
	case m.depth < 3 && len(outer) > 0 && m.chance(10):
		sql, cols := m.query(ctes, outer)
		name := m.alias()
		return "LATERAL (" + sql + ") " + name, []source{{name, cols}}
	}
	s := m.tables()[m.IntN(7)]
	if len(ctes) > 0 && m.chance(50) {
		s = ctes[m.IntN(len(ctes))]
	}
	if m.chance(50) {
		name := m.alias()
		return s.name + " " + m.pick("", "AS ") + name, []source{{name, s.cols}}
	}
	return s.name, []source{{s.name, s.cols}}
}

func (m *statementMaker) join(ctes, outer []source) (string, []source) {
	left, ls := m.from(ctes, outer)
	right, rs := m.from(ctes, slices.Concat(outer, ls))
	all := slices.Concat(ls, rs)
	kind := m.pick("JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
	var sql string
	switch common := commonNames(ls, rs); {
	case m.chance(15):
		sql = left + " NATURAL " + kind + " " + right
	case len(common) > 0 && m.chance(70):
		name := common[m.IntN(len(common))]
		sql = left + " " + kind + " " + right + " USING (" + name + ")"
		all = append(all, source{"", []string{name}})
	case m.chance(10):
		sql = left + " CROSS JOIN " + right
	default:
		sql = left + " " + kind + " " + right + " ON concat(" + m.column(ls) + ") = concat(" + m.column(rs) + ")"
	}
	if m.chance(30) {
		return "(" + sql + ")", all
	}
	return sql, all
}

func commonNames(a, b []source) []string {
	var out []string
	for _, s := range a {
		for _, c := range s.cols {
			for _, t := range b {
				if slices.Contains(t.cols, c) {
					out = append(out, c)
				}
			}
		}
	}
	return out
}

// value is an expression.
func (m *statementMaker) value(ctes, sources []source) string {
	m.depth++
	defer func() { m.depth-- }()
	switch k := m.IntN(20); {
	case k < 11 || m.depth > 4:
		return m.column(sources)
	case k < 13:
		return "concat(" + m.value(ctes, sources) + ", " + m.column(sources) + ")"
	case k < 14:
		return m.column(sources) + "::text"
	case k < 15:
		return "CASE WHEN " + m.condition(ctes, sources) + " THEN 'x' ELSE concat(" + m.column(sources) + ") END"
	case k < 16:
		return "coalesce(" + m.column(sources) + "::text, 'none')"
	case k < 18:
		sql, _ := m.plain(ctes, sources, 1, false)
		return "(" + sql + " ORDER BY 1 LIMIT 1)"
	case k < 19:
		sql, _ := m.plain(ctes, sources, 1, false)
		return "ARRAY(" + sql + " ORDER BY 1)"
	}
	return "(" + m.column(sources) + ")"
}

func (m *statementMaker) condition(ctes, sources []source) string {
	m.depth++
	defer func() { m.depth-- }()
	switch k := m.IntN(10); {
	case k < 5 || m.depth > 3:
		return "concat(" + m.column(sources) + ") " + m.pick("<", ">", "=", "<>") + " 'K'"
	case k < 7:
		sql, _ := m.query(ctes, sources)
		return m.pick("", "NOT ") + "EXISTS (" + sql + ")"
	case k < 8:
		sql, _ := m.plain(ctes, sources, 1, false)
		return m.column(sources) + "::text IN (SELECT concat(q.*) FROM (" + sql + ") q)"
	}
	return "(" + m.condition(ctes, sources) + " " + m.pick("AND", "OR") + " " + m.condition(ctes, sources) + ")"
}

// query makes a SELECT, and says what columns it has.
func (m *statementMaker) query(ctes, outer []source) (string, []string) {
	m.depth++
	defer func() { m.depth-- }()
	prefix := ""
	if m.depth < 3 && m.chance(20) {
		name := m.alias()
		sql, cols := m.query(ctes, outer)
		prefix = "WITH " + name + " AS (" + sql + ") "
		ctes = append(slices.Clone(ctes), source{name, cols})
	}
	if m.depth < 4 && m.chance(8) {
		left, cols := m.plain(ctes, outer, 2, false)
		right, _ := m.plain(ctes, outer, 2, false)
		return prefix + left + " UNION ALL " + right, cols
	}
	sql, cols := m.plain(ctes, outer, 1+m.IntN(3), true)
	return prefix + sql, cols
}

// plain makes a SELECT without WITH and set operations; stars and other clauses only where they are wanted.
func (m *statementMaker) plain(ctes, outer []source, width int, free bool) (string, []string) {
	from, own := m.from(ctes, nil)
	if m.chance(25) {
		more, s := m.from(ctes, own)
		from, own = from+", "+more, append(own, s...)
	}
	sources := own
	if len(outer) > 0 && m.chance(60) {
		sources = slices.Concat(own, outer)
	}
	var targets, cols []string
	for range width {
		if free && m.chance(12) {
			s := own[m.IntN(len(own))]
			if s.name != "" {
				targets, cols = append(targets, s.name+".*"), append(cols, s.cols...)
				continue
			}
			targets = append(targets, "*")
			continue
		}
		v := m.value(ctes, sources)
		if m.chance(35) {
			l := m.label()
			targets, cols = append(targets, v+m.pick(" AS ", " AS ")+l), append(cols, l)
			continue
		}
		targets = append(targets, v)
		if i := strings.LastIndexAny(v, ". "); !strings.ContainsAny(v, "( :") {
			cols = append(cols, v[i+1:])
		}
	}
	sql := "SELECT " + strings.Join(targets, ", ") + " FROM " + from
	if m.chance(40) {
		sql += " WHERE " + m.condition(ctes, sources)
	}
	if !free {
		return sql, cols
	}
	if m.chance(10) {
		key := m.column(own)
		if len(cols) > 0 && m.chance(40) {
			key = cols[m.IntN(len(cols))]
		}
		return "SELECT " + key + ", count(*) FROM " + from + " GROUP BY " + key, []string{key[strings.LastIndexByte(key, '.')+1:], "count"}
	}
	if m.chance(25) {
		key := m.column(sources)
		if len(cols) > 0 && m.chance(60) {
			key = cols[m.IntN(len(cols))]
		}
		sql += " ORDER BY " + key
	}
	return sql, cols
}

// write makes a statement that changes the table under migration or is fed by it.
func (m *statementMaker) write() string {
	n := m.names
	person := source{n["person"], []string{n["id"], "first_name", n["surname"], "city", "parent"}}
	more, sources := m.from(nil, nil)
	all := append([]source{person}, sources...)
	returning := ""
	if m.chance(60) {
		returning = " RETURNING " + m.pick("*", person.name+".*", m.column([]source{person}), m.column([]source{person})+" AS "+m.label())
	}
	set := m.pick("first_name", n["surname"], "city")
	switch m.IntN(5) {
	case 0:
		return "UPDATE " + person.name + " SET " + set + " = concat(" + m.value(nil, all) + ") FROM " + more +
			" WHERE concat(" + m.column([]source{person}) + ") = concat(" + m.column(sources) + ")" + returning
	case 1:
		return "DELETE FROM " + person.name + " USING " + more + " WHERE " + m.condition(nil, all) + returning
	case 2:
		return "INSERT INTO " + person.name + " (" + n["id"] + ", " + n["surname"] + ") SELECT 100, concat(" + m.value(nil, sources) +
			") FROM " + more + " ORDER BY 2 LIMIT 1" + returning
	case 3:
		return "INSERT INTO " + person.name + " (" + n["id"] + ", " + n["surname"] + ") VALUES (1, 'x') ON CONFLICT (" + n["id"] +
			") DO UPDATE SET " + set + " = concat(excluded." + set + ", " + m.column([]source{person, {"excluded", person.cols}}) + ")" + returning
	}
	return "UPDATE " + person.name + " SET (" + set + ", parent) = (SELECT concat(" + m.column(all) + "), 1 FROM " + more +
		" ORDER BY 1 LIMIT 1) WHERE " + m.condition(nil, []source{person}) + returning
}

// runAny is run, but that after a statement that only reads nobody looks at the tables.
func runAny(t *testing.T, conn *pgx.Conn, sql string, names map[string]string) (outcome, []*pgconn.Result) {
	t.Helper()
	if !strings.HasPrefix(sql, "SELECT") && !strings.HasPrefix(sql, "WITH") {
		return run(t, conn, sql, names)
	}
	results, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
	var o outcome
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		o.Error = pgErr.Code
		return o, nil
	}
	for _, f := range results[0].FieldDescriptions {
		o.Labels = append(o.Labels, f.Name)
	}
	for _, row := range results[0].Rows {
		o.Rows = append(o.Rows, string(fmt.Appendf(nil, "%q", row)))
	}
	return o, results
}

// checkAny compares a statement that may be wrong, or refused: whatever the client's database says, an error included,
// the other must say too. (Which of several errors comes first may differ.) It tells whether the statement was worth
// something.
func (w *world) checkAny(t *testing.T, sql string) (ran, refused bool) {
	t.Helper()
	text := w.rewrite(t, sql)
	want, _ := runAny(t, w.client, sql, w.names)
	failure := text.Statements[0].Failure
	if failure != nil && failure.Code == codeRefused {
		if failure.Node == "unproven" {
			t.Errorf("%s\nis not proved", sql)
		}
		return false, true
	}
	if failure != nil {
		if want.Error == "" {
			t.Errorf("%s\n=> fails with %v, but not in the client's database", sql, failure)
		}
		return false, false
	}
	got, results := runAny(t, w.server, text.SQL, w.serverNames())
	sort.Strings(want.Rows)
	sort.Strings(got.Rows)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n=> %s\nbehaves otherwise (-client's database +rewritten):\n%s", sql, text.SQL, diff)
	}
	if got.Error == "" {
		w.checkPrediction(t, text, results)
	}
	return want.Error == "", false
}

func TestStatementsMadeAtRandomBehaveTheSame(t *testing.T) {
	t.Parallel()
	count := 250
	if n, err := strconv.Atoi(os.Getenv("SEGUE_TEST_STATEMENTS")); err == nil {
		count = n // for a longer hunt
	}
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, version)
			ran, refused := 0, 0
			for seed := range count {
				m := &statementMaker{Rand: rand.New(rand.NewPCG(randomSeed, uint64(seed))), names: w.names}
				sql := ""
				if m.chance(25) {
					sql = m.write()
				} else {
					sql, _ = m.query(nil, nil)
				}
				r, f := w.checkAny(t, sql)
				if r {
					ran++
				}
				if f {
					refused++
				}
			}
			t.Logf("%d of %d statements ran, %d were refused", ran, count, refused)
			if ran < count/4 {
				t.Errorf("only %d of %d statements ran", ran, count)
			}
		})
	}
}

// randomSeed is the same in every run, so that a failure comes again.
const randomSeed = 3
