package migrate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

const orders = `
CREATE TABLE public.orders (id int PRIMARY KEY, cents int NOT NULL DEFAULT 100, note text);
INSERT INTO public.orders SELECT i, 10 * i, 'note ' || i FROM generate_series(1, 2000) AS i;`

const money = `
id: money
contract_after: 0s
operations:
  - change_columns:
      table: public.orders
      from: [cents]
      to: [{ name: amount, type: "numeric(12,2)", not_null: true, default: "1.00" }]
      up: { amount: cents / 100.0 }
      down: { cents: (amount * 100)::integer }
`

// awaitStage waits until the columns that a migration changes have come so far.
func (f *fleet) awaitStage(id string, want rules.Stage) {
	f.t.Helper()
	var st *Status
	defer func() {
		if f.t.Failed() {
			f.t.Logf("the last state of %s: %+v %+v", id, st, st.Progress)
		}
	}()
	pgtest.Eventually(f.t, func() bool {
		var err error
		if st, err = f.instances[0].Get(f.t.Context(), id); err != nil {
			f.t.Fatal(err)
		}
		return st.Stage == want && st.Pending == nil
	}, id+" is "+string(want))
}

// columns are those that each version of a lens shows of a table, by the lens of every instance.
func (f *fleet) shows(version, table string) string {
	f.t.Helper()
	oid := value[uint32](f, `SELECT $1::regclass::oid`, table)
	var out []string
	for _, i := range f.instances {
		var columns []string
		lens := i.Snapshot().Lens(version)
		if lens == nil {
			out = append(out, "nothing")
			continue
		}
		for _, t := range lens.Tables {
			if uint32(t.OID) == oid {
				for _, c := range t.Columns {
					columns = append(columns, c.Logical)
				}
			}
		}
		out = append(out, strings.Join(columns, ","))
	}
	for _, other := range out[1:] {
		if other != out[0] {
			f.t.Errorf("instances show %s of version %s", out, version)
		}
	}
	return out[0]
}

// inStep checks that every row of orders is filled and in step.
func (f *fleet) inStep(old string) {
	f.t.Helper()
	marker := value[string](f, `SELECT attname::text FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname LIKE '\_segue\_mark\_%'`)
	if wrong := value[int](f, fmt.Sprintf(`SELECT count(*) FROM orders WHERE (amount = %s / 100.0 AND abs(%s) = 1) IS NOT TRUE`, old, marker)); wrong != 0 {
		f.t.Errorf("%d rows are not in step", wrong)
	}
}

func (f *fleet) exec(sql string) {
	f.t.Helper()
	if _, err := f.db.Exec(f.t.Context(), sql); err != nil {
		f.t.Fatalf("%s: %v", sql, err)
	}
}

func TestAChangeOfColumnsGoesThroughItsPhasesOnTwoInstances(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, orders)
	f.create(money)
	f.must("money", activate)
	if got := f.shows(rules.Base, "orders"); got != "id,cents,note" {
		t.Errorf("from activate on the old version shows %s", got)
	}
	f.awaitStage("money", rules.Served)
	f.inStep("cents")
	if base, money := f.shows(rules.Base, "orders"), f.shows("money", "orders"); base != "id,cents,note" || money != "id,note,amount" {
		t.Errorf("the old version shows %s and the new one %s", base, money)
	}
	f.exec(`INSERT INTO orders (id, cents) VALUES (3001, 5); INSERT INTO orders (id, amount) VALUES (3002, 7.5); INSERT INTO orders (id) VALUES (3003); UPDATE orders SET cents = 11 WHERE id = 1; UPDATE orders SET amount = 0.12 WHERE id = 2`)
	f.inStep("cents")
	f.must("money", cutover, backToActive, cutover)
	f.exec(`INSERT INTO orders (id) VALUES (3004); UPDATE orders SET amount = amount + 1 WHERE id = 3`)
	f.inStep("cents")
	f.must("money", contract)
	if got := f.shows(rules.Base, "orders"); got != "id,note,amount" {
		t.Errorf("after contract clients see %s", got)
	}
	f.exec(`INSERT INTO orders (id, amount) VALUES (3005, 8); UPDATE orders SET amount = 9 WHERE id = 4`)
	f.inStep(value[string](f, `SELECT attname::text FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname LIKE '\_segue\_old\_%'`))
	f.must("money", purge, purge)
	if got := value[string](f, `SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0 AND NOT attisdropped`); got != "id,note,amount" {
		t.Errorf("after purge the table has %s", got)
	}
	if left := value[int](f, `SELECT (SELECT count(*) FROM pg_trigger WHERE tgrelid = 'orders'::regclass) + (SELECT count(*) FROM pg_proc WHERE proname LIKE '\_segue\_%')
		+ (SELECT count(*) FROM pg_constraint WHERE conrelid = 'orders'::regclass AND contype = 'c') + (SELECT count(*) FROM segue.change)`); left != 0 {
		t.Errorf("%d triggers, functions and CHECKs are left", left)
	}
	if f.instances[0].Snapshot().Live() {
		t.Error("statements are still looked at")
	}
	if got := value[string](f, `SELECT string_agg(amount::text, ',' ORDER BY id) FROM orders WHERE id IN (1, 2, 3, 4) OR id > 3000`); got != "0.11,0.12,1.30,9.00,0.05,7.50,1.00,1.00,8.00" {
		t.Errorf("the rows are %s", got)
	}
}

func TestAChangeOfColumnsIsTakenBackFromEveryPhaseAndBegunAgain(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"filling", "served", "cutover", "contracted"} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 2, orders)
			f.create(money)
			if from == "filling" {
				f.exec(`INSERT INTO orders SELECT i, 1, 'x' FROM generate_series(10001, 50000) AS i`)
			}
			f.must("money", activate)
			pgtest.Eventually(t, func() bool { return f.hasColumn("orders", "amount") }, "the new column is there")
			if from != "filling" {
				f.awaitStage("money", rules.Served)
				f.exec(`UPDATE orders SET amount = 0.12 WHERE id = 2`)
			}
			if from == "cutover" || from == "contracted" {
				f.must("money", cutover)
				f.exec(`UPDATE orders SET amount = 0.13 WHERE id = 3`)
			}
			if from == "contracted" {
				f.must("money", contract)
				f.exec(`UPDATE orders SET amount = 0.14 WHERE id = 4; INSERT INTO orders (id, amount) VALUES (3002, 0.15)`)
			}
			f.must("money", rollback, rollback)
			want := map[string]string{"filling": "20,30,40", "served": "12,30,40", "cutover": "12,13,40", "contracted": "12,13,14,15"}[from]
			if got := value[string](f, `SELECT string_agg(cents::text, ',' ORDER BY id) FROM orders WHERE id IN (2, 3, 4, 3002)`); got != want {
				t.Errorf("after the rollback the rows have %s", got)
			}
			if got := f.shows(rules.Base, "orders"); got != "id,cents,note" {
				t.Errorf("after the rollback clients see %s", got)
			}
			if e := f.refused("money", activate); !strings.Contains(e.Message+e.Hint, "purge") {
				t.Errorf("to begin again with columns that are left gives %v", e)
			}
			if err := f.instances[0].Delete(t.Context(), "money", "test"); err == nil || !strings.Contains(err.Error(), "left in the database") {
				t.Errorf("to delete it with columns that are left gives %v", err)
			}
			f.exec(`INSERT INTO orders (id, cents) VALUES (3001, 5); UPDATE orders SET cents = 11 WHERE id = 1`)
			f.must("money", purge, activate)
			f.awaitStage("money", rules.Served)
			f.inStep("cents")
			if got := value[string](f, `SELECT string_agg(cents::text, ',' ORDER BY id) FROM orders WHERE id IN (1, 3001)`); got != "11,5" {
				t.Errorf("the rows are %s", got)
			}
			f.must("money", cutover, contract, purge)
		})
	}
}

func TestABackfillStopsAtARowForWhichUpFails(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, orders+`UPDATE orders SET cents = 0 WHERE id IN (700, 701)`)
	f.create(strings.NewReplacer("cents / 100.0", "1000.0 / cents", "(amount * 100)::integer", "(1000 / amount)::integer", "amount, type", "amount, type").Replace(money) + "      lossy: true\n")
	f.must("money", activate)
	pgtest.Eventually(t, func() bool {
		st, err := f.instances[0].Get(t.Context(), "money")
		return err == nil && st.Progress != nil && st.Progress.Failure != ""
	}, "the backfill stops")
	st, err := f.instances[0].Get(t.Context(), "money")
	if err != nil {
		t.Fatal(err)
	}
	if want := "up cannot be computed for rows of public.orders with the key id=700; id=701: division by zero (SQLSTATE 22012, division by zero)"; st.Progress.Failure != want {
		t.Errorf("it has stopped because %s\nwant %s", st.Progress.Failure, want)
	}
	f.exec(`UPDATE orders SET note = 'still writable' WHERE id = 700`)
	if e := f.refused("money", cutover); !strings.Contains(e.Message, "not complete yet") {
		t.Errorf("cutover gives %v", e)
	}
	f.exec(`UPDATE orders SET cents = 1 WHERE id IN (700, 701)`)
	if err := f.instances[0].Resume(t.Context(), "money", "test"); err != nil {
		t.Fatal(err)
	}
	f.awaitStage("money", rules.Served)
}

func TestABackfillIsPausedAndGoesOn(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, orders)
	f.create(money)
	if err := f.instances[0].Pause(t.Context(), "money", "test"); err == nil {
		t.Error("a draft can be paused")
	}
	// The version is not served as long as somebody may see the rows as they were.
	tx, err := f.db.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	if _, err := tx.Exec(t.Context(), `SELECT FROM pg_class`); err != nil {
		t.Fatal(err)
	}
	f.must("money", activate)
	pgtest.Eventually(t, func() bool {
		err := f.instances[1].Pause(t.Context(), "money", "test")
		if paused := value[int](f, `SELECT count(*) FROM segue.backfill WHERE paused`) == 1; paused != (err == nil) {
			t.Fatalf("it is paused: %v, and the answer was %v", paused, err)
		}
		return err == nil
	}, "the backfill is paused")
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	st, err := f.instances[0].Get(t.Context(), "money")
	if err != nil || !st.Progress.Paused {
		t.Fatalf("the state is %+v, %v", st, err)
	}
	if err := f.instances[1].Resume(t.Context(), "money", "test"); err != nil {
		t.Fatal(err)
	}
	f.awaitStage("money", rules.Served)
	done := value[int64](f, `SELECT done FROM segue.backfill`)
	if done > 2000 {
		t.Errorf("%d rows were filled, and there are 2000", done)
	}
}

func TestABackfillThatIsPausedBeforeItBeginsFillsNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, orders)
	f.create(money)
	tx, err := f.db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	if _, err := tx.Exec(t.Context(), `SELECT FROM orders WHERE id = 1 FOR UPDATE`); err != nil { // no column can be added yet
		t.Fatal(err)
	}
	f.must("money", activate)
	pgtest.Eventually(t, func() bool {
		st, err := f.instances[0].Get(t.Context(), "money")
		return err == nil && st.Pending != nil && st.Pending.Kind == Expand
	}, "the columns are asked for")
	if err := f.instances[0].Pause(t.Context(), "money", "test"); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.awaitStage("money", rules.Filling)
	if !value[bool](f, `SELECT paused FROM segue.backfill`) {
		t.Error("it goes on by itself when the columns have been added")
	}
	if err := f.instances[0].Resume(t.Context(), "money", "test"); err != nil {
		t.Fatal(err)
	}
	f.awaitStage("money", rules.Served)
}

func TestABackfillSurvivesTheEndOfItsConnections(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, orders+`INSERT INTO orders SELECT i, 1, 'x' FROM generate_series(10001, 60000) AS i`)
	f.create(money)
	f.must("money", activate)
	for ends, killed := 0, int64(-1); ends < 5; {
		pgtest.Eventually(t, func() bool { return value[int64](f, `SELECT done FROM segue.backfill`) > killed }, "the backfill comes on")
		killed = value[int64](f, `SELECT done FROM segue.backfill`)
		ends += value[int](f, `SELECT count(pg_terminate_backend(pid)) FROM segue.holder WHERE what = 'backfill' AND pid <> 0`)
		if killed > 50000 {
			break
		}
	}
	f.awaitStage("money", rules.Served)
	f.inStep("cents")
	if done := value[int64](f, `SELECT done FROM segue.backfill`); done != 52000 {
		t.Errorf("%d rows were filled, and there are 52000", done)
	}
}

func TestAChangeThatCannotBeMadeIsRefusedBeforeAnythingIsDone(t *testing.T) {
	t.Parallel()
	const from, up, down = "cents", "cents / 100.0", "(amount * 100)::integer"
	for name, tc := range map[string]struct {
		setup, from, up, down, want string
	}{
		"a function that is not there": {"", from, "centz(cents)", down, "up of amount: function centz(integer) does not exist at character 1"},
		"a wrong type":                 {"", from, "\"'x' || cents\"", down, `is of type numeric but expression is of type text`},
		"a moment":                     {"", from, "cents + extract(epoch FROM now())", down, "depends on the function now"},
		"a volatile function":          {"", from, "cents + random()", down, "depends on the function random"},
		"a partition key":              {"DROP TABLE orders; CREATE TABLE orders (id int, cents int) PARTITION BY RANGE (cents); CREATE TABLE o1 PARTITION OF orders DEFAULT", from, up, down, "column cents is part of the partition key"},
		"a key by expression":          {"DROP TABLE orders; CREATE TABLE orders (id int, cents int) PARTITION BY RANGE ((cents + 1)); CREATE TABLE o1 PARTITION OF orders DEFAULT", from, up, down, "column cents is part of the partition key"},
		"a partition's own default":    {"DROP TABLE orders; CREATE TABLE orders (id int, cents int DEFAULT 5) PARTITION BY LIST (id); CREATE TABLE o1 PARTITION OF orders (cents DEFAULT 77) FOR VALUES IN (1)", from, up, down, "column cents of partition public.o1 has a default of its own"},
		"a partition without default":  {"DROP TABLE orders; CREATE TABLE orders (id int, cents int DEFAULT 5) PARTITION BY LIST (id); CREATE TABLE o1 PARTITION OF orders (cents DEFAULT NULL) FOR VALUES IN (1)", from, up, down, "ALTER TABLE public.o1 ALTER cents SET DEFAULT 5"},
		"a unique key":                 {"ALTER TABLE orders ADD UNIQUE (cents)", from, up, down, "column cents is part of constraint orders_cents_key"},
		"a foreign key":                {"CREATE TABLE prices (c int PRIMARY KEY); ALTER TABLE orders ADD FOREIGN KEY (cents) REFERENCES prices (c) NOT VALID", from, up, down, "column cents is part of constraint orders_cents_fkey"},
		"a sequence":                   {"CREATE SEQUENCE s; ALTER TABLE orders ALTER cents SET DEFAULT nextval('s')", from, up, down, "its default, nextval('public.s'::regclass), is not the same for every row"},
		"a generated column":           {"ALTER TABLE orders ADD twice int GENERATED ALWAYS AS (cents * 2) STORED", from, up, down, "column cents is read by default value for column twice of table public.orders"},
		"a publication":                {"CREATE PUBLICATION p FOR TABLE orders", from, up, down, "table public.orders is published by p"},
		"a rule":                       {"CREATE RULE r AS ON DELETE TO orders DO INSTEAD NOTHING", from, up, down, "has the rule r"},
		"a trigger for a column": {`CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER g AFTER UPDATE OF cents ON orders FOR EACH ROW EXECUTE FUNCTION f()`,
			from, up, down, "trigger g of public.orders fires for UPDATE OF cents"},
		"a trigger that takes rows": {`CREATE TABLE h (LIKE orders); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO h SELECT OLD.*; RETURN NULL; END';
			CREATE TRIGGER g AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION f()`, from, up, down, "function public.f(), of a trigger on public.orders, takes whole rows"},
		"a function with a star":       {`CREATE TABLE h (LIKE orders); CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'INSERT INTO h SELECT o . * FROM orders o'`, from, up, down, "function public.f() names public.orders, and columns by a star"},
		"a function that returns rows": {`CREATE FUNCTION f() RETURNS SETOF orders LANGUAGE plpgsql AS 'BEGIN RETURN; END'`, from, up, down, "function public.f() takes or returns rows of public.orders"},
		"a function that takes a row":  {`CREATE FUNCTION f(orders) RETURNS int LANGUAGE sql AS 'SELECT 1'`, from, up, down, "takes or returns rows of public.orders"},
		"a trigger that always fires": {`CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER g AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION f();
			ALTER TABLE orders ENABLE ALWAYS TRIGGER g`, from, up, down, "trigger g on public.orders would fire for every row that is filled"},
		"another role's trigger that always fires": {`CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; ALTER FUNCTION f() OWNER TO pg_monitor;
			CREATE TRIGGER g BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION f(); ALTER TABLE orders ENABLE ALWAYS TRIGGER g`, from, up, down, "trigger g on public.orders would fire for every row that is filled"},
		"a child": {"CREATE TABLE child () INHERITS (orders)", from, up, down, "is inherited by"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 1, orders+tc.setup)
			f.create(strings.NewReplacer("cents / 100.0", tc.up, "(amount * 100)::integer", tc.down).Replace(money))
			e := f.refused("money", activate)
			if !strings.Contains(fmt.Sprint(e, e.Missing), tc.want) {
				t.Errorf("it is refused with %v %q\nwant %s", e, e.Missing, tc.want)
			}
			if f.hasColumn("orders", "amount") || value[int](f, `SELECT count(*) FROM segue.change`) != 0 {
				t.Error("something was done")
			}
		})
	}
}

func TestTheStatementsOfAChangeArePlannedBeforeAnythingIsDone(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, orders+`CREATE INDEX orders_cents_idx ON orders (cents DESC)`)
	f.create(money)
	steps, err := f.instances[0].Plan(t.Context(), "money")
	if err != nil {
		t.Fatal(err)
	}
	said := fmt.Sprintf("%+v", steps)
	for _, want := range []string{`CREATE INDEX CONCURRENTLY "orders_amount_idx" ON "public"."orders" USING "btree" ("amount" DESC) Lock:SHARE UPDATE EXCLUSIVE`, `DROP INDEX`, `ADD COLUMN "amount" numeric(12,2)`, `CREATE TRIGGER`, `SET DEFAULT 1.00`, `RENAME COLUMN "cents" TO "_segue_old_`, `RENAME COLUMN "amount" TO "_segue_withdrawn_`} {
		if !strings.Contains(said, want) {
			t.Errorf("the plan does not say %s: %s", want, said)
		}
	}
	if f.hasColumn("orders", "amount") {
		t.Error("something was done")
	}
}

func TestAChangeIsFinishedOrUndoneByHand(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before []Request
		to     rules.Phase
	}{
		"finished": {nil, rules.Contracted}, "undone": {nil, rules.RolledBack},
		"finished after cutover": {[]Request{cutover}, rules.Contracted}, "undone after cutover": {[]Request{cutover}, rules.RolledBack},
		"undone after contract": {[]Request{cutover, contract}, rules.RolledBack},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, to := newFleet(t, 1, orders), tc.to
			f.create(money)
			f.must("money", activate)
			f.awaitStage("money", rules.Served)
			f.must("money", tc.before...)
			f.exec(`UPDATE orders SET amount = 77 WHERE id = 1`)
			script, err := f.instances[0].ExitSQL(t.Context(), "money", to)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.instances[0].Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if out, err := f.psql(script); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			i := f.join()
			if got, want := f.phase("money"), to; got != want {
				t.Errorf("the phase is %s", got)
			}
			if err := i.Request(t.Context(), "money", purge); err != nil {
				t.Fatal(err)
			}
			pgtest.Eventually(t, func() bool { return value[int](f, `SELECT count(*) FROM segue.change`) == 0 }, "what is left is purged")
			if f.hasColumn("orders", "amount") != (to == rules.Contracted) || f.hasColumn("orders", "cents") == (to == rules.Contracted) {
				t.Error("the table has other columns")
			}
			if column := map[bool]string{true: "100 * amount", false: "cents"}[to == rules.Contracted]; value[int](f, "SELECT ("+column+")::int FROM orders WHERE id = 1") != 7700 {
				t.Error("what was written is lost")
			}
		})
	}
}

func TestAnOwnerWithoutFurtherRightsChangesColumns(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 0, shop+orders+`
		CREATE TABLE public.log (id int);
		CREATE FUNCTION public.touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'touched'; RETURN NEW; END $$;
		CREATE FUNCTION public.logged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.log VALUES (NEW.id); RETURN NEW; END $$;
		CREATE TRIGGER touched BEFORE UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.touched();
		CREATE TRIGGER logged AFTER UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.logged();`)
	role := f.owner()
	f.exec(`ALTER TABLE orders OWNER TO ` + role + `; ALTER TABLE log OWNER TO ` + role)
	f.join(func(c *Config) { c.Upstream = asRole(f.url, role) })
	f.create(money)
	if e := f.refused("money", activate); len(e.Missing) != 1 || !strings.Contains(e.Missing[0], "trigger logged on public.orders would fire for every row that is filled: GRANT SET ON PARAMETER") {
		t.Errorf("with a trigger that cannot be kept from firing it gives %v %q", e, e.Missing)
	}
	f.exec(`DROP TRIGGER logged ON orders`)
	f.must("money", activate)
	f.awaitStage("money", rules.Served)
	f.inStep("cents")
	if n := value[int](f, `SELECT count(*) FROM orders WHERE note = 'touched'`); n != 0 {
		t.Errorf("a trigger has changed %d rows that were filled", n)
	}
	f.must("money", cutover, rollback, purge)
}

func TestAColumnThatIsDroppedAroundSegueStopsWhatNeedsIt(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, orders)
	f.create(money)
	f.must("money", activate)
	f.awaitStage("money", rules.Served)
	f.exec(`ALTER TABLE orders DROP COLUMN amount CASCADE`)
	for _, i := range f.instances {
		pgtest.Eventually(t, func() bool {
			o := i.Outage()
			return o != nil && o.Kind == WrongNames && strings.Contains(o.Reason, `table public.orders should have a column amount, but has none of that name`)
		}, "the instance says what is missing")
	}
	if e := f.refused("money", cutover); !strings.Contains(e.Message, "should have a column amount") {
		t.Errorf("cutover gives %v", e)
	}
}

func TestAnIndexOrCheckWithoutACounterpartIsFound(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, orders+`CREATE INDEX dear ON orders (cents) WHERE note IS NOT NULL; CREATE INDEX odd ON orders ((cents % 2)); CREATE INDEX noted ON orders (note);
		ALTER TABLE orders ADD CONSTRAINT positive CHECK (cents >= 0)`)
	f.create(money)
	f.must("money", activate)
	f.awaitStage("money", rules.Served)
	found := func(id string) (out []string) {
		all, err := f.instances[0].Assess(t.Context(), "money")
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range all {
			if one.ID == id {
				out = append(out, one.Object)
			}
		}
		return out
	}
	indexes := func() []string { return found("change-index") }
	if got := indexes(); len(got) != 1 || got[0] != "index public.odd" {
		t.Errorf("found are %v", got)
	}
	f.exec(`DROP INDEX odd, _segue_index_1_1_1; CREATE INDEX late ON orders (cents, note)`)
	if got := strings.Join(indexes(), ","); got != "index public.dear,index public.late" {
		t.Errorf("found are %v", got)
	}
	f.exec(`CREATE INDEX dear_amount ON orders (amount) WHERE note IS NOT NULL; CREATE INDEX later ON orders (amount, note)`)
	if got := indexes(); len(got) != 0 {
		t.Errorf("with a counterpart %v are found", got)
	}
	if got := found("change-check"); len(got) != 1 || got[0] != "constraint positive on public.orders" {
		t.Errorf("found are %v", got)
	}
	if e := f.refused("money", cutover); !strings.Contains(e.Message, "the new columns lack what the old ones have") || len(e.Missing) != 1 || !strings.Contains(e.HintCLI, "segue cutover money --accept-difference NAME") {
		t.Errorf("cutover gives %v %q %s", e, e.Missing, e.HintCLI)
	}
	accepted := cutover
	accepted.AcceptDifferences = []string{"positive on public.orders"}
	f.must("money", accepted)
	if n := value[int](f, `SELECT count(*) FROM segue.audit WHERE detail = 'cutover; accepted without counterpart: positive on public.orders'`); n != 1 {
		t.Error("what was accepted is not in the audit")
	}
	if got := found("change-check"); len(got) != 1 {
		t.Errorf("after cutover %v are found", got)
	}
	f.exec(`ALTER TABLE orders ADD CONSTRAINT positive_amount CHECK (amount >= 0) NOT VALID`)
	if got := found("change-check"); len(got) != 0 {
		t.Errorf("with a counterpart %v are found", got)
	}
}

func TestContractIsRefusedWhileABodyNamesAnOldColumn(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, orders+`CREATE FUNCTION public.total() RETURNS bigint LANGUAGE sql AS 'SELECT sum(cents) FROM public.orders';
		CREATE FUNCTION public.other() RETURNS int LANGUAGE sql AS 'SELECT 100 AS cents';`)
	f.create(money)
	f.must("money", activate)
	f.awaitStage("money", rules.Served)
	f.must("money", cutover)
	if e := f.refused("money", contract); len(e.Missing) != 1 || !strings.Contains(e.Missing[0], "function public.total() names cents") {
		t.Errorf("contract gives %v %q", e, e.Missing)
	}
	f.exec(`DROP FUNCTION public.total()`)
	f.must("money", contract, purge)
}

func TestPurgeSaysWhatNeedsTheColumns(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, orders+`CREATE VIEW public.sums AS SELECT sum(cents) FROM public.orders`)
	f.create(money)
	f.must("money", activate)
	f.awaitStage("money", rules.Served)
	f.must("money", cutover, contract)
	if e := f.refused("money", purge); !strings.Contains(e.Error(), "view public.sums depends on column _segue_old_") || !strings.Contains(e.Error(), "drop or change what depends on") {
		t.Errorf("purge gives %v", e)
	}
	if got := value[int64](f, `SELECT * FROM sums`); got != 20010000 {
		t.Errorf("the view shows %d", got)
	}
	f.exec(`DROP VIEW public.sums`)
	f.must("money", purge)
}

// After contract the way back is there as long as what was taken is, and is refused with the reason otherwise.
func TestWhatHasNoWayBackFromContractSaysWhy(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, orders+`CREATE TABLE public.other (id int PRIMARY KEY, name text)`)
	f.create(money)
	f.must("money", activate)
	f.awaitStage("money", rules.Served)
	f.must("money", cutover, contract)

	tr := f.traffics[1]
	app := pgtest.Connect(t, f.url)
	tr.set(func() {
		tr.sessions = []SessionInfo{{PID: app.PgConn().PID(), User: "app", Application: "web", Version: "money"}, {PID: 1, Version: "base"}, {PID: 2}}
	})
	if e := f.refused("money", rollback); len(e.Blockers) != 1 || e.Blockers[0].PID != app.PgConn().PID() {
		t.Errorf("with a session of the version that goes: %v, %+v", e, e.Blockers)
	}
	tr.set(func() { tr.sessions = nil })
	if e := f.refused("money", backToActive); !strings.Contains(e.Hint, "segue rollback without it") {
		t.Errorf("back to active: %v (%s)", e, e.Hint)
	}

	f.create("id: label\ncontract_after: 0s\noperations:\n  - rename_column: { table: public.other, from: name, to: label }\n")
	f.must("label", activate)
	if e := f.refused("money", rollback); !strings.Contains(e.Message, `"label" is live`) {
		t.Errorf("beside another migration: %v", e)
	}
	f.must("label", cutover, contract)
	if e := f.refused("label", rollback); !strings.Contains(e.Message, "contracted") || e.Hint == "" {
		t.Errorf("of a rename: %v", e)
	}
	f.must("money", purge)
	if e := f.refused("money", rollback); !strings.Contains(e.Message, "nothing of the old columns is left") {
		t.Errorf("after purge: %v", e)
	}

	f.create(strings.NewReplacer("id: money", "id: dollars", "cents", "amount", "name: amount", "name: amount", "numeric(12,2)", "bigint",
		"{ amount: amount / 100.0 }", "{ amount: amount * 100 }", "(amount * 100)::integer", "amount / 100").Replace(money))
	f.must("dollars", activate)
	f.awaitStage("dollars", rules.Served)
	f.must("dollars", cutover, contract)
	if e := f.refused("dollars", rollback); !strings.Contains(e.Message, "has the name of an old one") {
		t.Errorf("where a name is used again: %v", e)
	}
}
