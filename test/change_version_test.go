package test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// bought is a table whose total changes its type under its own name, and what it looks like to each version.
const (
	boughtOld = `CREATE TABLE bought (id int PRIMARY KEY, total int NOT NULL DEFAULT 5, note text);`
	boughtNew = `CREATE TABLE bought (id int PRIMARY KEY, note text, total bigint NOT NULL DEFAULT 6);`
	boughtBy  = `id: big
contract_after: 0s
operations:
  - change_columns:
      table: public.bought
      from: [total]
      to: [{ name: total, type: bigint, not_null: true, default: "6" }]
      up: { total: total::bigint }
      down: { total: total::integer }
      bijective: true
`
)

// What a version meets, in the words that have no number of a column, no OID and no position in them.
var boughtStatements = []string{
	`SELECT attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid) FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
	  WHERE attrelid = 'bought'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
	`SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns WHERE table_name = 'bought' ORDER BY ordinal_position`,
	`SELECT conname FROM pg_constraint WHERE conrelid = 'bought'::regclass`,
	`SELECT tgname FROM pg_trigger WHERE tgrelid = 'bought'::regclass`,
	`INSERT INTO bought (id, total) VALUES ($1, DEFAULT), (-1, 3) RETURNING *`,
	`INSERT INTO bought (id) SELECT id + $1 FROM bought UNION SELECT 90 RETURNING total`,
	`INSERT INTO bought (id, total) VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET total = DEFAULT RETURNING total`,
	`INSERT INTO bought (id, total) VALUES ($1, NULL)`,
	`INSERT INTO bought (id, total) VALUES ($1, 'x')`,
	`INSERT INTO bought VALUES ($1)`,
	`UPDATE bought SET total = NULL WHERE id < $1`,
	`UPDATE bought SET total = total + $1 RETURNING *`,
	`SELECT total, pg_typeof(total)::text FROM bought WHERE total < $1`,
	`SELECT row_to_json(b) FROM bought b WHERE id <> $1`,
	`SELECT * FROM bought AS b (x) WHERE x <> $1`,
	`SELECT no FROM bought WHERE id = $1`,
}

// met is what a client sees of a statement in a transaction that is taken back, and of the table after it.
func met(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	ctx := t.Context()
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	var args []any
	if strings.Contains(sql, "$1") {
		args = append(args, 40)
	}
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return said(err)
	}
	var out []string
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, fmt.Sprint(values...))
	}
	for _, f := range rows.FieldDescriptions() {
		out = append(out, fmt.Sprint(f.Name, f.DataTypeOID, f.TypeModifier))
	}
	if rows.Err() != nil {
		return said(rows.Err())
	}
	out = append(out, rows.CommandTag().String())
	after, err := tx.Query(ctx, "SELECT * FROM bought ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(after, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		return fmt.Sprint(values...), err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(append(out, all...), "\n")
}

// said is what an error says.
func said(err error) string {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return err.Error()
	}
	return strings.Join([]string{e.Code, e.Message, e.Detail, e.Hint, e.Where, e.TableName, e.ColumnName, e.ConstraintName, fmt.Sprint(e.Position)}, "|")
}

func TestAVersionMeetsItsOwnColumnsAloneWhileTheyChange(t *testing.T) {
	t.Parallel()
	const rows = `INSERT INTO bought (id, total, note) VALUES (1, 10, 'a'), (2, 20, NULL)`
	f := newFleet(t, 1, boughtOld, rows)
	f.create(t, boughtBy)
	f.transition(t, "big", activate)
	f.stage(t, "big", rules.Served)
	own := map[string]*pgx.Conn{}
	for version, schema := range map[string]string{"base": boughtOld, "big": boughtNew} {
		url := pgtest.Database(t)
		pgtest.Exec(t, url, schema, rows)
		own[version] = pgtest.Connect(t, url)
	}
	for _, phase := range []string{"served", "cutover"} {
		if phase == "cutover" {
			f.transition(t, "big", cutover)
		}
		for _, version := range []string{"base", "big"} {
			for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeExec, pgx.QueryExecModeCacheStatement, pgx.QueryExecModeSimpleProtocol} {
				conn := f.connect(t, 0, version, mode)
				direct := own[version].Config().Copy()
				direct.DefaultQueryExecMode = mode
				as, err := pgx.ConnectConfig(t.Context(), direct)
				if err != nil {
					t.Fatal(err)
				}
				for _, sql := range boughtStatements {
					if diff := cmp.Diff(met(t, as, sql), met(t, conn, sql)); diff != "" {
						t.Errorf("%s, %s, %v: %s\nis met otherwise (-in the version's own database +through Segue):\n%s", phase, version, mode, sql, diff)
					}
				}
				data := "7\t70\t\\N\n8\t80\tx\n"
				if version == "big" {
					data = "7\t\\N\t70\n8\tx\t80\n"
				}
				if _, err := conn.PgConn().CopyFrom(t.Context(), strings.NewReader(data), "COPY bought FROM STDIN"); err != nil {
					t.Errorf("%s, %s: COPY: %v", phase, version, err)
				}
				var sum int
				if err := conn.QueryRow(t.Context(), "SELECT sum(total) FROM bought WHERE id IN (7, 8)").Scan(&sum); err != nil || sum != 150 {
					t.Errorf("%s, %s: the sum of what was copied is %d (%v)", phase, version, sum, err)
				}
				if _, err := conn.Exec(t.Context(), "DELETE FROM bought WHERE id IN (7, 8)"); err != nil {
					t.Fatal(err)
				}
				_ = as.Close(t.Context())
				_ = conn.Close(t.Context())
			}
		}
	}
}
