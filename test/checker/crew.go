package checker

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/test/checker/proof"
	"github.com/seguedb/segue/test/checker/wal"
)

// A Crew is the clients of one table whose columns or names a migration of Segue's changes. Those that go through an instance
// write what their version knows, and nothing else: no codes and no flips. Those past the proxy write to the names that the
// database has. Members are added before any of them works.
type Crew struct {
	Migration *Migration

	seed     uint64
	history  *proof.History
	sides    [2]*table // as the versions know the table
	past     *table    // as the database has it
	sparing  atomic.Bool
	lenience lenience
	members  int
	rows     int64 // that were there from the start
}

// NewCrew is a crew without members, for a table that begins with so many rows.
func NewCrew(m *Migration, rows int64, seed uint64) *Crew {
	c := &Crew{Migration: m, seed: seed, rows: rows, history: proof.NewHistory()}
	fresh := new(atomic.Int64)
	fresh.Store(rows)
	c.lenience.now = c.history.Now
	for _, side := range []proof.Side{proof.Old, proof.New} {
		c.sides[side] = &table{Shape: m.shape, keys: min(rows, livelyRows), fresh: fresh, sparing: &c.sparing}
		s := &state{name: m.tables[side], lens: proof.Lens{Rule: m.shape.Name}}
		s.lens.Columns[side] = m.shape.Rule.Columns[side]
		s.serves[side] = true
		c.sides[side].state.Store(s)
	}
	c.past = &table{Shape: m.shape, keys: min(rows, livelyRows), fresh: fresh, sparing: &c.sparing}
	c.Learn(Standing{}, 0)
	return c
}

// livelyRows is how many of the rows are written; the others are there to be filled.
const livelyRows = 200

// Create are the statements that make the table, in an empty database.
func (c *Crew) Create() []string {
	return append([]string{trap}, c.Migration.shape.create()...)
}

// Load puts in the rows that are there from the start, as one operation of the old version.
func (c *Crew) Load(ctx context.Context, url string, rows int64) error {
	session, err := connect(ctx, url, "load", c.source(), c.history)
	if err != nil {
		return err
	}
	defer session.close()
	w := &worker{client: session, table: c.past, side: proof.Old}
	tuples := make(map[string]proof.Tuple, rows)
	op := w.op(nil)
	op.Effect = func(id string, _ proof.Tuple) proof.Tuple { return tuples[id] }
	sql := w.table.writer(proof.Old, Plain)
	var columns, values []string
	for id := int64(1); id <= rows; id++ {
		t := w.table.Values(w.rand, proof.Old)
		tuples[fmt.Sprint(id)] = t
		var row []string
		columns, row = sql.values(id, t, op.ID)
		values = append(values, "("+strings.Join(append(row, "repeat('n', 300)"), ", ")+")")
	}
	return w.once(ctx, op, fmt.Sprintf("INSERT INTO %s AS t (%s, note) VALUES %s", w.table.table(), strings.Join(columns, ", "), strings.Join(values, ", ")))
}

// source is a source of choices for the next client.
func (c *Crew) source() *rand.Rand {
	c.members++
	return rand.New(rand.NewPCG(c.seed, uint64(c.members)))
}

// Learn tells those past the proxy what the database has. It was seen at some moment since began.
func (c *Crew) Learn(s Standing, began time.Duration) {
	c.lenience.look(s.Stage() == rules.Filling, began)
	lens, phase := c.Migration.lens(s)
	last := c.past.state.Load()
	name := c.Migration.tableAt(s)
	if last != nil && last.phase == phase && last.name == name && slices.Equal(last.lens.Columns[proof.New], lens.Columns[proof.New]) {
		return
	}
	now := &state{phase: phase, lens: lens, name: name}
	now.serves[proof.Old] = c.Migration.Renames() || phase < contracted || phase == withdrawn
	now.serves[proof.New] = c.Migration.Renames() || phase >= served && phase != withdrawn
	c.past.state.Store(now)
}

// Here is the table as it was called in the database a moment ago.
func (c *Crew) Here() string { return c.past.table() }

// Prove compares what was committed with what the members meant and saw.
func (c *Crew) Prove(committed []wal.Transaction) ([]proof.Anomaly, error) {
	told, err := c.Migration.tell(committed)
	if err != nil {
		return nil, err
	}
	rule := c.Migration.shape.Rule
	if c.Migration.shape.Defer {
		rule.Excuses = c.lenience.excuses
	}
	return proof.Prove([]*proof.Rule{&rule}, c.history, told), nil
}

// Spare has clients correct rows for which up cannot be computed, and make no others; or has them make some again.
func (c *Crew) Spare(on bool) { c.sparing.Store(on) }

// Spares reports which of it they do.
func (c *Crew) Spares() bool { return c.sparing.Load() }

// Unlisted is a query for what is wrong with the list of rows that are left for later, once a pass over the table is over: what is left out
// of it, is in it without need, or has a value. It is about the rows that nobody writes unless he corrects them. Nothing: all is well.
func (c *Crew) Unlisted(s Standing) string {
	lens, _ := c.Migration.lens(s)
	code := ident(lens.Columns[proof.Old][0])
	spoilt := fmt.Sprintf("(t.%s LIKE '%s%%' OR t.%s IS NULL)", code, unknown, code)
	return fmt.Sprintf("SELECT concat_ws(' ', t.id, t.%s, t.%s, l.row_key, l.sqlstate, l.message) FROM %s AS t "+
		"FULL JOIN (SELECT substring(row_key FROM 'id=([0-9]+)')::bigint AS id, * FROM segue.deferred WHERE row_key IS NOT NULL) AS l ON l.id = t.id "+
		"WHERE coalesce(t.id, l.id) BETWEEN %d AND %d AND ((t.%s = 0) IS DISTINCT FROM (l.id IS NOT NULL) OR %s IS DISTINCT FROM (l.id IS NOT NULL) OR "+
		"l.sqlstate <> CASE WHEN t.%s IS NULL THEN '23502' ELSE '22P02' END OR position('%s' IN l.message) > 0) LIMIT 1",
		code, ident(lens.Marker), c.Here(), livelyRows+10, c.rows, ident(lens.Marker), spoilt, code, unknown)
}

// Blind says that for a while nobody looks at the database.
func (c *Crew) Blind() { c.lenience.look(false, 0) }

// Summary counts what became of the operations.
func (c *Crew) Summary() string { return c.history.Summary() }

// Shape is the name of the kind of change.
func (m *Migration) Shape() string { return m.shape.Name }

// Tables are those that hold rows, as the old version calls them.
func (m *Migration) Tables() []string { return m.shape.tables() }

// Table is the table as the old or the new version calls it.
func (m *Migration) Table(side proof.Side) string { return m.tables[side] }

// A Migration is a rule file with what the checker knows of the table.
type Migration struct {
	shape  *Shape
	tables [2]string // of the versions
}

// Migrations are one of each kind that Segue takes.
func Migrations() []*Migration {
	var out []*Migration
	for _, s := range []*Shape{money(), renamed(), repriced(), moving(), names(), parts(), capped(), bins()} {
		m := &Migration{shape: s, tables: [2]string{s.table(), s.table()}}
		if s.Name == "renamed" {
			m.tables[proof.New] += "_anew"
		}
		out = append(out, m)
	}
	return out
}

// Defers reports whether rows are left for later for which up cannot be computed.
func (m *Migration) Defers() bool { return m.shape.Defer }

// Renames reports whether the migration changes names only.
func (m *Migration) Renames() bool { return m.tables[proof.Old] != m.tables[proof.New] }

// RuleFile is the file by which Segue is told.
func (m *Migration) RuleFile(id string) []byte {
	s := m.shape
	old, renewed := s.Rule.Columns[proof.Old], s.Rule.Columns[proof.New]
	operations := []any{map[string]any{"rename_column": map[string]string{"table": m.tables[proof.Old], "from": old[0], "to": renewed[0]}},
		map[string]any{"rename_table": map[string]string{"from": m.tables[proof.Old], "to": strings.TrimPrefix(m.tables[proof.New], "public.")}}}
	if !m.Renames() {
		c := s.change()
		var to []any
		for _, col := range c.New {
			column := map[string]any{"name": col.Name, "type": col.Type}
			if col.Default != "" {
				column["default"] = col.Default
			}
			if col.NotNull {
				column["not_null"] = true
			}
			to = append(to, column)
		}
		operation := map[string]any{"table": m.tables[proof.Old], "from": old, "to": to, "up": maps.Clone(c.Up), "down": maps.Clone(c.Down)}
		if c.Lossy {
			operation["lossy"] = true
		}
		if c.Defer {
			operation["on_error"] = "defer"
		}
		if c.DownFail != nil {
			operation["down_fail"] = map[string]string{"when": c.DownFail.When, "value": c.DownFail.Then[old[0]]}
		}
		if c.NullOK {
			operation["null_ok"] = true
		}
		operations = []any{map[string]any{"change_columns": operation}}
	}
	text, err := json.Marshal(map[string]any{"id": id, "contract_after": "0s", "operations": operations})
	if err != nil {
		panic(err) // strings can be marshalled
	}
	return text
}
