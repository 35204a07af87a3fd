package test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A transcript is what a pgx client saw, as text that can be compared with another's.
type transcript struct {
	strings.Builder
	conn *pgx.Conn
	env  *env
}

// names puts the version's names into a statement: $t is the table, $c the column.
func (s *transcript) names(sql string) string {
	return strings.NewReplacer("$t", s.env.Table, "$c", s.env.Column).Replace(sql)
}

// query runs one statement and writes down labels, types, rows, tag and error.
func (s *transcript) query(sql string, args ...any) {
	rows, err := s.conn.Query(context.Background(), s.names(sql), args...)
	fmt.Fprintf(s, "%s %v\n", sql, args)
	if err == nil {
		s.rows(rows)
	}
	s.error(err)
}

func (s *transcript) rows(rows pgx.Rows) {
	defer rows.Close()
	for i := 0; rows.Next(); i++ {
		if i == 0 {
			s.fields(rows.FieldDescriptions())
		}
		values, err := rows.Values()
		s.error(err)
		fmt.Fprintln(s, "  ", values)
	}
	rows.Close()
	fmt.Fprintln(s, "  ", rows.CommandTag())
	s.error(rows.Err())
}

func (s *transcript) fields(fields []pgconn.FieldDescription) {
	for _, f := range fields {
		fmt.Fprintf(s, "   %s: type %d, typmod %d, column %d, of a table %t\n",
			f.Name, f.DataTypeOID, f.TypeModifier, f.TableAttributeNumber, f.TableOID != 0)
	}
}

// error writes down all that a client may look at, but the place in PostgreSQL's source.
func (s *transcript) error(err error) {
	if err == nil {
		return
	}
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		fmt.Fprintln(s, "   error", err)
		return
	}
	fmt.Fprintf(s, "   %s %s: %s at %d, detail %q, hint %q, where %q, table %q, column %q, constraint %q\n", pg.Severity, pg.Code,
		pg.Message, pg.Position, pg.Detail, pg.Hint, pg.Where, pg.TableName, pg.ColumnName, pg.ConstraintName)
}
