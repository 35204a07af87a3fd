package migrate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// indexesOf lists the indexes of a table that are not those of its primary key, with whether they are valid.
func (f *fleet) indexesOf(table string) []string {
	f.t.Helper()
	return value[[]string](f, `SELECT coalesce(array_agg(replace(pg_get_indexdef(indexrelid), ' ON public.'||c.relname||' USING', '') || CASE WHEN indisvalid THEN '' ELSE ' INVALID' END ORDER BY i.relname), '{}')
		FROM pg_index JOIN pg_class i ON i.oid = indexrelid JOIN pg_class c ON c.oid = indrelid WHERE indrelid = $1::regclass AND NOT indisprimary`, table)
}

func (f *fleet) hasIndexes(table string, want ...string) {
	f.t.Helper()
	if diff := cmp.Diff(want, f.indexesOf(table)); diff != "" {
		f.t.Errorf("the indexes are not those wanted (-want +got):\n%s", diff)
	}
}

func TestIndexesOfOldColumnsGetCounterpartsBeforeTheNewVersionIsServed(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, orders+`
		CREATE INDEX orders_cents_idx ON orders (cents);
		CREATE INDEX dear ON orders (note, cents DESC NULLS LAST) INCLUDE (id) WITH (fillfactor = 70) WHERE cents IS NOT NULL AND note <> 'x';
		CREATE UNIQUE INDEX "by Cents" ON orders (cents, id);
		CREATE INDEX noted ON orders (note);
		CREATE INDEX half ON orders ((cents / 2));`)
	f.create(money)
	f.must("money", activate)
	f.awaitStage("money", rules.Served)
	old := []string{
		`CREATE INDEX dear btree (note, cents DESC NULLS LAST) INCLUDE (id) WITH (fillfactor='70') WHERE ((cents IS NOT NULL) AND (note <> 'x'::text))`,
		`CREATE INDEX half btree (((cents / 2)))`,
		`CREATE INDEX noted btree (note)`,
		`CREATE INDEX orders_cents_idx btree (cents)`,
	}
	const key = `1_1`
	f.hasIndexes("orders", append([]string{
		`CREATE INDEX _segue_index_` + key + `_2 btree (note, amount DESC NULLS LAST) INCLUDE (id) WITH (fillfactor='70') WHERE ((amount IS NOT NULL) AND (note <> 'x'::text))`,
		`CREATE UNIQUE INDEX _segue_index_` + key + `_3 btree (amount, id)`,
		`CREATE UNIQUE INDEX "by Cents" btree (cents, id)`,
	}, append(old[:3:3], `CREATE INDEX orders_amount_idx btree (amount)`, old[3])...)...)
	if n := value[int](f, `SELECT count(*) FROM pg_stats WHERE tablename = 'orders' AND attname = 'amount'`); n != 1 {
		t.Error("the planner has no statistics of the new column")
	}
	accepted := cutover
	accepted.AcceptDifferences = []string{"public.half"}
	f.must("money", accepted, contract)
	if got := strings.Join(f.indexesOf("orders"), "\n"); !strings.Contains(got, `CREATE INDEX dear btree (note, amount DESC`) || !strings.Contains(got, `CREATE UNIQUE INDEX "by Cents" btree (amount, id)`) {
		t.Errorf("after contract the indexes are\n%s", got)
	}
	f.must("money", rollback)
	f.hasIndexes("orders", append([]string{`CREATE UNIQUE INDEX "by Cents" btree (cents, id)`}, old...)...)
	f.must("money", purge, activate)
	f.awaitStage("money", rules.Served)
	f.must("money", accepted, contract, purge)
	f.hasIndexes("orders", `CREATE UNIQUE INDEX "by Cents" btree (amount, id)`,
		`CREATE INDEX dear btree (note, amount DESC NULLS LAST) INCLUDE (id) WITH (fillfactor='70') WHERE ((amount IS NOT NULL) AND (note <> 'x'::text))`,
		`CREATE INDEX noted btree (note)`, `CREATE INDEX orders_amount_idx btree (amount)`)
}

func TestWhatIsSaidOfAColumnIsSaidOfOneWithTheSameValues(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, orders+`
		CREATE INDEX half ON orders ((cents / 2), abs(cents)) WHERE cents > 5;
		CREATE INDEX upper ON orders (upper(note) text_pattern_ops);`)
	f.create(strings.NewReplacer("numeric(12,2)", "bigint", "cents / 100.0", "cents", "(amount * 100)::integer", "amount::integer").Replace(money))
	f.must("money", activate)
	f.awaitStage("money", rules.Served)
	f.hasIndexes("orders",
		`CREATE INDEX _segue_index_1_1_1 btree (((amount / 2)), abs(amount)) WHERE (amount > 5)`,
		`CREATE INDEX half btree (((cents / 2)), abs(cents)) WHERE (cents > 5)`,
		`CREATE INDEX upper btree (upper(note) text_pattern_ops)`)
}

func TestAUniqueIndexIsNotMadeOfRowsThatAreTheSame(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, orders+`UPDATE orders SET cents = 100000 + id; CREATE UNIQUE INDEX orders_cents_idx ON orders (cents)`)
	f.create(strings.NewReplacer("cents / 100.0", "(cents - 100000) / 100", "(amount * 100)::integer", "100000 + (amount * 100)::integer").Replace(money) + "      lossy: true\n")
	f.must("money", activate)
	want := `rows of public.orders have the same ("amount"), so that the unique index orders_amount_idx cannot be made, which takes the place of orders_cents_idx: ` +
		`make them differ, or drop orders_cents_idx if the rows may be the same`
	pgtest.Eventually(t, func() bool {
		st, err := f.instances[1].Get(t.Context(), "money")
		return err == nil && st.Progress != nil && st.Progress.Failure == want
	}, "the backfill stops")
	f.hasIndexes("orders", `CREATE UNIQUE INDEX orders_cents_idx btree (cents)`)
	f.exec(`UPDATE orders SET cents = 1000000 + 100 * id`)
	if err := f.instances[0].Resume(t.Context(), "money", "test"); err != nil {
		t.Fatal(err)
	}
	f.awaitStage("money", rules.Served)
	f.hasIndexes("orders", `CREATE UNIQUE INDEX orders_amount_idx btree (amount)`, `CREATE UNIQUE INDEX orders_cents_idx btree (cents)`)
	if _, err := f.db.Exec(t.Context(), `INSERT INTO orders (id, cents) VALUES (9001, 1000101)`); err == nil || !strings.Contains(err.Error(), `"orders_amount_idx" (SQLSTATE 23505)`) {
		t.Errorf("what the new side cannot have twice gives %v", err)
	}
}

// inBuild activates the change while a transaction is open for whose end the build has to wait, and returns what ends it.
func (f *fleet) inBuild() (end func()) {
	f.t.Helper()
	tx, err := pgtest.Connect(f.t, f.url).BeginTx(f.t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err == nil {
		_, err = tx.Exec(f.t.Context(), `SELECT FROM pg_class`)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	f.must("money", activate)
	pgtest.Eventually(f.t, func() bool {
		st, err := f.instances[0].Get(f.t.Context(), "money")
		return err == nil && st.Progress != nil && st.Progress.Index != nil && st.Progress.Index.Phase == "waiting for old snapshots"
	}, "an index is being made")
	return func() {
		if err := tx.Rollback(f.t.Context()); err != nil {
			f.t.Error(err)
		}
	}
}

const indexed = orders + `CREATE INDEX orders_cents_idx ON orders (cents);`

func TestABuildGoesOnAfterItsConnectionIsKilled(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, indexed)
	f.create(money)
	end := f.inBuild()
	if n := value[int](f, `SELECT count(pg_terminate_backend(pid)) FROM segue.holder WHERE what = 'backfill' AND pid <> 0`); n != 1 {
		t.Fatalf("%d connections were killed", n)
	}
	end()
	f.awaitStage("money", rules.Served)
	f.hasIndexes("orders", `CREATE INDEX orders_amount_idx btree (amount)`, `CREATE INDEX orders_cents_idx btree (cents)`)
}

func TestABuildIsPausedAndTakenBack(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]func(f *fleet){
		"paused": func(f *fleet) {
			if err := f.instances[0].Resume(f.t.Context(), "money", "test"); err != nil {
				f.t.Fatal(err)
			}
			f.awaitStage("money", rules.Served)
			f.hasIndexes("orders", `CREATE INDEX orders_amount_idx btree (amount)`, `CREATE INDEX orders_cents_idx btree (cents)`)
		},
		"taken back": func(f *fleet) {
			f.must("money", rollback)
			f.hasIndexes("orders", `CREATE INDEX orders_cents_idx btree (cents)`)
			f.must("money", purge)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 2, indexed)
			f.create(money)
			end := f.inBuild()
			if name == "paused" {
				if err := f.instances[1].Pause(t.Context(), "money", "test"); err != nil {
					t.Fatal(err)
				}
				pgtest.Eventually(t, func() bool { // without a definition, which cannot be had of an index that is just being dropped
					return value[int](f, `SELECT count(*) FROM pg_index WHERE indrelid = 'orders'::regclass AND NOT indisprimary`) == 1
				}, "what is half made is dropped")
				end()
			} else {
				defer end()
			}
			then(f)
		})
	}
}

func TestEachPartitionGetsTheIndexes(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, `
		CREATE TABLE orders (id int, region text, cents int NOT NULL DEFAULT 100, note text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
		CREATE TABLE orders_eu PARTITION OF orders FOR VALUES IN ('eu');
		CREATE TABLE orders_us PARTITION OF orders FOR VALUES IN ('us') PARTITION BY RANGE (id);
		CREATE TABLE orders_us_1 PARTITION OF orders_us FOR VALUES FROM (0) TO (1000);
		CREATE TABLE orders_us_2 PARTITION OF orders_us FOR VALUES FROM (1000) TO (100000);
		INSERT INTO orders SELECT i, CASE WHEN i % 2 = 0 THEN 'eu' ELSE 'us' END, 10 * i FROM generate_series(1, 3000) AS i;
		CREATE INDEX orders_cents_idx ON orders (cents);
		CREATE UNIQUE INDEX once ON orders (region, cents, id);`)
	f.create(money)
	f.must("money", activate)
	f.awaitStage("money", rules.Served)
	f.hasIndexes("orders", `CREATE UNIQUE INDEX _segue_index_1_1_2 ON ONLY public.orders USING btree (region, amount, id)`, `CREATE UNIQUE INDEX once ON ONLY public.orders USING btree (region, cents, id)`,
		`CREATE INDEX orders_amount_idx ON ONLY public.orders USING btree (amount)`, `CREATE INDEX orders_cents_idx ON ONLY public.orders USING btree (cents)`)
	for _, leaf := range []string{"orders_eu", "orders_us_1", "orders_us_2"} {
		if got := f.indexesOf(leaf); len(got) != 4 || strings.Contains(fmt.Sprint(got), "INVALID") {
			t.Errorf("%s has %q", leaf, got)
		}
	}
	if n := value[int](f, `SELECT count(*) FROM pg_inherits JOIN pg_class p ON p.oid = inhparent WHERE p.relname = 'orders_amount_idx'`); n != 2 {
		t.Errorf("%d indexes are attached to that of the table", n)
	}
	f.must("money", cutover, rollback)
	f.hasIndexes("orders_us_1", `CREATE INDEX orders_us_1_cents_idx btree (cents)`, `CREATE UNIQUE INDEX orders_us_1_region_cents_id_idx btree (region, cents, id)`)
}
