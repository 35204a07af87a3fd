package proxy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rules"
)

// openShop starts a proxy with a migration in phase active, and returns the table under it.
func openShop(t *testing.T, change ...func(*Config)) (*running, catalog.OID) {
	t.Helper()
	p := openProxy(t, change...)
	p.run(people, "CREATE TABLE orders (id serial, individual int REFERENCES individual (id)); CREATE TABLE other (n int)")
	p.phase(1, rules.Active)
	return p, p.Server.epoch.Load().binder.Snapshot().Tables[0]
}

// locks asks pg_locks, as an instance does.
func (r *running) locks() migrate.HoldsLock {
	r.t.Helper()
	pool, err := pgxpool.New(context.Background(), r.direct)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(pool.Close)
	return func(ctx context.Context, pids []uint32, tables []catalog.OID) (map[uint32]bool, error) {
		rows, err := pool.Query(ctx, `SELECT DISTINCT pid FROM pg_locks WHERE granted AND locktype = 'relation'
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND pid = ANY($1::int8[]::int[]) AND relation = ANY($2::int8[]::oid[])`, widen(pids), widen(tables))
		if err != nil {
			return nil, err
		}
		holders := make(map[uint32]bool)
		found, err := pgx.CollectRows(rows, pgx.RowTo[int32])
		for _, pid := range found {
			holders[uint32(pid)] = true
		}
		if err != nil {
			return nil, err
		}
		// A lock that was got behind the DDL is none that keeps it away: read after the locks, the names must be the old.
		var names []string
		err = pool.QueryRow(ctx, `SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute
			WHERE attrelid = $1 AND attnum > 0`, uint32(tables[0])).Scan(&names)
		for _, c := range r.Server.epoch.Load().binder.Snapshot().Catalog.Relation(tables[0]).Columns {
			if !slices.Contains(names, c.Name) {
				return nil, err
			}
		}
		return holders, err
	}
}

func widen[T ~uint32](in []T) []int64 {
	out := make([]int64, len(in))
	for i, n := range in {
		out[i] = int64(n)
	}
	return out
}

// closeGate closes the gate and waits until all are drained.
func (r *running) closeGate(tables ...catalog.OID) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), pgtest.Patience)
	defer cancel()
	if err := r.Hold(ctx, tables, r.locks()); err != nil {
		r.t.Fatalf("Hold: %v", err)
	}
}

// held waits until so many sessions are held.
func (r *running) held(n int) {
	r.t.Helper()
	pgtest.Eventually(r.t, func() bool {
		waiting := 0
		for _, s := range r.Sessions() {
			if s.Held {
				waiting++
			}
		}
		return waiting == n
	}, "the number of held sessions")
}

func TestAHeldStatementGoesOnInTheNewLens(t *testing.T) {
	t.Parallel()
	texts := map[string][]byte{
		"a simple query":    simple("UPDATE individual SET last_name = 'x' WHERE last_name = 'Moss' RETURNING last_name"),
		"an extended query": messages(parse("", "SELECT last_name FROM individual WHERE id = $1::int"), bind("", "", []byte("1")), execute(""), syncMsg()),
		"a bind":            messages(bind("", "s", []byte("1")), execute(""), syncMsg()),
		"copy":              simple("COPY individual (last_name) TO STDOUT"),
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, table := openShop(t)
			c := p.login()
			c.Say(messages(parse("s", "SELECT last_name FROM individual WHERE id = $1::int"), syncMsg()))
			c.HearUntil(wire.ReadyForQuery)
			p.closeGate(table)
			c.Say(messages(simple("SELECT 1"), text))
			c.HearUntil(wire.ReadyForQuery) // what came before is not held
			p.held(1)
			p.run(renameThere)
			p.Open(p.snapshot(2, migration(t, 1, rules.Cutover, surname)))
			c.HearUntil(wire.ReadyForQuery)
			p.held(0)
		})
	}
}

func TestStatementsOnOtherTablesAreNotHeld(t *testing.T) {
	t.Parallel()
	p, table := openShop(t)
	p.closeGate(table)
	c := p.login()
	c.Say(messages(simple("SELECT * FROM other; INSERT INTO other VALUES (1)"), parse("", "SELECT n FROM other"), bind("", ""), execute(""), syncMsg()))
	c.HearUntil(wire.ReadyForQuery)
	c.HearUntil(wire.ReadyForQuery)
}

func TestHoldWaitsForWhatIsInFlightWithoutALock(t *testing.T) {
	t.Parallel()
	p, table := openShop(t)
	blocker := pgtest.Connect(t, p.direct)
	tx, err := blocker.Begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(context.Background(), "LOCK individual"); err != nil {
		t.Fatal(err)
	}
	c := p.login()
	c.Say(simple("SELECT last_name FROM individual"))
	pgtest.Eventually(t, func() bool {
		var n int
		err := tx.QueryRow(context.Background(), "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'individual'::regclass").Scan(&n)
		return err == nil && n == 1
	}, "the statement waits for the lock")
	short, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := p.Hold(short, []catalog.OID{table}, p.locks()); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Hold: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- p.Hold(context.Background(), []catalog.OID{table}, p.locks()) }()
	if err := tx.Rollback(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	c.HearUntil(wire.ReadyForQuery)
}

func TestHoldDoesNotWaitForAStatementWhoseLockKeepsTheDDLAway(t *testing.T) {
	t.Parallel()
	p, table := openShop(t)
	c := p.login()
	c.Say(messages(parse("", "SELECT last_name FROM individual"), bind("", ""), execute(""), flush()))
	c.HearUntil(wire.CommandComplete)
	p.closeGate(table) // the group is open, and its implicit transaction holds the lock
	c.Say(messages(bind("", ""), execute(""), syncMsg()))
	if got := c.HearUntil(wire.ReadyForQuery); got != "2DDDCZ" {
		t.Errorf("heard %q", got)
	}
	c.Say(messages(bind("", ""), execute(""), syncMsg()))
	p.held(1)
	p.phase(2, rules.Cutover, renameThere)
	if got := c.HearUntil(wire.ReadyForQuery); got != "2DDDCZ" {
		t.Errorf("heard %q", got)
	}
}

func TestASessionThatHoldsALockPassesTheGate(t *testing.T) {
	t.Parallel()
	ways := map[string]string{
		"from the statement itself": "SELECT last_name FROM individual FOR UPDATE",
		"through a foreign key":     "INSERT INTO orders (individual) VALUES (1)",
	}
	for name, first := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, table := openShop(t)
			c := p.login()
			c.Say(messages(simple("BEGIN"), simple(first)))
			c.HearUntil(wire.ReadyForQuery)
			c.HearUntil(wire.ReadyForQuery)
			p.closeGate(table)
			c.Say(messages(simple("SELECT last_name FROM individual"), simple("COMMIT"), simple("SELECT last_name FROM individual")))
			c.HearUntil(wire.ReadyForQuery)
			c.HearUntil(wire.ReadyForQuery)
			p.held(1)
			p.phase(2, rules.Cutover, renameThere)
			c.HearUntil(wire.ReadyForQuery)
		})
	}
}

func TestALockThatWasRolledBackDoesNotPass(t *testing.T) {
	t.Parallel()
	p, table := openShop(t)
	c := p.login()
	c.Say(messages(simple("BEGIN"), simple("SAVEPOINT s"), simple("SELECT last_name FROM individual"), simple("ROLLBACK TO s")))
	for range 4 {
		c.HearUntil(wire.ReadyForQuery)
	}
	p.closeGate(table)
	c.Say(simple("SELECT last_name FROM individual"))
	p.held(1)
	p.phase(2, rules.Cutover, renameThere)
	c.HearUntil(wire.ReadyForQuery)
}

func TestAFailedTransactionIsNotHeld(t *testing.T) {
	t.Parallel()
	p, table := openShop(t)
	c := p.login()
	c.Say(messages(simple("BEGIN"), simple("SELECT 1/0")))
	c.HearUntil(wire.ReadyForQuery)
	c.HearError()
	c.Hear(wire.ReadyForQuery)
	p.closeGate(table)
	c.Say(simple("SELECT last_name FROM individual"))
	if e := c.HearError(); e.Code != "25P02" {
		t.Errorf("%v", e)
	}
	c.Hear(wire.ReadyForQuery)
	c.Say(simple("ROLLBACK; SELECT last_name FROM individual")) // but what comes after its end is
	p.held(1)
	p.phase(2, rules.Cutover, renameThere)
	if got := c.HearUntil(wire.ReadyForQuery); got != "CTDDDCZ" {
		t.Errorf("heard %q", got)
	}
}

func TestSeveralStatementsInAFailedTransactionOfWhichNothingIsKnownAreBoundOneByOne(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(people)
	c := p.login()
	c.Say(messages(simple("BEGIN"), simple("SELECT 1/0")))
	c.HearUntil(wire.ReadyForQuery)
	c.HearError()
	c.Hear(wire.ReadyForQuery)
	p.phase(1, rules.Cutover, renameThere)
	c.Say(simple("ROLLBACK; SELECT last_name FROM individual"))
	if got := c.HearUntil(wire.ReadyForQuery); got != "CTDDDCZ" {
		t.Errorf("heard %q", got)
	}
}

func TestAHeldStatementCanBeCancelled(t *testing.T) {
	t.Parallel()
	for name, texts := range map[string][2][]byte{
		"a simple query":    {nil, simple("SELECT last_name FROM individual")},
		"a parse":           {nil, messages(parse("x", "SELECT last_name FROM individual"), bind("", "x"), execute(""), syncMsg())},
		"a bind":            {messages(parse("x", "SELECT last_name FROM individual"), syncMsg()), messages(bind("", "x"), execute(""), syncMsg())},
		"in a transaction":  {simple("BEGIN"), simple("SELECT last_name FROM individual")},
		"a describe":        {messages(parse("x", "SELECT last_name FROM individual"), syncMsg()), messages(describe("x"), syncMsg())},
		"behind a pipeline": {nil, messages(parse("", "SELECT 1"), bind("", ""), execute(""), parse("x", "SELECT last_name FROM individual"), bind("", "x"), execute(""), syncMsg())},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, table := openShop(t)
			c := wiretest.Dial(t, p.addr)
			c.Hello(p.database)
			var pid uint32
			var key []byte
			for {
				f, err := c.In.Next()
				if err != nil {
					t.Fatal(err)
				}
				if f.Type == wire.BackendKeyData {
					p, k, _ := wire.DecodeBackendKeyData(f.Body)
					pid, key = p, append(key, k...)
				}
				if f.Type == wire.ReadyForQuery {
					break
				}
			}
			if texts[0] != nil {
				c.Say(texts[0])
				c.HearUntil(wire.ReadyForQuery)
			}
			p.closeGate(table)
			c.Say(texts[1])
			p.held(1)
			killer := wiretest.Dial(t, p.addr)
			killer.Say(wire.AppendCancelRequest(nil, pid, key))
			killer.HearEnd()
			if e := c.HearError(); e.Code != "57014" {
				t.Errorf("%v", e)
			}
			status := c.Hear(wire.ReadyForQuery)
			if want := map[bool]string{true: "E", false: "I"}[name == "in a transaction"]; string(status) != want {
				t.Errorf("status %q, want %q", status, want)
			}
			p.Open(p.Server.epoch.Load().binder.Snapshot())
			c.Say(simple("ROLLBACK; SELECT last_name FROM individual"))
			c.HearUntil(wire.ReadyForQuery)
		})
	}
}

func TestAClientMayLeaveWhileItIsHeld(t *testing.T) {
	t.Parallel()
	p, table := openShop(t)
	p.closeGate(table)
	c := p.login()
	c.Say(simple("DELETE FROM individual"))
	p.held(1)
	c.Close()
	pgtest.Eventually(t, func() bool { return len(p.Sessions()) == 0 }, "the session ends")
	p.Open(p.Server.epoch.Load().binder.Snapshot())
	var n int
	if err := pgtest.Connect(t, p.direct).QueryRow(context.Background(), "SELECT count(*) FROM individual").Scan(&n); err != nil || n != 3 {
		t.Errorf("%d rows, %v", n, err)
	}
}

func TestAHeldSessionGoesOnThoughTheClientSendsMore(t *testing.T) {
	t.Parallel()
	p, table := openShop(t)
	p.closeGate(table)
	c := p.login()
	c.Say(simple("SELECT last_name FROM individual"))
	p.held(1)
	more := make(chan struct{})
	go func() {
		defer close(more)
		c.Say(messages(simple("SELECT 2"), simple("SELECT length('"+padding(200000)+"')"), simple("SELECT 3")))
	}()
	p.phase(2, rules.Cutover, renameThere)
	for range 4 {
		c.HearUntil(wire.ReadyForQuery)
	}
	<-more
}

func TestASuspendedInstanceHoldsAndGivesUpAfterTheHoldTimeout(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t, func(c *Config) { c.HoldTimeout = 100 * time.Millisecond })
	busy := p.login()
	busy.Say(messages(simple("BEGIN"), simple("SELECT last_name FROM individual")))
	busy.HearUntil(wire.ReadyForQuery)
	busy.HearUntil(wire.ReadyForQuery)
	why := &migrate.Outage{Kind: migrate.WrongNames, Reason: "migration x cannot be served", Mend: []string{"ALTER TABLE x"}}
	p.Suspend(why)
	c := p.login()
	c.Say(simple("SELECT * FROM other"))
	c.HearUntil(wire.ReadyForQuery)
	c.Say(simple("SELECT last_name FROM individual"))
	if e := c.HearError(); e.Code != "55P03" || !strings.HasSuffix(e.Message, ": "+why.Reason) || e.Hint != why.Hint() || !strings.Contains(e.Hint, "ALTER TABLE x") {
		t.Errorf("%v", e)
	}
	c.Hear(wire.ReadyForQuery)
	busy.Say(simple("SELECT last_name FROM individual")) // its lock keeps everybody's DDL away
	busy.HearUntil(wire.ReadyForQuery)
}

func TestASuspendedInstanceServesAgainWhenItIsOpened(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t)
	p.Suspend(&migrate.Outage{Kind: migrate.OutOfTouch})
	c := p.login()
	c.Say(simple("SELECT last_name FROM individual"))
	p.held(1)
	p.Open(p.Server.epoch.Load().binder.Snapshot())
	c.HearUntil(wire.ReadyForQuery)
}

func TestPipelinedGroupsAreAllAwaited(t *testing.T) {
	t.Parallel()
	p, table := openShop(t)
	c := p.login()
	group := messages(parse("", "SELECT last_name FROM individual"), bind("", ""), execute(""), syncMsg())
	many := messages()
	for range 200 {
		many = append(many, group...)
	}
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for range 200 {
			c.HearUntil(wire.ReadyForQuery)
		}
	}()
	c.Say(many)
	p.closeGate(table)
	p.run(renameThere) // whatever was sent has been answered, and the rest is held
	p.Open(p.snapshot(2, migration(t, 1, rules.Cutover, surname)))
	<-heard
}

func TestAGroupThatCommitsInsideIsAwaited(t *testing.T) {
	t.Parallel()
	p, table := openShop(t)
	c := p.login()
	c.Say(simple("SELECT last_name FROM individual"))
	c.HearUntil(wire.ReadyForQuery)
	run := func(sql string) []byte { return messages(parse("", sql), bind("", ""), execute("")) }
	c.Say(messages(run("BEGIN"), run("SELECT last_name FROM individual FOR UPDATE"), run("COMMIT"), flush()))
	for range 3 {
		c.HearUntil(wire.CommandComplete)
	}
	short, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := p.Hold(short, []catalog.OID{table}, p.locks()); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Hold: %v", err)
	}
	c.Say(messages(syncMsg(), run("SELECT last_name FROM individual"), syncMsg()))
	c.HearUntil(wire.ReadyForQuery)
	p.closeGate(table)
	p.held(1)
	p.phase(2, rules.Cutover, renameThere)
	c.HearUntil(wire.ReadyForQuery)
}

func TestATransactionThatLocksFirstHasItsSnapshotBehindTheLock(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t)
	writer := pgtest.Connect(t, p.direct)
	tx, err := writer.Begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(context.Background(), "INSERT INTO individual VALUES (4, 'late')"); err != nil {
		t.Fatal(err)
	}
	c := p.login()
	c.Say(messages(simple("BEGIN ISOLATION LEVEL REPEATABLE READ"), simple("LOCK TABLE individual IN SHARE MODE"),
		simple("SELECT last_name FROM individual WHERE id = 4"), simple("COMMIT")))
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
}

// Making a binder takes long where there are many tables, and who serves sessions replaces the epoch, too: for what they make.
func TestTheEpochCanBeReplacedWhileABinderIsMade(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t)
	begun, goOn, opened := make(chan bool), make(chan bool), make(chan bool)
	p.binderAfter = func(old *rewrite.Binder, snap *rules.Snapshot) *rewrite.Binder {
		close(begun)
		<-goOn
		return old.Successor(snap, p.cfg.Rewrite)
	}
	snap := p.snapshot(2, migration(t, 1, rules.Active, surname))
	go func() {
		defer close(opened)
		p.Open(snap)
	}()
	<-begun
	mine, replaced := new(made), make(chan bool)
	go func() {
		defer close(replaced)
		p.replace(func(e *epoch) { e.made = mine })
	}()
	select {
	case <-replaced:
	case <-time.After(pgtest.Patience):
		t.Error("the epoch cannot be replaced")
	}
	close(goOn)
	<-opened
	<-replaced
	if now := p.Server.epoch.Load(); now.binder.Snapshot() != snap || now.made != mine {
		t.Errorf("the snapshot is in force: %v; what was made meanwhile is known: %v", now.binder.Snapshot() == snap, now.made == mine)
	}
}
