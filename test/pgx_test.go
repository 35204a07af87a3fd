package test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// execModes are all ways in which pgx runs a statement.
var execModes = []pgx.QueryExecMode{
	pgx.QueryExecModeCacheStatement,
	pgx.QueryExecModeCacheDescribe,
	pgx.QueryExecModeDescribeExec,
	pgx.QueryExecModeExec,
	pgx.QueryExecModeSimpleProtocol,
}

func TestPgxSeesTheSchemaOfItsVersionInEachExecMode(t *testing.T) {
	t.Parallel()
	inEachStage(t, func(t *testing.T, e *env) {
		for _, mode := range execModes {
			t.Run(mode.String(), func(t *testing.T) {
				e.same(t, func(connString string) string {
					s := &transcript{conn: dial(t, connString, mode), env: e}
					// Each mode finds the rows as the one before has found them.
					tx, err := s.conn.Begin(context.Background())
					if err != nil {
						t.Fatal(err)
					}
					s.statements()
					if err := tx.Rollback(context.Background()); err != nil {
						t.Error(err)
					}
					s.errors()
					s.batches(mode)
					return s.String()
				})
			})
		}
	})
}

// statements runs what works; ids of new rows are given, because a sequence does not roll back.
func (s *transcript) statements() {
	s.query("SELECT * FROM $t WHERE id < $1::bigint ORDER BY id", int64(3))
	s.query("SELECT p.*, o.item, p.$c FROM $t AS p JOIN orders o ON o.person_id = p.id WHERE p.$c = $1 ORDER BY o.id", "Lovelace")
	s.query("SELECT $t.$c, (SELECT count(*) FROM orders WHERE person_id = $t.id) FROM $t ORDER BY $t.$c DESC")
	s.query("INSERT INTO $t (id, first_name, $c) VALUES ($1, $2, $3) RETURNING *", int64(100), "Alan", "Turing")
	s.query("INSERT INTO $t VALUES ($1, $2, $3) ON CONFLICT ON CONSTRAINT individual_key DO UPDATE SET $c = EXCLUDED.$c || $t.$c RETURNING $c",
		int64(100), "Alan", "Mathison ")
	s.query("UPDATE $t SET $c = $1 WHERE $c = $2", "King", "Lovelace")
	s.query("UPDATE $t p SET ($c, city) = (SELECT $c || '?', item FROM orders JOIN $t q ON q.id = person_id WHERE q.id = p.id LIMIT 1) WHERE id = 1 RETURNING p.$c")
	s.query("DELETE FROM $t WHERE $c = ANY($1)", []string{"Turing", "Mathison Turing"})
	s.query("SELECT $c FROM $t WHERE first_name = $1 ORDER BY 1", "Ada")
	s.query("WITH moved AS (UPDATE $t SET $c = upper($c) RETURNING id, $c) SELECT m.$c, m.id FROM moved m ORDER BY m.id")
}

// errors runs what fails, each in a transaction of its own.
func (s *transcript) errors() {
	s.query("SELECT nonsense FROM $t")
	s.query("SELECT x.$c FROM $t WHERE id = 1")
	s.query("SELECT $c, $c + 1 FROM $t")
	s.query("INSERT INTO $t (first_name, $c) VALUES ('Nobody', '')")
	s.query("UPDATE $t SET $c = NULL WHERE id = 2")
	s.query("DELETE FROM $t WHERE $c = 'Hopper'")
	s.query("SELECT * FROM")
	s.query("SELECT $c FROM $t WHERE id = 2")
	s.query("INSERT INTO orders (person_id, item) VALUES (999, 'for nobody')")
	s.query("INSERT INTO orders (person_id, item) SELECT 999, '$t'")
	s.query("UPDATE orders SET person_id = 999")
}

// batches runs several statements in one pipeline, one of which fails.
func (s *transcript) batches(mode pgx.QueryExecMode) {
	ctx := context.Background()
	for _, bad := range []string{"SELECT 1", "SELECT 1/0 FROM $t"} {
		b := &pgx.Batch{}
		b.Queue(s.names("SELECT $c FROM $t WHERE id = $1"), int64(2))
		b.Queue(s.names("UPDATE $t SET $c = $c WHERE id = $1 RETURNING $c, id"), int64(1))
		b.Queue(s.names(bad))
		b.Queue(s.names("SELECT count(*) FROM $t"))
		fmt.Fprintln(s, "batch", mode)
		results := s.conn.SendBatch(ctx, b)
		for range b.Len() {
			rows, err := results.Query()
			if err == nil {
				s.rows(rows)
			}
			s.error(err)
		}
		s.error(results.Close())
	}
}

func TestPgxCopiesBothWays(t *testing.T) {
	t.Parallel()
	inEachStage(t, func(t *testing.T, e *env) {
		e.same(t, func(connString string) string {
			ctx := context.Background()
			s := &transcript{conn: dial(t, connString, pgx.QueryExecModeCacheStatement), env: e}
			people := [][]any{{"Alan", "Turing"}, {"John", "Backus"}, {"Kristen", "Nygaard"}}
			n, err := s.conn.CopyFrom(ctx, pgx.Identifier{e.Table}, []string{"first_name", e.Column}, pgx.CopyFromRows(people))
			fmt.Fprintln(s, "copied", n)
			s.error(err)
			n, err = s.conn.CopyFrom(ctx, pgx.Identifier{"public", e.Table}, []string{"first_name", e.Column}, pgx.CopyFromRows([][]any{{"Nobody", ""}}))
			fmt.Fprintln(s, "copied", n)
			s.error(err)
			for _, sql := range []string{"COPY $t TO STDOUT", "COPY $t ($c) TO STDOUT (FORMAT csv, HEADER)", "COPY $t (nothing) TO STDOUT"} {
				tag, err := s.conn.PgConn().CopyTo(ctx, s, s.names(sql))
				fmt.Fprintln(s, sql, tag)
				s.error(err)
			}
			return s.String()
		})
	})
}

func TestOnePipelineWithSeveralSyncs(t *testing.T) {
	t.Parallel()
	inEachStage(t, func(t *testing.T, e *env) {
		e.same(t, func(connString string) string {
			s := &transcript{conn: dial(t, connString, pgx.QueryExecModeExec), env: e}
			p := s.conn.PgConn().StartPipeline(context.Background())
			p.SendPrepare("kept", s.names("SELECT $c FROM $t WHERE id = $1"), nil)
			p.SendQueryPrepared("kept", [][]byte{[]byte("1")}, nil, nil)
			p.SendPipelineSync()
			p.SendQueryParams(s.names("UPDATE $t SET $c = 'lost' WHERE id = $1"), [][]byte{[]byte("1")}, nil, nil, nil)
			p.SendQueryParams(s.names("SELECT $c / 0 FROM $t"), nil, nil, nil, nil)
			p.SendQueryPrepared("kept", [][]byte{[]byte("2")}, nil, nil)
			p.SendPipelineSync()
			p.SendQueryParams(s.names("INSERT INTO orders (person_id, item) SELECT id, $c FROM $t WHERE id = 2 RETURNING id, item"), nil, nil, nil, nil)
			p.SendQueryPrepared("kept", [][]byte{[]byte("1")}, nil, nil)
			p.SendFlushRequest()
			p.SendDeallocate("kept")
			p.SendPipelineSync()
			p.SendQueryPrepared("kept", [][]byte{[]byte("1")}, nil, nil)
			p.SendPipelineSync()
			if err := p.Flush(); err != nil {
				t.Fatal(err)
			}
			s.results(p)
			s.error(p.Close())
			return s.String()
		})
	})
}

// results reads a pipeline to its end.
func (s *transcript) results(p *pgconn.Pipeline) {
	for {
		results, err := p.GetResults()
		s.error(err)
		switch r := results.(type) {
		case nil:
			if err == nil {
				return
			}
			if _, ok := err.(*pgconn.PgError); !ok {
				return
			}
		case *pgconn.ResultReader:
			s.fields(r.FieldDescriptions())
			for r.NextRow() {
				fmt.Fprintf(s, "   %q\n", r.Values())
			}
			tag, err := r.Close()
			fmt.Fprintln(s, "  ", tag)
			s.error(err)
		default:
			fmt.Fprintf(s, "   %T\n", r)
		}
	}
}
