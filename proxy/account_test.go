package proxy

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rules"
)

// runExtended sends a statement through the unnamed statement of the extended protocol.
func runExtended(sql string) []byte { return messages(parse("", sql), bind("", ""), execute("")) }

// TestWhatIsPreparedIsTheSameInEveryPhase has statements prepared before anything is live, and in each phase uses them as the
// client may: what it hears never changes.
func TestWhatIsPreparedIsTheSameInEveryPhase(t *testing.T) {
	t.Parallel()
	const one = "SELECT to_json(i) FROM individual i WHERE id = $1::int"
	for name, c := range map[string]struct {
		first []byte // up to a ReadyForQuery
		ready string
		use   []byte
		until string
	}{
		"what a Parse has made, by EXECUTE": {messages(parse("s", one), syncMsg()), "Z", simple("EXECUTE s (1)"), "Z"},
		"what a PREPARE has made, by Bind":  {simple("PREPARE p AS " + one), "Z", messages(bind("", "p", []byte("1")), describePortal(""), execute(""), syncMsg()), "Z"},
		"by CREATE TABLE AS": {simple("PREPARE p AS SELECT last_name FROM individual"), "Z",
			simple("CREATE TEMP TABLE x AS EXECUTE p; SELECT last_name FROM x; DROP TABLE x"), "Z"},
		"by an EXECUTE in a block": {simple("PREPARE p AS SELECT last_name FROM individual"), "Z",
			simple("DO $$ DECLARE r text; BEGIN EXECUTE 'EXECUTE p' INTO r; RAISE NOTICE '%', r; END $$"), "Z"},
		"by an EXECUTE that was prepared": {messages(parse("s", one), parse("e", "EXECUTE s (2)"), syncMsg()), "Z",
			messages(bind("", "e"), describePortal(""), execute(""), syncMsg()), "Z"},
		"the last of two in one string": {simple("PREPARE p AS SELECT 'first', id FROM individual; DEALLOCATE p; PREPARE p AS SELECT 'second', last_name FROM individual WHERE id = 1"), "Z",
			simple("EXECUTE p"), "Z"},
		"the first of two in one string that fails": {simple("PREPARE p AS SELECT 'first', last_name FROM individual WHERE id = 1; PREPARE p AS SELECT 'second', id FROM individual"), "Z",
			simple("EXECUTE p"), "Z"},
		"behind a group that fails": {messages(parse("f", "SELECT 1 / $1::int, last_name FROM individual"), parse("s", one), syncMsg()), "Z",
			messages(bind("", "f", []byte("0")), execute(""), bind("", "s", []byte("1")), execute(""), syncMsg(), bind("", "s", []byte("2")), execute(""), syncMsg()), "ZZ"},
		"behind a Close and a Parse that were skipped": {messages(parse("s", one), syncMsg()), "Z",
			messages(bind("", "s", []byte("x")), execute(""), closing("s"), parse("s", "SELECT id AS last_name FROM individual"), syncMsg(),
				bind("", "s", []byte("1")), describePortal(""), execute(""), syncMsg()), "ZZ"},
		"a text in LATIN1": {messages(simple("SET client_encoding TO latin1"), parse("s", "SELECT '\xe9', last_name FROM individual WHERE id = 1"),
			syncMsg(), simple("PREPARE p AS SELECT '\xe9', last_name FROM individual WHERE id = 2"), simple("SET client_encoding TO utf8")), "ZZZZ",
			messages(bind("", "s"), execute(""), syncMsg(), simple("EXECUTE p")), "ZZ"},
		"a text with backslashes": {messages(parse("s", `SELECT 'a\\b', last_name FROM individual WHERE id = 1`), syncMsg(), simple("SET standard_conforming_strings TO off")), "ZZ",
			messages(bind("", "s"), execute(""), syncMsg()), "Z"},
		"PREPARE and EXECUTE in one group": {syncMsg(), "Z",
			messages(runExtended("PREPARE p AS "+one), runExtended("EXECUTE p (1)"), runExtended("DEALLOCATE p"), syncMsg()), "Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := openProxy(t)
			p.run(people)
			cl := p.loginBase()
			hears(cl, step{c.first, c.ready})
			want := hears(cl, step{c.use, c.until})
			p.phases(func(phase string) {
				if diff := cmp.Diff(want, hears(cl, step{c.use, c.until})); diff != "" {
					t.Errorf("%s, the client hears (-before +now):\n%s", phase, diff)
				}
			})
		})
	}
}

func TestAStatementThatCannotBePreparedAnewIsAsItWas(t *testing.T) {
	t.Parallel()
	for name, c := range map[string][2][]byte{
		"by PREPARE":                  {simple("PREPARE p AS SELECT last_name FROM individual WHERE id = 1"), simple("EXECUTE p")},
		"by Parse":                    {messages(parse("p", "SELECT last_name FROM individual WHERE id = 1"), syncMsg()), messages(bind("", "p"), execute(""), syncMsg())},
		"by Parse, used by EXECUTE":   {messages(parse("p", "SELECT last_name FROM individual WHERE id = 1"), syncMsg()), simple("EXECUTE p")},
		"the unnamed, by Parse alone": {messages(parse("", "SELECT last_name FROM individual WHERE id = 1"), syncMsg()), messages(bind("", ""), execute(""), syncMsg())},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := openProxy(t)
			p.run(people)
			p.phase(1, rules.Active)
			cl := p.loginBase()
			hears(cl, step{simple("SET lock_timeout = '20ms'"), "Z"})
			hears(cl, step{c[0], "Z"})
			want := hears(cl, step{c[1], "Z"})
			p.phase(2, rules.Cutover, renameThere)
			tx, err := pgtest.Connect(t, p.direct).Begin(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(context.Background(), "LOCK individual"); err != nil {
				t.Fatal(err)
			}
			if heard := strings.Join(hears(cl, step{c[1], "Z"}), " "); !strings.Contains(heard, "C=55P03") {
				t.Errorf("while the table is locked the client hears %s", heard)
			}
			if err := tx.Rollback(context.Background()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, hears(cl, step{c[1], "Z"})); diff != "" {
				t.Errorf("afterwards it hears (-before +now):\n%s", diff)
			}
		})
	}
}

func TestAPrepareThatFailsOrIsNotSeenChangesWhatTheServerSays(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]script{
		"of a name that exists": {
			{simple("PREPARE p AS SELECT last_name FROM individual"), "Z"}, {simple("PREPARE p AS SELECT 'other'"), "Z"}, {simple("EXECUTE p"), "Z"},
		},
		"in a block": {
			{simple("DO $$ BEGIN EXECUTE 'PREPARE p AS SELECT last_name FROM individual'; END $$"), "Z"},
			{simple("EXECUTE p"), "Z"}, {simple("EXECUTE p"), "Z"},
		},
		"that another one in a block has replaced": {
			{simple("PREPARE p AS SELECT last_name FROM individual"), "Z"},
			{simple("DO $$ BEGIN EXECUTE 'DEALLOCATE p'; EXECUTE 'PREPARE p AS SELECT first FROM other'; END $$"), "Z"},
			{simple("EXECUTE p"), "Z"},
		},
		"in a transaction that is rolled back": {
			{messages(simple("BEGIN"), simple("PREPARE p AS SELECT last_name FROM individual"), simple("ROLLBACK"), simple("EXECUTE p")), "ZZZZ"},
		},
		"that a temporary table gives another meaning": {
			{simple("SELECT 1; PREPARE p AS SELECT last_name FROM individual"), "Z"}, {simple("PREPARE longer_name (int) AS SELECT last_name FROM individual"), "Z"},
			{simple("CREATE TEMP TABLE individual (n int)"), "Z"}, {simple("EXECUTE p"), "Z"}, {simple("EXECUTE longer_name (1)"), "Z"},
		},
		"behind an error": {
			{messages(simple("SELECT 1/0; PREPARE p AS SELECT last_name FROM individual"), simple("EXECUTE p")), "ZZ"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			schema := people + "; CREATE TABLE other (first text)"
			if diff := cmp.Diff(s.directly(t, schema), s.renamed(t, schema)); diff != "" {
				t.Errorf("the client sees (-directly +through the proxy):\n%s", diff)
			}
		})
	}
}

// TestNoQuestionTakesTheSnapshotBeforeALock has a row committed while LOCK waits, in a transaction that has changed what
// names mean before.
func TestNoQuestionTakesTheSnapshotBeforeALock(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"a search_path":      "SET LOCAL search_path TO public",
		"the same, behind":   "SET LOCAL search_path TO pg_catalog, public",
		"a role":             "SET LOCAL ROLE postgres",
		"no change":          "SHOW search_path",
		"a level afterwards": "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := openProxy(t, func(c *Config) {
				c.SearchPath = func(context.Context, string, string) ([]string, error) { return []string{"public"}, nil }
			})
			p.run(people)
			p.phase(1, rules.Cutover, renameThere)
			writer := pgtest.Connect(t, p.direct)
			tx, err := writer.Begin(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(context.Background(), "INSERT INTO individual VALUES (4, 'late')"); err != nil {
				t.Fatal(err)
			}
			c := p.loginBase()
			hears(c, step{simple("SELECT last_name FROM individual"), "Z"})
			c.Say(messages(simple("BEGIN ISOLATION LEVEL REPEATABLE READ"), simple(change), simple("LOCK TABLE individual IN SHARE MODE"),
				simple("SELECT last_name FROM individual WHERE id = 4"), simple("COMMIT")))
			c.HearUntil(wire.ReadyForQuery)
			c.HearUntil(wire.ReadyForQuery)
			watch := pgtest.Connect(t, p.direct)
			pgtest.Eventually(t, func() bool {
				var n int
				err := watch.QueryRow(context.Background(), "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'individual'::regclass").Scan(&n)
				return err == nil && n == 1
			}, "LOCK waits")
			if err := tx.Commit(context.Background()); err != nil {
				t.Fatal(err)
			}
			c.HearUntil(wire.ReadyForQuery)
			if got := c.HearUntil(wire.ReadyForQuery); got != "TDCZ" {
				t.Errorf("heard %q: what was committed before the lock is not seen", got)
			}
		})
	}
}

func TestWhatIsHeldIsNotIdle(t *testing.T) {
	t.Parallel()
	p, table := openShop(t)
	c := p.login()
	p.closeGate(table)
	c.Say(messages(simple("BEGIN"), simple("SET LOCAL idle_in_transaction_session_timeout = '4s'"), simple("SELECT last_name FROM individual")))
	p.held(1)
	watch := pgtest.Connect(t, p.direct)
	pgtest.Eventually(t, func() bool {
		var young int
		err := watch.QueryRow(context.Background(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND query LIKE 'SET LOCAL idle_%' AND pg_catalog.clock_timestamp() < state_change + interval '5s'`).Scan(&young)
		return err == nil && young == 0
	}, "the session has been held for longer than the server waits for one that is idle")
	p.Open(p.Server.epoch.Load().binder.Snapshot())
	c.HearUntil(wire.ReadyForQuery)
	c.HearUntil(wire.ReadyForQuery)
	if got := c.HearUntil(wire.ReadyForQuery); got != "TDDDCZ" {
		t.Errorf("heard %q", got)
	}
	c.Say(simple("COMMIT"))
	c.HearUntil(wire.ReadyForQuery)
}

func TestASearchPathIsWhatPostgresMakesOfIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ path, before, want []string }{
		{[]string{"public"}, []string{"pg_catalog"}, []string{"pg_catalog", "public"}},
		{[]string{"public", "pg_catalog"}, nil, []string{"public", "pg_catalog"}},
		{[]string{"public"}, []string{"pg_temp_3", "pg_catalog"}, []string{"pg_temp_3", "pg_catalog", "public"}},
		{[]string{"public", "pg_temp"}, []string{"pg_temp_3"}, []string{"pg_catalog", "public", "pg_temp_3"}},
		{[]string{"public", "pg_temp"}, nil, []string{"pg_catalog", "public"}},
	} {
		if got := effectivePath(slices.Clone(c.path), c.before); !slices.Equal(got, c.want) {
			t.Errorf("%q after %q: %q, want %q", c.path, c.before, got, c.want)
		}
	}
}
