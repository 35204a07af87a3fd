package rewrite

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	reshape "github.com/seguedb/segue/change"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rewrite/wording"
	"github.com/seguedb/segue/rules"
)

// A table under changes of type and shape, as the versions before and after them have it.
const (
	changedOld = `CREATE TABLE orders (id int PRIMARY KEY, cents int NOT NULL DEFAULT 100, total int DEFAULT 7, full_name text, note text DEFAULT 'n');
CREATE INDEX orders_by_name ON orders (lower(full_name)) WHERE cents > 1;
ALTER TABLE orders ADD CONSTRAINT orders_total CHECK (total <> 13), ADD CONSTRAINT orders_cents UNIQUE (id, cents);`
	changedNew = `CREATE TABLE orders (id int PRIMARY KEY, note text DEFAULT 'n', amount numeric(12,2) NOT NULL DEFAULT 1.00, total bigint DEFAULT 8,
  first text, last text);` + changedNewIndexes
	changedNewIndexes = `CREATE INDEX orders_by_total ON orders ({total}) INCLUDE (id); CREATE INDEX orders_by_note ON orders (lower(note), ({total} + 1));
ALTER TABLE orders ADD CONSTRAINT orders_amount UNIQUE (id, amount);`
	changedBoth = `CREATE TABLE delivery (id int, cents int, amount numeric, total bigint, n int, name text);
INSERT INTO delivery VALUES (1, 5, 0.05, 10, 3, 'a b'), (3, 700, 7, 1, 4, 'c d');
CREATE TABLE parcel (orders int, amount numeric, n int); INSERT INTO parcel VALUES (1, 1.5, 2), (2, 9, 9);
CREATE TABLE parcels (a int, b int); INSERT INTO parcels VALUES (20, 3);
CREATE FUNCTION all_orders() RETURNS SETOF orders LANGUAGE sql AS 'SELECT * FROM orders';`
	changedRows    = `INSERT INTO orders (id, cents, total, full_name) VALUES (1, 150, 10, 'Ada Lovelace'), (2, 7, NULL, NULL)`
	changedRowsNew = `INSERT INTO orders (id, amount, total, first, last) VALUES (1, 1.50, 10, 'Ada', 'Lovelace'), (2, 0.07, NULL, NULL, NULL)`

	allOrders = `SELECT * FROM orders ORDER BY id`
)

// changedColumns are the changes of orders.
func changedColumns(t testing.TB) []*reshape.Compiled {
	t.Helper()
	table := reshape.Name{Schema: "public", Name: "orders"}
	var out []*reshape.Compiled
	for _, c := range []reshape.Change{
		{
			Key: "7_1", Old: []reshape.Column{{Name: "cents", Type: "integer", NotNull: true, Default: "100", Constant: true}},
			New: []reshape.Column{{Name: "amount", Type: "numeric(12,2)", NotNull: true, Default: "1.00", Constant: true}},
			Up:  reshape.Map{"amount": "cents / 100.0"}, Down: reshape.Map{"cents": "(amount * 100)::integer"}, Inline: true,
		},
		{
			Key: "7_2", Old: []reshape.Column{{Name: "total", Type: "integer", Default: "7", Constant: true}},
			New: []reshape.Column{{Name: "total", Type: "bigint", Default: "8", Constant: true}},
			Up:  reshape.Map{"total": "total::bigint"}, Down: reshape.Map{"total": "total::integer"}, Inline: true, Exact: true,
		},
		{
			Key: "7_3", Old: []reshape.Column{{Name: "full_name", Type: "text"}},
			New:  []reshape.Column{{Name: "first", Type: "text"}, {Name: "last", Type: "text"}},
			Up:   reshape.Map{"first": "split_part(full_name, ' ', 1)", "last": "nullif(substr(full_name, length(split_part(full_name, ' ', 1)) + 2), '')"},
			Down: reshape.Map{"full_name": "CASE WHEN last IS NULL THEN first ELSE coalesce(first, '') || ' ' || last END"}, Lossy: true, Inline: true, NullOK: true,
		},
	} {
		c.Table = table
		compiled, err := reshape.Compile(c)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, compiled)
	}
	return out
}

// A changedStage is where the changes of orders stand, and whose version a client has.
type changedStage struct {
	name    string
	newSide bool
	cutover bool
}

var changedStages = []changedStage{
	{"the old version before cutover", false, false},
	{"the new version before cutover", true, false},
	{"the old version after cutover", false, true},
	{"the new version after cutover", true, true},
}

// newChangedWorld makes a database that has the schema of the version, and one that has both sides of the changes.
func newChangedWorld(t testing.TB, s changedStage) *mappedWorld {
	t.Helper()
	ctx := context.Background()
	w := &mappedWorld{}
	connect := func(sql ...string) *pgx.Conn {
		url := pgtest.Database(t)
		pgtest.Exec(t, url, sql...)
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(ctx) })
		return conn
	}
	if s.newSide {
		w.client = connect(strings.ReplaceAll(changedNew, "{total}", "total")+changedBoth, changedRowsNew)
	} else {
		w.client = connect(changedOld+changedBoth, changedRows)
	}
	changes := changedColumns(t)
	sql := []string{"CREATE SCHEMA segue; GRANT USAGE ON SCHEMA segue TO public", changedOld + changedBoth, changedRows}
	for _, c := range changes {
		sql = append(sql, c.Expand()...)
		sql = append(sql, strings.NewReplacer("$1", "0", "$2", "1000").Replace(reshape.Together{c}.Backfill(c.Table, true)))
		sql = append(sql, c.Complete()...)
		sql = append(sql, c.Validate())
		sql = append(sql, "BEGIN; "+strings.Join(c.Serve(), "; ")+"; COMMIT")
		if s.cutover {
			sql = append(sql, c.Cutover()...)
		}
	}
	sql = append(sql, strings.ReplaceAll(changedNewIndexes, "{total}", changes[1].New[0].Physical))
	w.server = connect(sql...)
	cat, err := catalog.Load(ctx, w.server)
	if err != nil {
		t.Fatal(err)
	}
	lens := changedLens(cat.Lookup("public", "orders"), changes, s)
	w.binder = NewBinder(&rules.Snapshot{
		Lenses: map[string]*rules.Lens{"v": rules.NewLens("v", []*rules.TableLens{lens})}, Catalog: cat, Tables: []catalog.OID{lens.OID},
		Migrations: []*rules.Migration{{ID: "v", Phase: rules.Active}}, Identifiers: []string{"orders", "all_orders"},
	}, Options{})
	w.session = &Session{Version: "v", StandardStrings: true, Overlay: map[rules.Name]*catalog.Relation{}, SearchPath: []string{"pg_catalog", "public"}}
	return w
}

// changedLens is what rules.Build makes of the changes for a version.
func changedLens(rel *catalog.Relation, changes []*reshape.Compiled, s changedStage) *rules.TableLens {
	t := &rules.TableLens{OID: rel.OID, Schema: "public", Logical: "orders", Physical: "orders"}
	for _, c := range rel.Columns {
		lc := rules.ColumnLens{Logical: c.Name, Physical: c.Name, Num: c.Num}
		shown := !strings.HasPrefix(c.Name, hiddenPrefix)
		for _, ch := range changes {
			own, other, owns := ch.Old, ch.New, !s.cutover
			if s.newSide {
				own, other, owns = other, own, !owns
			}
			is := func(p reshape.Column) bool { return p.Physical == c.Name }
			if slices.ContainsFunc(other, is) {
				shown = false
			}
			if i := slices.IndexFunc(own, is); i >= 0 {
				lc.Logical, shown = own[i].Name, true
				if !owns {
					lc.Declared = &rules.Declared{NotNull: own[i].NotNull, Default: own[i].Default}
				}
			}
		}
		if shown {
			t.Columns = append(t.Columns, lc)
		}
	}
	code := map[bool]int{false: reshape.CodeOld, true: reshape.CodeNew}[s.newSide]
	for _, ch := range changes {
		own, other := sideColumns(ch.Old, rel), sideColumns(ch.New, rel)
		if s.newSide {
			own, other = other, own
		}
		t.Counterparts = append(t.Counterparts, rules.Counterpart{Marker: ch.Marker(), Own: own, Other: other, OtherNew: !s.newSide, Flip: rules.NewFlip(ch, rel, s.newSide, true)})
		if s.newSide != s.cutover {
			m := rel.Column(ch.Marker())
			t.NewRow = append(t.NewRow, rules.Assignment{Column: rules.PhysicalColumn{Name: m.Name, Num: m.Num}, Pieces: []string{strconv.Itoa(code)}})
			t.EachCopied = append(t.EachCopied, ch.Saying(code))
		}
	}
	return t
}

func sideColumns(side []reshape.Column, rel *catalog.Relation) (out []rules.SideColumn) {
	for _, c := range side {
		out = append(out, rules.SideColumn{Name: c.Name, Physical: c.Physical, Num: rel.Column(c.Physical).Num, NotNull: c.NotNull})
	}
	return out
}

// outOfStep counts the rows whose sides do not say the same.
const outOfStep = `SELECT count(*) FROM orders WHERE amount IS DISTINCT FROM (cents / 100.0)::numeric(12,2) OR total IS DISTINCT FROM _segue_new_7_2_1
  OR full_name IS DISTINCT FROM CASE WHEN last IS NULL THEN first ELSE coalesce(first, '') || ' ' || last END
  OR abs(_segue_mark_7_1) <> 1 OR abs(_segue_mark_7_2) <> 1 OR abs(_segue_mark_7_3) <> 1`

// changedStatements are statements with {a column of money} and {its value} in the version's own words.
var changedStatements = []string{
	`SELECT * FROM orders ORDER BY id`,
	`SELECT o.*, {money} AS m FROM orders o ORDER BY {money}`,
	`TABLE orders ORDER BY id`,
	`SELECT {money}, total, {name} FROM orders WHERE {money} > 0 AND total = 10`,
	`SELECT total + 1, -{money}, pg_typeof(total), pg_typeof({money}) FROM orders`,
	`SELECT o.total, d.total, d.amount FROM orders o JOIN delivery d ON d.id = o.id`,
	`SELECT * FROM orders JOIN delivery USING (id)`,
	`SELECT * FROM orders JOIN delivery USING (id, total)`,
	`SELECT * FROM orders NATURAL JOIN parcel ORDER BY id, n`,
	`SELECT * FROM orders NATURAL JOIN delivery`,
	`SELECT x FROM orders AS o (x) ORDER BY x`,
	`SELECT x, y FROM orders AS o (x, y) ORDER BY x`,
	`SELECT * FROM orders AS o (x, y) ORDER BY x`,
	`SELECT *, o.total FROM orders o ("First", b) ORDER BY 1`,
	`SELECT o.*, d.n FROM orders AS o (id, x) JOIN delivery d USING (id)`,
	`SELECT x FROM orders AS o (a, b, c, d, x, y, z)`,
	`SELECT x.total FROM (SELECT * FROM orders) x`,
	`SELECT f.total, f.{money} FROM all_orders() f`,
	`SELECT (all_orders()).total`,
	`SELECT count(f) FROM all_orders() f`,
	`SELECT * FROM all_orders() ORDER BY id`,
	`SELECT to_json(o) FROM orders o ORDER BY id`,
	`SELECT row_to_json(o), (o).total, (o).* FROM orders o ORDER BY id`,
	`SELECT json_agg(o ORDER BY id) FROM orders o`,
	`SELECT count(o), count(total) FROM orders o`,
	`SELECT total, count(*) FROM orders GROUP BY total ORDER BY total`,
	`SELECT id, total FROM orders GROUP BY id`,
	`WITH x AS (SELECT * FROM orders) SELECT * FROM x ORDER BY id`,
	`SELECT max(total) OVER (ORDER BY {money}) FROM orders`,
	`SELECT total FROM orders WHERE id = 1 FOR UPDATE`,
	`DECLARE c CURSOR FOR SELECT * FROM orders ORDER BY id; FETCH 1 FROM c`,
	`PREPARE p AS SELECT id FROM orders WHERE total = $1; EXECUTE p (10); DEALLOCATE p`,
	`PREPARE p AS INSERT INTO orders (id, total, {money}) VALUES ($1, $2, $3); EXECUTE p (10, 20, 3); DEALLOCATE p`,
	`COPY orders TO STDOUT`,
	`COPY orders TO STDOUT WITH (FORMAT csv, HEADER)`,
	`COPY orders (id, total) TO STDOUT WITH (FORMAT csv, HEADER)`,
	`COPY (SELECT * FROM orders ORDER BY id) TO STDOUT`,

	`INSERT INTO orders (id) VALUES (3) RETURNING *`,
	`INSERT INTO orders (id) VALUES (3), (4)`,
	`INSERT INTO orders (id, {money}) VALUES (3, 5)`,
	`INSERT INTO orders (id, total) VALUES (3, NULL), (4, 0), (5, 7), (6, 8) RETURNING total`,
	`INSERT INTO orders (id, {money}, total) VALUES (3, DEFAULT, 5), (4, 9, DEFAULT)`,
	`INSERT INTO orders (id, total, {name}) VALUES (3, 1, 'Alan'), (4, 2, 'Grace'), (5, DEFAULT, DEFAULT), (6, 1, NULL) RETURNING *`,
	`INSERT INTO orders ({money}, id, note) VALUES (1, 3, DEFAULT) RETURNING {money}, note`,
	`INSERT INTO orders VALUES (3)`,
	`INSERT INTO orders VALUES {row3}`,
	`INSERT INTO orders VALUES {row3} RETURNING orders.*`,
	`INSERT INTO orders AS o VALUES {row3} RETURNING o.*`,
	`INSERT INTO orders (id, total) SELECT 3, 4 UNION SELECT 5, 6`,
	`INSERT INTO orders (id, total) SELECT id + 10, n FROM delivery ORDER BY id DESC LIMIT 1 RETURNING *`,
	`INSERT INTO orders (id, total) SELECT DISTINCT n + 10, 1 FROM delivery`,
	`INSERT INTO orders (id, total) WITH x AS (SELECT 5 AS n) SELECT n, n FROM x UNION ALL SELECT 6, 6 ON CONFLICT DO NOTHING RETURNING id`,
	`INSERT INTO orders (id, total) (SELECT 3, '4' EXCEPT SELECT 5, 6) ON CONFLICT (id) DO UPDATE SET total = 1`,
	`INSERT INTO orders (id, total) (VALUES (3, 4) UNION ALL VALUES (5, 6)) RETURNING id, total`,
	`INSERT INTO orders (id, total) SELECT '3', '4'`,
	`INSERT INTO orders (id, {money}) TABLE parcels`,
	`INSERT INTO orders SELECT id + 10 FROM delivery`,
	`INSERT INTO orders SELECT id + 10 FROM delivery UNION SELECT 20`,
	`INSERT INTO orders (id, {money}) SELECT id + 10, {money} + 1 FROM orders RETURNING *`,
	`INSERT INTO orders (id, total) OVERRIDING USER VALUE SELECT id + 10, total FROM orders UNION SELECT 30, 31`,
	`INSERT INTO orders (id, {money}) VALUES (1, 30), (3, 7) ON CONFLICT (id) DO UPDATE SET {money} = excluded.{money}, note = 'u' RETURNING *`,
	`INSERT INTO orders (id, total) VALUES (1, 30) ON CONFLICT (id) DO UPDATE SET total = orders.total + excluded.total WHERE orders.{money} > 1`,
	`INSERT INTO orders (id) VALUES (1), (3) ON CONFLICT (id) DO UPDATE SET total = DEFAULT, {money} = excluded.{money}`,
	`INSERT INTO orders (id, total) VALUES (1, NULL) ON CONFLICT (id) DO UPDATE SET (total, {money}) = (excluded.total, 3)`,
	`WITH i AS (INSERT INTO orders (id, total) VALUES (3, 9) RETURNING *) SELECT * FROM i`,
	`WITH i AS (INSERT INTO orders (id, total) SELECT 3, 4 UNION SELECT 5, 6 RETURNING id, total) INSERT INTO delivery (id, total) SELECT * FROM i RETURNING id`,
	`DO $$ BEGIN INSERT INTO orders (id, total) VALUES (3, 4); UPDATE orders SET {money} = 3 WHERE id = 1; END $$`,

	`UPDATE orders SET total = total + 1 RETURNING *`,
	`UPDATE orders SET {money} = 9, total = 3, note = 'x' WHERE id = 1 RETURNING {money}, note`,
	`UPDATE orders SET total = DEFAULT, {money} = DEFAULT`,
	`UPDATE orders SET (total, note) = (DEFAULT, DEFAULT) WHERE id = 2`,
	`UPDATE orders SET (note, total) = (SELECT name, n FROM delivery d WHERE d.id = orders.id) WHERE id = 1 RETURNING *`,
	`UPDATE orders SET total = NULL, {name} = NULL`,
	`UPDATE orders SET {name} = 'Grace' WHERE id = 1 RETURNING {name}`,
	`UPDATE orders o SET {money} = d.n FROM delivery d WHERE d.id = o.id RETURNING o.*, d.n`,
	`UPDATE orders SET note = 'x'`,
	`UPDATE orders SET total = total, {money} = {money}`,
	`UPDATE orders SET id = id + 10`,
	`WITH u AS (UPDATE orders SET total = 5 WHERE id = 1 RETURNING *) SELECT * FROM u`,
	`DELETE FROM orders WHERE {money} > 1 RETURNING *`,
	`DELETE FROM orders o USING delivery d WHERE o.total = d.total RETURNING o.total, d.id`,

	`MERGE INTO orders o USING delivery d ON o.id = d.id WHEN MATCHED THEN UPDATE SET total = d.n, {money} = DEFAULT WHEN NOT MATCHED THEN INSERT (id, total) VALUES (d.id, d.n)`,
	`MERGE INTO orders o USING delivery d ON o.id = d.id WHEN MATCHED AND CASE WHEN d.n = 3 THEN false ELSE true END THEN DELETE WHEN NOT MATCHED AND d.n = 0 THEN DO NOTHING` +
		` WHEN NOT MATCHED THEN INSERT (id, {money}, total) VALUES (d.id, DEFAULT, DEFAULT)`,
	`MERGE INTO orders o USING delivery d ON o.id = d.id WHEN NOT MATCHED THEN INSERT VALUES (d.id)`,
	`MERGE INTO orders o USING (SELECT 5 AS x) d ON o.id = d.x WHEN NOT MATCHED THEN INSERT VALUES {row3}`,

	`SELECT nothing FROM orders`,
	`SELECT {other} FROM orders`,
	`UPDATE orders SET {other} = NULL`,
	`INSERT INTO orders (id, {other}) VALUES (1, NULL)`,
	`SELECT _segue_mark_7_1 FROM orders`,
	`INSERT INTO orders (id, total) VALUES (3, 1, 2)`,
	`INSERT INTO orders (id, total, note) VALUES (3, 1)`,
	`INSERT INTO orders (id, total) VALUES (1, 1)`,
	`INSERT INTO orders (id, id) VALUES (1, 1)`,
	`UPDATE orders SET total = 'x'`,
}

// inVersionsWords writes a statement in the words of a side.
func inVersionsWords(sql string, newSide bool) string {
	if newSide {
		return strings.NewReplacer("{money}", "amount", "{name}", "first", "{other}", "cents", "{row3}", "(3, DEFAULT, 4, DEFAULT)").Replace(sql)
	}
	return strings.NewReplacer("{money}", "cents", "{name}", "full_name", "{other}", "amount", "{row3}", "(3, 4, DEFAULT, 'x')").Replace(sql)
}

func TestEachSideOfAChangeIsServedAsIfItWereTheOnlyOne(t *testing.T) {
	t.Parallel()
	for _, stage := range changedStages {
		t.Run(stage.name, func(t *testing.T) {
			t.Parallel()
			w := newChangedWorld(t, stage)
			for _, template := range changedStatements {
				sql := inVersionsWords(template, stage.newSide)
				if f := w.sameAfter(t, sql, allOrders); f != nil {
					if want := failureOf(t, w.client, sql); want.Code == f.Code && want.Message == f.Message {
						continue
					}
					t.Errorf("%s\nis refused: %v", sql, f)
					continue
				}
				text := w.rewrite(t, sql)
				if got, _ := w.outcomeOf(t, w.server, text.SQL, outOfStep); got.Code == "" && got.Table[0] != "<0>" {
					t.Errorf("%s\n=> %s\nleaves %s rows out of step", sql, text.SQL, got.Table[0])
				}
			}
		})
	}
}

// changedFailing are writes that a version's own database rejects too, in the same words.
var changedFailing = map[bool][]string{
	false: {
		`INSERT INTO orders (id, cents) VALUES (9, NULL)`,
		`UPDATE orders SET cents = NULL WHERE id = 1`,
		`INSERT INTO orders (id, total) VALUES (9, 13)`,
		`INSERT INTO orders (id) VALUES (NULL)`,
		`INSERT INTO orders (id, amount) VALUES (9, 1)`,
		`UPDATE orders SET first = 'x'`,
	},
	true: {
		`INSERT INTO orders (id, amount) VALUES (9, NULL)`,
		`INSERT INTO orders (id, amount) SELECT 9, NULL`,
		`UPDATE orders SET amount = NULL WHERE id = 1`,
		`INSERT INTO orders (id) VALUES (NULL)`,
		`INSERT INTO orders (id, cents) VALUES (9, 1)`,
		`UPDATE orders SET full_name = 'x'`,
		`INSERT INTO orders (id, amount) VALUES (9, 12345678901)`,
	},
}

// reworded is what a client sees of the failure of a statement in the version's terms.
func (w *mappedWorld) reworded(t *testing.T, sql string) wording.Report {
	t.Helper()
	text := w.rewrite(t, sql)
	got := failureOf(t, w.server, text.SQL)
	if e := text.FailureAt(got.Code, got.Message, int(got.Position)); e != nil {
		return wording.Report{Code: e.Code, Message: e.Message}
	}
	r := &wording.Report{Code: got.Code, Routine: got.Routine, Message: got.Message, Detail: got.Detail, Hint: got.Hint, Where: got.Where,
		Schema: got.SchemaName, Table: got.TableName, Column: got.ColumnName, Constraint: got.ConstraintName}
	text.Reword(r)
	return *r
}

func TestAWriteThatFailsOnOneSideFailsInItsWords(t *testing.T) {
	t.Parallel()
	for _, stage := range changedStages {
		t.Run(stage.name, func(t *testing.T) {
			t.Parallel()
			w := newChangedWorld(t, stage)
			for _, sql := range changedFailing[stage.newSide] {
				want, got := failureOf(t, w.client, sql), w.reworded(t, sql)
				if want.Code == "" || want.Code != got.Code || want.Message != got.Message || want.Detail != got.Detail || want.ColumnName != got.Column ||
					want.ConstraintName != got.Constraint || want.Where != got.Where {
					t.Errorf("%s\nfails with %+v, in the version's database with %s %s (%s) %s %s", sql, got, want.Code, want.Message, want.Detail, want.ColumnName, want.ConstraintName)
				}
			}
		})
	}
}

func TestAWriteThatTheOtherSideCannotHoldNamesNothingOfSegues(t *testing.T) {
	t.Parallel()
	for _, stage := range changedStages {
		if !stage.newSide {
			continue
		}
		t.Run(stage.name, func(t *testing.T) {
			t.Parallel()
			w := newChangedWorld(t, stage)
			for sql, want := range map[string]wording.Report{
				`INSERT INTO orders (id, total) VALUES (9, 5000000000)`: {Code: "22003", Message: "integer out of range", Hint: `Another version of the app has "total" as "total", which cannot hold this value: "down" of the change fails for it. Write one that both can hold.`},
				`UPDATE orders SET amount = 99999999.99`:                {Code: "22003", Message: "integer out of range", Hint: `Another version of the app has "amount" as "cents", which cannot hold this value: "down" of the change fails for it. Write one that both can hold.`},
				`UPDATE orders SET total = 13`:                          {Code: "23514", Message: `new row for relation "orders" violates check constraint "orders_total"`, Schema: "public", Table: "orders", Constraint: "orders_total"},
			} {
				got := w.reworded(t, sql)
				got.Routine, got.Detail = "", ""
				if got != want {
					t.Errorf("%s\nfails with %+v, want %+v", sql, got, want)
				}
			}
		})
	}
}

// A copied is a COPY FROM with its data.
var copied = []struct{ sql, data string }{
	{`COPY orders FROM STDIN`, "{copied}"},
	{`COPY orders (id, {money}, total) FROM STDIN`, "9\t3\t\\N\n10\t4\t5\n"},
	{`COPY public.orders ({money}, id, total, {name}) FROM STDIN WITH (FORMAT csv, HEADER, FORCE_NULL (total))`, "a,b,c,d\n7,9,\"\",x\n"},
	{`COPY orders (id, {money}, total) FROM STDIN WHERE id > 9 AND total < 6`, "9\t3\t\\N\n10\t4\t5\n11\t4\t7\n"},
	{`COPY orders (id, {money}, total) FROM STDIN (FORMAT csv) WHERE id > 10 OR id = 9`, "9,3,\n10,4,5\n"},
}

func TestRowsThatAreCopiedIntoAChangedTableAreThoseOfTheVersion(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, stage := range changedStages {
		t.Run(stage.name, func(t *testing.T) {
			t.Parallel()
			w := newChangedWorld(t, stage)
			rows := "9\t3\t\\N\tx y\tn\n10\t4\t5\t\\N\t\\N\n"
			if stage.newSide {
				rows = "9\tn\t3\t\\N\tx\ty\n10\t\\N\t4\t5\t\\N\t\\N\n"
			}
			for _, c := range copied {
				sql, data := inVersionsWords(c.sql, stage.newSide), strings.ReplaceAll(c.data, "{copied}", rows)
				text := w.rewrite(t, sql)
				if f := text.Statements[0].Failure; f != nil {
					t.Errorf("%s\nis refused: %v", sql, f)
					continue
				}
				var after [2]mappedOutcome
				for i, conn := range []*pgx.Conn{w.client, w.server} {
					sent := []string{sql, text.SQL}[i]
					if _, err := conn.Exec(ctx, "BEGIN"); err != nil {
						t.Fatal(err)
					}
					if _, err := conn.PgConn().CopyFrom(ctx, strings.NewReader(data), sent); err != nil {
						t.Errorf("%s\n=> %s\nfails: %v", sql, sent, err)
					}
					// What one COPY says is nothing that a later statement says.
					plain := "INSERT INTO orders (id, cents, total) VALUES (50, 5, 6)"
					if stage.newSide {
						plain = "INSERT INTO orders (id, amount, total) VALUES (50, 0.05, 6)"
						if i == 1 {
							plain = "INSERT INTO orders (id, cents, total, _segue_mark_7_1, _segue_mark_7_2) VALUES (50, 5, 6, -2, -2)"
						}
					}
					if i == 1 {
						var said string
						if err := conn.QueryRow(ctx, "SELECT concat(current_setting('segue.code_7_1', true), current_setting('segue.code_7_2', true))").Scan(&said); err != nil || said != "" {
							t.Errorf("%s\nleaves %q behind (%v)", sql, said, err)
						}
						if !stage.newSide {
							plain = w.rewrite(t, plain).SQL
						}
					}
					if _, err := conn.Exec(ctx, plain); err != nil {
						t.Errorf("%s: %v", plain, err)
					}
					query := allOrders
					if i == 1 {
						query = w.rewrite(t, query).SQL
						results, err := conn.PgConn().Exec(ctx, outOfStep).ReadAll()
						if err != nil || string(results[0].Rows[0][0]) != "0" {
							t.Errorf("%s\n=> %s\nleaves rows out of step (%v)", sql, sent, err)
						}
					}
					results, err := conn.PgConn().Exec(ctx, query).ReadAll()
					if err != nil {
						t.Fatal(err)
					}
					for _, row := range results[0].Rows {
						after[i].Table = append(after[i].Table, joined(row))
					}
					if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
						t.Fatal(err)
					}
				}
				if diff := cmp.Diff(after[0].Table, after[1].Table); diff != "" {
					t.Errorf("%s\n=> %s\nleaves other rows (-the version's database +rewritten):\n%s", sql, text.SQL, diff)
				}
			}
			if f := w.rewrite(t, "COPY orders (id) FROM STDIN").Statements[0].Failure; (f != nil) != (stage.newSide != stage.cutover) {
				t.Errorf("a COPY that leaves columns with a default out: %v", f)
			} else if f != nil && !strings.Contains(f.Message, "list the column") {
				t.Errorf("what to do about it is not said: %s", f.Message)
			}
		})
	}
}
