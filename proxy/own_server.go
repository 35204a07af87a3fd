package proxy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite/charset"
)

// An ownServer runs queries on the session's own server, unseen by the client. It implements catalog.Querier.
type ownServer struct {
	s   *session
	err error // what to tell the client, or why the session must end, when a query has failed
}

var _ catalog.Querier = (*ownServer)(nil)

// Query implements catalog.Querier. All rows are read before it returns.
func (o *ownServer) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	params := make([][]byte, len(args))
	for i, a := range args {
		params[i] = fmt.Append(nil, a)
	}
	g := ownQuery(serial(sql), true, params...)
	err := o.s.exchange(g)
	if err != nil {
		o.err = err
		return nil, err
	}
	rows := &ownRows{encoding: o.s.state.session.Encoding, bodies: g.rows, types: pgtype.NewMap()}
	if rows.fields, err = wire.DecodeRowDescription(nil, g.description); err != nil {
		return nil, err
	}
	return rows, nil
}

// serial is a query that the planner runs without parallel workers, because of a function that must not run in one, though
// it is never called (max_parallel_hazard in clauses.c). Where a session's settings make workers look free, each row of a
// query on the catalogs can start some.
func serial(sql string) string {
	const unsafe = "_serial AS (SELECT pg_catalog.lastval())"
	sql = strings.TrimSpace(sql)
	for _, with := range []string{"WITH RECURSIVE ", "WITH "} {
		if rest, ok := strings.CutPrefix(sql, with); ok {
			return with + unsafe + ", " + rest
		}
	}
	return "WITH " + unsafe + " " + sql
}

// ownRows are the rows of one answer. It implements pgx.Rows as far as package catalog needs it.
type ownRows struct {
	encoding string
	fields   []wire.Field
	bodies   [][]byte
	row      [][]byte
	types    *pgtype.Map
	err      error
}

func (r *ownRows) Next() bool {
	if r.err != nil || len(r.bodies) == 0 {
		return false
	}
	r.row, r.err = wire.DecodeDataRow(r.row, r.bodies[0])
	r.bodies = r.bodies[1:]
	return r.err == nil
}

func (r *ownRows) Scan(dest ...any) error {
	if len(dest) != len(r.row) || len(dest) != len(r.fields) {
		return errors.New("the row has another number of columns")
	}
	for i, d := range dest {
		value := r.row[i]
		if value != nil {
			text, ok := charset.Decode(r.encoding, string(value))
			if !ok {
				return fmt.Errorf("a name cannot be read in the encoding %s", r.encoding)
			}
			value = []byte(text)
		}
		if err := r.types.Scan(r.fields[i].Type, pgtype.TextFormatCode, value, d); err != nil {
			return err
		}
	}
	return nil
}

func (r *ownRows) Err() error                                   { return r.err }
func (r *ownRows) Close()                                       {}
func (r *ownRows) CommandTag() pgconn.CommandTag                { return pgconn.CommandTag{} }
func (r *ownRows) FieldDescriptions() []pgconn.FieldDescription { return nil }
func (r *ownRows) Values() ([]any, error)                       { return nil, errors.ErrUnsupported }
func (r *ownRows) RawValues() [][]byte                          { return r.row }
func (r *ownRows) Conn() *pgx.Conn                              { return nil }
func (r *ownRows) TypeMap() *pgtype.Map                         { return r.types }
