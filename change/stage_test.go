package change_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/internal/pgtest"
)

// A stage is a table with a change under way.
type stage struct {
	t    testing.TB
	url  string
	conn *pgx.Conn
	c    *change.Compiled
}

// money is cents, an int, that become amount, a numeric.
func money() change.Change {
	return change.Change{
		Key: "1_1", Table: change.Name{Schema: "public", Name: "orders"},
		Old:    []change.Column{{Name: "cents", Type: "integer"}},
		New:    []change.Column{{Name: "amount", Type: "numeric(12,2)"}},
		Up:     change.Map{"amount": "cents / 100.0"},
		Down:   change.Map{"cents": "(amount * 100)::integer"},
		Inline: true,
	}
}

// names is full_name that becomes first and last; down(up(x)) differs where there are spaces elsewhere.
func names() change.Change {
	return change.Change{
		Key: "2_1", Table: change.Name{Schema: "public", Name: "people"},
		Old: []change.Column{{Name: "full_name", Type: "text", Default: "''", Constant: true}},
		New: []change.Column{{Name: "first", Type: "text"}, {Name: "last", Type: "text"}},
		Up: change.Map{
			"first": "split_part(full_name, ' ', 1)",
			"last":  "substr(full_name, length(split_part(full_name, ' ', 1)) + 2)",
		},
		Down:  change.Map{"full_name": "first || ' ' || last"},
		Lossy: true, Inline: true,
	}
}

// expanded is a stage on which the change has been expanded. The statements come before it.
func expanded(t testing.TB, d change.Change, options []change.Option, before ...string) *stage {
	t.Helper()
	c, err := change.Compile(d, options...)
	if err != nil {
		t.Fatal(err)
	}
	url := pgtest.Database(t)
	pgtest.Exec(t, url, "CREATE SCHEMA segue")
	pgtest.Exec(t, url, before...)
	s := &stage{t: t, url: url, conn: pgtest.Connect(t, url), c: c}
	s.run(c.Expand())
	return s
}

// run runs the statements of a transition in one transaction.
func (s *stage) run(statements []string) {
	s.t.Helper()
	err := pgx.BeginFunc(context.Background(), s.conn, func(tx pgx.Tx) error {
		for _, sql := range statements {
			if _, err := tx.Exec(context.Background(), sql); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// exec runs a statement in which MARK stands for the marker, and FLIP for its expression.
func (s *stage) exec(sql string) error {
	_, err := s.conn.Exec(context.Background(), s.spelled(sql))
	return err
}

func (s *stage) spelled(sql string) string {
	sql = strings.ReplaceAll(sql, "FLIP", s.c.Flip(""))
	return strings.ReplaceAll(sql, "MARK", `"`+s.c.Marker()+`"`)
}

// rows is what a query gives, as text: values by |, rows by a comma.
func (s *stage) rows(sql string) string {
	s.t.Helper()
	result := s.conn.PgConn().ExecParams(context.Background(), s.spelled(sql), nil, nil, nil, nil).Read()
	if result.Err != nil {
		s.t.Fatalf("%s: %v", sql, result.Err)
	}
	var out []string
	for _, r := range result.Rows {
		values := make([]string, len(r))
		for i, v := range r {
			values[i] = string(v)
			if v == nil {
				values[i] = "NULL"
			}
		}
		out = append(out, strings.Join(values, "|"))
	}
	return strings.Join(out, ", ")
}
