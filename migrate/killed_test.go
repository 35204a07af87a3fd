package migrate

import (
	"context"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// A killer ends leaders in the middle of the transaction that makes a transition: before one of its first statements, the next one some statements later, and
// so on, at last one before it commits. The one that gets through then is ended when it has committed.
type killer struct {
	t    *testing.T
	f    *fleet
	kill func(*pgx.Conn)

	mu     sync.Mutex
	begun  map[*pgx.Conn]int // statements of the transaction that is open; less than 2: it is not known yet what it does
	at     int               // how many of them the next one comes to
	spares bool              // who commits
	states []string          // after each end, of one transition
	made   [][]string        // the same of those that are made
}

// stride is how many statements lie between two ends. Where the first one comes is another place each time that the test runs.
const stride = 3

// beginsCommit is the first statement of the transaction that makes a transition, and others.
var beginsCommit = regexp.MustCompile(`^SET LOCAL lock_timeout = \d+; SET LOCAL statement_timeout = [1-9]`)

// TraceQueryStart implements pgx.QueryTracer.
func (k *killer) TraceQueryStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	k.mu.Lock()
	defer k.mu.Unlock()
	n, open := k.begun[conn]
	switch limits := beginsCommit.MatchString(data.SQL); {
	case strings.HasPrefix(data.SQL, "begin"):
		k.begun[conn] = 0
	case !open, n == 0 && !limits, n == 1 && !strings.Contains(data.SQL, "segue.epoch"):
		delete(k.begun, conn)
	case n > 0 && limits: // again, before each statement of DDL
	case data.SQL == "commit" && !k.spares:
		k.spares = true
		k.end(conn)
	case n > 0 && n == k.at:
		k.at += stride
		k.end(conn)
	default:
		k.begun[conn]++
	}
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (k *killer) TraceQueryEnd(_ context.Context, conn *pgx.Conn, data pgx.TraceQueryEndData) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.begun[conn] > 0 && data.Err == nil && data.CommandTag.String() == "COMMIT" {
		k.end(conn)
		k.made = append(k.made, k.states)
		k.begin()
	}
}

// begin begins with the next transition.
func (k *killer) begin() { k.at, k.spares, k.states = 1+rand.N(stride), false, nil }

// end ends a leader, and looks what it has left.
func (k *killer) end(conn *pgx.Conn) {
	delete(k.begun, conn)
	pid := conn.PgConn().PID()
	k.kill(conn)
	there := true
	for until := time.Now().Add(pgtest.Patience); there && time.Now().Before(until); {
		if err := k.f.db.QueryRow(k.t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)`, pid).Scan(&there); err != nil {
			k.t.Errorf("the leader's backend: %v", err)
			return
		}
	}
	state, err := k.f.whole()
	if err != nil || there {
		k.t.Errorf("the leader's backend has not ended, or what it has left cannot be seen: %v", err)
	}
	k.states = append(k.states, state)
}

// whole is all that transitions change, in words.
func (f *fleet) whole() (state string, err error) {
	return state, f.db.QueryRow(f.t.Context(), `SELECT concat_ws(E'\n',
		(SELECT string_agg(id || ' ' || phase, E'\n' ORDER BY id) FROM segue.migration),
		(SELECT string_agg(operation || ' ' || stage, E'\n' ORDER BY operation) FROM segue.change),
		(SELECT 'epoch ' || epoch FROM segue.epoch),
		(SELECT string_agg(concat_ws(' ', attrelid::regclass, attname, attnum, atttypid::regtype, attnotnull, (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = attrelid AND adnum = attnum)), E'\n' ORDER BY attrelid, attnum)
			FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped),
		(SELECT string_agg(conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid), E'\n' ORDER BY conrelid, conname) FROM pg_constraint WHERE connamespace = 'public'::regnamespace),
		(SELECT string_agg(pg_get_triggerdef(oid) || ' ' || tgenabled::text, E'\n' ORDER BY tgrelid, tgname) FROM pg_trigger WHERE NOT tgisinternal),
		(SELECT string_agg(proname || ' ' || md5(prosrc), E'\n' ORDER BY proname, md5(prosrc)) FROM pg_proc WHERE pronamespace = 'segue'::regnamespace))`).Scan(&state)
}

// TestALeaderThatEndsInItsTransactionLeavesItAsBeforeOrAsAfter ends leaders at statements of the transactions that expand, cut over, take back, contract and
// purge, and has the next one go on.
func TestALeaderThatEndsInItsTransactionLeavesItAsBeforeOrAsAfter(t *testing.T) {
	t.Parallel()
	for name, kill := range map[string]func(*fleet, *pgx.Conn){
		"its backend is terminated": func(f *fleet, conn *pgx.Conn) {
			if _, err := f.db.Exec(f.t.Context(), `SELECT pg_terminate_backend($1)`, conn.PgConn().PID()); err != nil {
				f.t.Errorf("the leader's backend: %v", err)
			}
		},
		"its connection breaks, as when its instance is killed": func(_ *fleet, conn *pgx.Conn) { _ = conn.PgConn().Conn().Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := &killer{t: t, begun: map[*pgx.Conn]int{}}
			f := newFleet(t, 3, club, func(c *Config) {
				c.BeforeConnect = func(_ context.Context, config *pgx.ConnConfig) error {
					config.Tracer = k
					return nil
				}
			})
			k.f, k.kill = f, func(conn *pgx.Conn) { kill(f, conn) }
			f.create(authored)
			k.mu.Lock()
			k.begin()
			k.mu.Unlock()
			f.must("authored", activate)
			f.awaitStage("authored", rules.Served)
			f.must("authored", cutover, backToActive, cutover, contract, purge)
			k.mu.Lock()
			defer k.mu.Unlock()
			// Activate, expand, complete and serve come first.
			if len(k.made) != 9 || len(k.states) > 0 {
				t.Errorf("%d transitions were made, want 9", len(k.made))
			}
			for n, states := range k.made {
				t.Logf("transition %d: %d leaders were ended", n+1, len(states))
				if len(states) < 4 {
					t.Errorf("transition %d: only %d leaders were ended", n+1, len(states))
				}
				for i, state := range states {
					if last := i == len(states)-1; last == (state == states[0]) {
						t.Errorf("transition %d: the state that leader %d of %d has left is not that of before, or of after:\n%s\nbefore it was\n%s", n+1, i+1, len(states), state, states[0])
					}
				}
			}
			if left := value[int](f, `SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal`); left != 0 {
				t.Errorf("%d triggers are left", left)
			}
		})
	}
}
