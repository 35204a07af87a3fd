package resolve

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/change"
)

// A Problem is what is wrong with one expression of a change.
type Problem struct {
	Direction string // "up", "down" or "down_fail"
	Column    string // the one that the expression makes, by its name in its version; "" for the condition of down_fail
	Position  int    // 1-based, in characters of the expression; 0 where it is not known
	Message   string
	Hint      string
}

func (p *Problem) Error() string {
	s := p.Direction
	if p.Column != "" {
		s += " of " + p.Column
	}
	s += ": " + p.Message
	if p.Hint != "" {
		s += " (" + p.Hint + ")"
	}
	return s
}

// A Beginner begins transactions: a connection, or a pool.
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// errDone ends the transaction in which everything is looked up.
var errDone = errors.New("nothing of this stays")

// Expressions returns the change with its expressions as the server prints them, everything outside of pg_catalog qualified;
// with the settings that they depend on; and with what they allow. Names mean what they mean with the table's schema and public
// as the search path. The error is a *Problem where an expression is wrong, or depends on what it must not depend on.
func Expressions(ctx context.Context, db Beginner, c change.Change) (change.Change, error) {
	if c.Alias == "" {
		c.Alias = c.Table.Name
	}
	_, err := change.Compile(c) // what can be said without a server
	if err != nil {
		return c, err
	}
	tx, err := db.Begin(ctx)
	if err != nil {
		return c, err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	r := &resolver{ctx: ctx, tx: tx, c: c, pins: maps.Clone(c.Pins), inline: len(c.Reads) == 0}
	if r.pins == nil {
		r.pins = map[string]string{}
	}
	if err := r.prepare(); err != nil {
		return c, err
	}
	if c.Up, err = r.side("up", c.Up, c.New, newTable, oldTable); err != nil {
		return c, err
	}
	c.UpKeepsNull = r.nulls
	if c.Down, err = r.side("down", c.Down, c.Old, oldTable, newTable); err != nil {
		return c, err
	}
	c.DownKeepsNull = r.nulls
	if f := c.DownFail; f != nil {
		resolved := change.DownFail{}
		if resolved.Then, err = r.side("down_fail", f.Then, c.Old, oldTable, newTable); err != nil {
			return c, err
		}
		condition := change.Column{Type: "boolean"}
		if resolved.When, err = r.expression("down_fail", f.When, condition, conditionTable, newTable); err != nil {
			return c, err
		}
		c.DownFail = &resolved
	}
	for _, col := range slices.Concat(c.Old, c.New) {
		r.inline = r.inline && comparable(col)
	}
	c.Inline, c.Pins = r.inline && len(r.pins) == 0, r.pins
	return c, nil
}

// comparable reports whether a cast to the column's type is as an assignment to it. To char(n) and bit(n) it cuts.
func comparable(col change.Column) bool {
	return !strings.HasPrefix(col.Type, "character(") && !strings.HasPrefix(col.Type, "bit(")
}

// The tables that stand for the sides of the change.
const (
	oldTable       = `segue."_segue_resolve_old"`
	newTable       = `segue."_segue_resolve_new"`
	conditionTable = `segue."_segue_resolve_condition"`
	view           = `segue."_segue_resolve"`
)

// A resolver resolves the expressions of one change in one transaction.
type resolver struct {
	ctx    context.Context
	tx     pgx.Tx
	c      change.Change
	pins   map[string]string
	inline bool
	nulls  bool // every expression of the side is NULL exactly where a column is that it reads
	reads  []uint32
}

// prepare makes the tables, and looks up what the change says that it reads.
func (r *resolver) prepare() error {
	if err := r.lookIn(r.c.Table.Schema, "public"); err != nil {
		return err
	}
	for _, sql := range []string{
		standIn(oldTable, r.c.Old), standIn(newTable, r.c.New), standIn(conditionTable, []change.Column{{Type: "boolean"}}),
	} {
		if _, err := r.tx.Exec(r.ctx, sql); err != nil {
			return err
		}
	}
	for name, value := range r.pins {
		if _, err := r.tx.Exec(r.ctx, "SELECT pg_catalog.set_config($1, $2, true)", name, value); err != nil {
			return fmt.Errorf("the setting %s: %w", name, err)
		}
	}
	for _, name := range r.c.Reads {
		var oid *uint32
		if err := r.tx.QueryRow(r.ctx, "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid", name).Scan(&oid); err != nil {
			return err
		}
		if oid == nil {
			return &Problem{Direction: "reads", Message: "there is no table " + name}
		}
		r.reads = append(r.reads, *oid)
	}
	return nil
}

// standIn makes a table that stands for a side.
func standIn(name string, side []change.Column) string {
	var columns []string
	for _, col := range side {
		c := quote(col.Name) + " " + col.Type
		if col.Name == "" {
			c = "x " + col.Type
		}
		if col.Collation != "" {
			c += " COLLATE " + col.Collation
		}
		columns = append(columns, c)
	}
	return "CREATE TABLE " + name + " (" + strings.Join(columns, ", ") + ")"
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// side resolves the expressions that make one side.
func (r *resolver) side(direction string, m change.Map, to []change.Column, target, source string) (change.Map, error) {
	out := change.Map{}
	r.nulls = true
	for _, col := range to {
		text, err := r.expression(direction, m[col.Name], col, target, source)
		if err != nil {
			return nil, err
		}
		out[col.Name] = text
	}
	return out, nil
}
