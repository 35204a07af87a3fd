package rewrite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rewrite/wording"
)

// oidAliasSchema has what keeps, takes and returns OIDs by names, besides introspectionSchema.
const oidAliasSchema = `
CREATE FUNCTION takes(r regclass, t text DEFAULT 'x') RETURNS text LANGUAGE sql AS 'SELECT $1::oid::text || $2';
CREATE FUNCTION takes_type(r regtype) RETURNS text LANGUAGE sql AS 'SELECT $1::oid::text';
CREATE FUNCTION takes_many(VARIADIC r regclass[]) RETURNS int LANGUAGE sql AS 'SELECT cardinality($1)';
CREATE FUNCTION gives(t oid) RETURNS regclass LANGUAGE sql AS 'SELECT $1::regclass';
CREATE FUNCTION either(r regclass) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION either(r int) RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE FUNCTION short(p individual) RETURNS text LANGUAGE sql AS 'SELECT ''s''';
CREATE TABLE refs (k int PRIMARY KEY, r regclass, t regtype, ra regclass[], n name, p regprocedure);
INSERT INTO refs SELECT 1, 'individual', 'individual', '{individual,orders}', 'individual', 'short(individual)';
INSERT INTO refs SELECT 2, 'orders', 'int', '{orders}', 'orders', 'now()';
CREATE DOMAIN dreg AS regclass;
CREATE TABLE refd (k int, d dreg);
CREATE TYPE comp AS (r regclass, n int);
CREATE TABLE refc (k int, c comp);
`

// seen is all that a client sees of a text that is run in a transaction of its own: labels, rows and tags, or the error.
func (d *introspected) seen(t testing.TB, sql string, text *Text) string {
	t.Helper()
	ctx := context.Background()
	sent := sql
	if text != nil {
		sent = text.SQL
	}
	if _, err := d.conn.Exec(ctx, "BEGIN"); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = d.conn.Exec(ctx, "ROLLBACK") }()
	results, err := d.conn.PgConn().Exec(ctx, sent).ReadAll()
	var b strings.Builder
	for _, r := range results {
		for _, f := range r.FieldDescriptions {
			b.WriteString(f.Name + ", ")
		}
		b.WriteString(r.CommandTag.String() + "\n")
		for _, row := range r.Rows {
			fmt.Fprintf(&b, "%q\n", row)
		}
	}
	var failure *pgconn.PgError
	if errors.As(err, &failure) {
		r := &wording.Report{Code: failure.Code, Routine: failure.Routine, Message: failure.Message, Detail: failure.Detail, Hint: failure.Hint,
			Where: failure.Where, Schema: failure.SchemaName, Table: failure.TableName, Column: failure.ColumnName, Position: int(failure.Position)}
		if text != nil {
			text.Reword(r)
			if f := text.FailureAt(failure.Code, failure.Message, int(failure.Position)); f != nil {
				r.Code, r.Message, r.Detail, r.Hint, r.Position = f.Code, f.Message, f.Detail, f.Hint, f.Position
			}
		}
		fmt.Fprintf(&b, "%s %s at %d\nDETAIL %s\nHINT %s\nCONTEXT %s", r.Code, r.Message, r.Position, r.Detail, r.Hint, r.Where)
	} else if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// sameForVersions runs queries directly in a database with the names of base, as v in that database, directly after the
// renames, and as base after them, and demands that each version sees the same both ways.
func sameForVersions(t *testing.T, setup string, queries []string) {
	t.Helper()
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, introspectionSchema, setup)
	d := &introspected{conn: pgtest.Connect(t, url)}
	direct := map[string][]string{}
	asVersion := func(version string, queries []string) (out, sent []string) {
		d.as(t, version)
		for _, q := range queries {
			sql := inNamesOf(version, q)
			text := d.rewritten(t, sql)
			if len(text.Statements) == 1 && text.Statements[0].Failure == nil && !text.Verified() {
				d.verify(t, sql, text)
			}
			out, sent = append(out, d.seen(t, sql, text)), append(sent, text.SQL)
		}
		return out, sent
	}
	for _, q := range queries {
		direct["base"] = append(direct["base"], d.seen(t, inNamesOf("base", q), nil))
	}
	gotV, sentV := asVersion("v", queries)
	pgtest.Exec(t, url, introspectionRenames)
	for _, q := range queries {
		direct["v"] = append(direct["v"], d.seen(t, inNamesOf("v", q), nil))
	}
	gotBase, sentBase := asVersion("base", queries)
	for i, q := range queries {
		for _, tt := range []struct{ version, got, sent string }{{"v", gotV[i], sentV[i]}, {"base", gotBase[i], sentBase[i]}} {
			if diff := cmp.Diff(direct[tt.version][i], tt.got); diff != "" {
				t.Errorf("%s\n=> %s\nis seen otherwise (-in a database with the version's names +as the version):\n%s", inNamesOf(tt.version, q), tt.sent, diff)
			}
		}
	}
}

func TestAConstantThatIsANameByItsContextIsTheVersions(t *testing.T) {
	sameForVersions(t, oidAliasSchema, oidsByContext)
}

func TestWhatIsPrintedOfAnOIDIsTheVersionsName(t *testing.T) {
	sameForVersions(t, oidAliasSchema, printedOIDs)
}
