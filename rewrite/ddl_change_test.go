package rewrite

import (
	"context"
	"testing"

	"github.com/seguedb/segue/rewrite/prefilter"
	"github.com/seguedb/segue/rules"
)

// Statements that would break the other version, or what keeps the sides in step.
var changedRefused = []string{
	`ALTER TABLE orders DROP COLUMN {money}`,
	`ALTER TABLE orders DROP COLUMN total`,
	`ALTER TABLE orders RENAME COLUMN {money} TO price`,
	`ALTER TABLE orders RENAME COLUMN note TO {other}`,
	`ALTER TABLE orders ALTER COLUMN {money} TYPE text`,
	`ALTER TABLE orders ALTER {money} SET DEFAULT 5`,
	`ALTER TABLE orders ALTER total DROP DEFAULT`,
	`ALTER TABLE orders ALTER {money} DROP NOT NULL, ALTER note SET NOT NULL`,
	`ALTER TABLE orders ALTER total ADD GENERATED ALWAYS AS IDENTITY`,
	`ALTER TABLE orders ADD COLUMN {other} int`,
	`ALTER TABLE orders ADD COLUMN _segue_mark_7_1 int`,
	`ALTER TABLE orders DISABLE TRIGGER ALL`,
	`ALTER TABLE orders DISABLE TRIGGER USER`,
	`ALTER TABLE orders DISABLE TRIGGER "!_segue_first_insert_7_1"`,
	`ALTER TABLE orders RENAME TO bought`,
	`DROP TABLE orders`,
	`CREATE TABLE copied (LIKE orders)`,
	`CREATE TABLE heir () INHERITS (orders)`,
	`CREATE TABLE heir PARTITION OF orders ({money} DEFAULT 5) FOR VALUES IN (1)`,
	`CREATE TABLE heir PARTITION OF orders (note NOT NULL, total WITH OPTIONS NOT NULL) DEFAULT`,
	`CREATE TRIGGER b BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
	`CREATE VIEW v AS SELECT o FROM orders o`,
	`SELECT o FROM orders o`,
	`SELECT all_orders()`,
	`SELECT all_orders()::text`,
	`SELECT 1 FROM orders WHERE all_orders() IS NOT NULL`,
	`SELECT jsonb_populate_record(NULL::orders, '{}')`,
}

func TestWhatWouldBreakAChangeIsRefused(t *testing.T) {
	t.Parallel()
	for _, stage := range changedStages {
		t.Run(stage.name, func(t *testing.T) {
			t.Parallel()
			w := newChangedWorld(t, stage)
			for _, template := range changedRefused {
				sql := inVersionsWords(template, stage.newSide)
				if f := w.rewrite(t, sql).Statements[0].Failure; f == nil || f.Code != codeRefused || f.Node == "unproven" {
					t.Errorf("%s\nis not refused: %v", sql, f)
				}
			}
			for _, template := range []string{
				`ALTER TABLE orders DROP COLUMN {other}`,
				`ALTER TABLE orders ALTER COLUMN {other} SET DEFAULT 1`,
				`CREATE INDEX ON orders ({other})`,
				`SELECT has_column_privilege('orders', '{other}', 'SELECT')`,
				`SELECT has_column_privilege('orders', '_segue_mark_7_1', 'SELECT')`,
			} {
				sql := inVersionsWords(template, stage.newSide)
				if f := w.rewrite(t, sql).Statements[0].Failure; f == nil || f.Code != "42703" {
					t.Errorf("%s\nspeaks of a column that the version does not have: %v", sql, f)
				}
			}
			for _, body := range []string{
				`LANGUAGE sql AS 'SELECT total FROM orders'`,
				`LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT max(total) FROM orders); END'`,
			} {
				sql := `CREATE FUNCTION f() RETURNS bigint ` + body
				if f := w.rewrite(t, sql).Statements[0].Failure; (f != nil && f.Code == codeRefused) != stage.newSide {
					t.Errorf("%s\nhas a name that ends in it: %v", sql, f)
				}
			}
			for _, template := range []string{
				`CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT max(total) FROM orders; END`,
				`CREATE VIEW v AS SELECT total, {money} FROM orders`,
				`CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count({money}) FROM orders'`,
				`ALTER TABLE orders ADD COLUMN more int DEFAULT 3`,
				`ALTER TABLE orders ALTER note SET DEFAULT 'x'`,
				`CREATE INDEX ON orders ({money}, total)`,
				`CREATE TRIGGER a AFTER UPDATE ON orders FOR EACH STATEMENT EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
				`TRUNCATE orders`,
				`CREATE TABLE heir PARTITION OF orders (note DEFAULT 'x', CHECK ({money} > 1)) DEFAULT`,
				`ANALYZE orders (total)`,
				`COMMENT ON COLUMN orders.total IS 'x'`,
				`GRANT SELECT (total, {money}) ON orders TO public`,
				`LOCK TABLE orders`,
			} {
				sql := inVersionsWords(template, stage.newSide)
				if f := w.rewrite(t, sql).Statements[0].Failure; f != nil {
					t.Errorf("%s\nis refused: %v", sql, f)
				}
			}
		})
	}
}

func TestATableThatIsLookedUpStaysAsItIs(t *testing.T) {
	t.Parallel()
	w := newChangedWorld(t, changedStages[1])
	snap := *w.binder.Snapshot()
	delivery := snap.Catalog.Lookup("public", "delivery")
	snap.LookedUp = []rules.LookedUp{{OID: delivery.OID, Table: rules.Name{Schema: "public", Name: "delivery"}, Columns: []string{"id", "n"}, Migration: "v"},
		{OID: 1, Table: rules.Name{Schema: "elsewhere", Name: "other"}, Migration: "v"}}
	w.binder = NewBinder(&snap, Options{})
	for sql, refused := range map[string]bool{
		`ALTER TABLE delivery RENAME TO shipping`:                                           true,
		`ALTER TABLE public.delivery RENAME TO shipping`:                                    true,
		`alter table if exists Delivery rename n TO m`:                                      true,
		`ALTER TABLE delivery RENAME COLUMN name TO m`:                                      false,
		`ALTER TABLE delivery SET SCHEMA segue`:                                             true,
		`ALTER TABLE delivery DROP COLUMN name, DROP n CASCADE`:                             true,
		`ALTER TABLE delivery DROP COLUMN name`:                                             false,
		`ALTER TABLE delivery ALTER n TYPE bigint`:                                          true,
		`ALTER TABLE delivery ALTER name TYPE varchar`:                                      false,
		`ALTER TABLE delivery ADD more int, ALTER n SET DEFAULT 1`:                          false,
		`ALTER TABLE delivery DISABLE TRIGGER ALL`:                                          true,
		`ALTER TABLE delivery ENABLE ROW LEVEL SECURITY`:                                    true,
		`CREATE TABLE one (a int); ALTER TABLE delivery INHERIT one`:                        true,
		`DROP TABLE one, delivery`:                                                          true,
		`DROP TABLE IF EXISTS "delivery" CASCADE`:                                           true,
		`DROP SCHEMA elsewhere CASCADE`:                                                     true,
		`ALTER SCHEMA elsewhere RENAME TO private`:                                          true,
		`DROP INDEX delivery_n`:                                                             false,
		`DROP TABLE other.delivery`:                                                         false,
		`DO $$ BEGIN ALTER TABLE delivery RENAME TO shipping; END $$`:                       true,
		`SELECT id FROM orders WHERE 'ALTER TABLE delivery RENAME TO x' = 'drop' OR id > 0`: false,
	} {
		if hit := w.binder.Match([]byte(sql), false); refused && hit != prefilter.Names {
			t.Errorf("%s\nis not looked at", sql)
		}
		text := w.rewrite(t, sql)
		f := text.Statements[len(text.Statements)-1].Failure
		if (f != nil && f.Code == codeRefused && f.Detail == "Values are looked up in it by v.") != refused {
			t.Errorf("%s\nshould be refused: %v, and is: %+v", sql, refused, f)
		}
	}
	for _, sql := range []string{`SELECT * FROM delivery`, `UPDATE delivery SET n = 1`, `ALTER TABLE one ADD a int`} {
		if w.binder.Match([]byte(sql), false) == prefilter.Names {
			t.Errorf("%s\nis looked at for nothing", sql)
		}
	}
}

// Without a version a statement means what the only version says that has its names.
func TestARefusalNamesTheMigrationsOfTheTableOnly(t *testing.T) {
	t.Parallel()
	w := newChangedWorld(t, changedStages[0])
	snap := *w.binder.Snapshot()
	rel := snap.Catalog.Lookup("public", "orders")
	snap.Migrations = []*rules.Migration{{ID: "v", Phase: rules.Active}, {ID: "later", Phase: rules.Active}}
	snap.Lenses = map[string]*rules.Lens{}
	for version, s := range map[string]changedStage{rules.Base: changedStages[0], "v": changedStages[1], "later": changedStages[1]} {
		snap.Lenses[version] = rules.NewLens(version, []*rules.TableLens{changedLens(rel, changedColumns(t), s)})
	}
	w.binder = NewBinder(&snap, Options{})
	f := w.rewrite(t, `DROP TABLE orders`).Statements[0].Failure
	if f == nil || f.Detail != "It is being migrated by v." {
		t.Errorf("the refusal is %+v", f)
	}
}

func TestASessionWithoutAVersionIsServedByTheNamesOfEitherSide(t *testing.T) {
	t.Parallel()
	w := newChangedWorld(t, changedStages[0])
	snap := *w.binder.Snapshot()
	rel := snap.Catalog.Lookup("public", "orders")
	snap.Lenses = map[string]*rules.Lens{}
	for _, s := range changedStages[:2] {
		version := map[bool]string{false: rules.Base, true: "v"}[s.newSide]
		snap.Lenses[version] = rules.NewLens(version, []*rules.TableLens{changedLens(rel, changedColumns(t), s)})
	}
	w.binder = NewBinder(&snap, Options{})
	w.session.Version = ""
	for _, tc := range []struct{ sql, version, rows string }{
		{`SELECT cents FROM orders WHERE id = 1`, rules.Base, "<150>"},
		{`SELECT amount, first FROM orders WHERE id = 1`, "v", "<1.50> <Ada>"},
		{`SELECT total FROM orders WHERE id = 1`, rules.Base, "<10>"},
		{`INSERT INTO orders (id, amount) VALUES (3, 5) RETURNING *`, "v", "<3> <n> <5.00> <8> NULL NULL"},
		{`INSERT INTO orders (id, cents) VALUES (3, 5) RETURNING *`, rules.Base, "<3> <5> <7> NULL <n>"},
		{`SELECT * FROM orders WHERE id = 1`, rules.Base, "<1> <150> <10> <Ada Lovelace> <n>"},
	} {
		text := w.rewrite(t, tc.sql)
		if text.Version != tc.version {
			t.Errorf("%s is bound as %q", tc.sql, text.Version)
		}
		got, _ := w.outcomeOf(t, w.server, text.SQL, outOfStep)
		if len(got.Rows) != 1 || got.Rows[0] != tc.rows || got.Table[0] != "<0>" {
			t.Errorf("%s\n=> %s\ngives %v, want %s; %v rows are out of step", tc.sql, text.SQL, got, tc.rows, got.Table)
		}
	}
	for version, want := range map[string]string{"": "id cents=100 total=7 full_name note='n'::text", "v": "id note='n'::text amount=1.00 total=8 first last"} {
		w.session.Default = version
		var columns string
		const sql = `SELECT string_agg(concat_ws('=', attname, pg_get_expr(adbin, adrelid)), ' ' ORDER BY attnum) FROM pg_attribute
			LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = 'orders'::regclass AND attnum > 0`
		if err := w.server.QueryRow(context.Background(), w.rewrite(t, sql).SQL).Scan(&columns); err != nil || columns != want {
			t.Errorf("with the default version %q the columns are %s (%v), want %s", version, columns, err, want)
		}
	}
}
