package rewrite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"pgregory.net/rapid"

	"github.com/seguedb/segue/catalog"
)

// A statement is what the twins are given.
type statement struct {
	sql      string
	params   []string // of the extended protocol; nil with the simple one
	extended bool
	copyIn   string // what is sent when the statement is COPY FROM STDIN
	ordered  bool   // the order of the rows is defined
	writes   bool
	schema   bool // changes the schema
}

// A result is all that a client sees of a statement.
type result struct {
	Labels  []string
	Types   []string
	Origins []string // table and column that RowDescription names
	Rows    []string
	Tag     string
	Failure pgconn.PgError
	Status  byte // of the transaction
}

// A tally counts what became of the statements.
type tally struct{ ran, failed, otherwise, refused int }

// try gives a statement to both and compares. What is refused is not given to the client's database.
func (w *twins) try(t rapid.TB, s statement, count *tally) {
	w.story = append(w.story, "> "+s.sql)
	if len(s.params) > 0 {
		w.story = append(w.story, fmt.Sprintf("  with %q", s.params))
	}
	got := w.run(t, w.proxied, s)
	if isRefusal(&got.Failure) {
		if strings.Contains(got.Failure.Message, "proved") {
			t.Fatalf("%s\n%v", w.tell(), &got.Failure)
		}
		count.refused++
		w.bothRollBack(t)
		return
	}
	want := w.run(t, w.client, s)
	if w.unpinned() && strings.HasPrefix(want.Failure.Code, "42") {
		w.bothRollBack(t) // another version may have had the name
		return
	}
	if want.Failure.Code == "" {
		count.ran++
	} else {
		count.failed++
	}
	if !s.ordered {
		slices.Sort(want.Rows)
		slices.Sort(got.Rows)
	}
	if want.Failure.Code != "" && got.Failure.Code != "" && otherMistake(&want.Failure, &got.Failure) {
		count.otherwise++ // of several mistakes another one was found first
		other := got.Failure
		got.Failure = want.Failure
		if os.Getenv("SEGUE_TEST_ERRORS") != "" {
			t.Logf("%s\n%s, and not %s", s.sql, other.Message, want.Failure.Message)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s\nbehaves otherwise (-client's database +renamed one):\n%s", w.tell(), diff)
	}
	if s.schema && want.Failure.Code == "" {
		w.reload(t)
	}
	if s.writes || w.dirty {
		w.dirty = got.Status != 'I'
		if !w.dirty {
			w.compareTables(t)
		}
	}
}

func (w *twins) tell() string { return strings.Join(w.story, "\n") }

// isRefusal tells apart what is refused here from what PostgreSQL does not support itself.
func isRefusal(e *pgconn.PgError) bool {
	return e.Code == "0A000" && strings.HasSuffix(e.File, ".go")
}

// otherMistake tells whether two errors speak of different places, or of different things.
func otherMistake(want, got *pgconn.PgError) bool {
	return want.Code != got.Code || want.Message != got.Message && want.Position != got.Position && want.Position > 0 && got.Position > 0
}

// bothRollBack ends what a statement has begun that only one of the twins was given.
func (w *twins) bothRollBack(t rapid.TB) {
	for _, conn := range []*pgx.Conn{w.client, w.proxied} {
		if conn.PgConn().TxStatus() != 'I' {
			w.run(t, conn, statement{sql: "ROLLBACK"})
		}
	}
	w.story = append(w.story, "(both rolled back)")
}

// run gives a statement to one of the twins.
func (w *twins) run(t rapid.TB, conn *pgx.Conn, s statement) (out result) {
	ctx := context.Background()
	var err error
	switch pg := conn.PgConn(); {
	case s.copyIn != "":
		var tag pgconn.CommandTag
		tag, err = pg.CopyFrom(ctx, strings.NewReader(s.copyIn), s.sql)
		out.Tag = tag.String()
	case strings.HasPrefix(s.sql, "COPY"):
		var b strings.Builder
		var tag pgconn.CommandTag
		tag, err = pg.CopyTo(ctx, &b, s.sql)
		out.Tag, out.Rows = tag.String(), strings.Split(b.String(), "\n")
	case s.extended:
		var values [][]byte
		for _, p := range s.params {
			values = append(values, []byte(p))
		}
		err = w.read(pg.ExecParams(ctx, s.sql, values, nil, nil, nil), conn, &out)
	default:
		all := pg.Exec(ctx, s.sql)
		for all.NextResult() {
			err = errors.Join(err, w.read(all.ResultReader(), conn, &out))
		}
		err = errors.Join(err, all.Close())
	}
	var failure *pgconn.PgError
	switch {
	case errors.As(err, &failure):
		out.Failure = *failure
		if !isRefusal(failure) {
			out.Failure.File, out.Failure.Line, out.Failure.Routine = "", 0, ""
		}
		out.Labels, out.Types, out.Origins, out.Rows = nil, nil, nil, nil
	case err != nil:
		t.Fatalf("%s\n%v", w.tell(), err)
	}
	out.Status = conn.PgConn().TxStatus()
	return out
}

// read takes one result in.
func (w *twins) read(r *pgconn.ResultReader, conn *pgx.Conn, out *result) error {
	for _, f := range r.FieldDescriptions() {
		out.Labels = append(out.Labels, f.Name)
		out.Types = append(out.Types, typeShown(f))
		out.Origins = append(out.Origins, w.origin(conn, f))
	}
	for r.NextRow() {
		out.Rows = append(out.Rows, fmt.Sprintf("%q", r.Values()))
	}
	tag, err := r.Close()
	out.Tag += tag.String() + ";"
	return err
}

// typeShown names a type; those that users have made have other numbers in the other database.
func typeShown(f pgconn.FieldDescription) string {
	if f.DataTypeOID >= 16384 {
		return "of its own"
	}
	return fmt.Sprint(f.DataTypeOID, " ", f.TypeModifier, " ", f.DataTypeSize)
}

// origin is the column of a table that a result's column is, in the numbers of the renamed database.
func (w *twins) origin(conn *pgx.Conn, f pgconn.FieldDescription) string {
	table := catalog.OID(f.TableOID)
	if conn == w.client {
		table = w.tables[table]
	} else if !w.known[table] {
		table = 0 // made by the session
	}
	if table == 0 {
		return ""
	}
	return fmt.Sprint(table, ".", f.TableAttributeNumber)
}

// compareTables compares what both databases hold.
func (w *twins) compareTables(t rapid.TB) {
	want, got := w.contents(t, w.original, w.originalDump), w.contents(t, w.renamed, w.renamedDump)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s\nthe tables differ (-client's database +renamed one):\n%s", w.tell(), diff)
	}
}

func (w *twins) contents(t rapid.TB, conn *pgx.Conn, sql string) (rows []string) {
	results, err := conn.PgConn().Exec(context.Background(), sql).ReadAll()
	if err != nil {
		t.Fatalf("%s\n%v", sql, err)
	}
	for _, row := range results[0].Rows {
		rows = append(rows, fmt.Sprintf("%s", row))
	}
	slices.Sort(rows)
	return rows
}

// dump makes the query for all rows of all tables that were there from the beginning.
func dump(cat *catalog.Catalog, oids []catalog.OID) string {
	var parts []string
	for i, oid := range oids {
		r := cat.Relation(oid)
		if r == nil || r.Kind != catalog.Table {
			continue
		}
		parts = append(parts, fmt.Sprintf("SELECT %d, x::text FROM ONLY %s.%s x", i, quoted(r.Schema), quoted(r.Name)))
	}
	return strings.Join(parts, " UNION ALL ")
}
