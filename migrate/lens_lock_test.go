package migrate

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// withoutDDL are the transitions that change what a version sees, and nothing in the database.
var withoutDDL = map[string]struct {
	before  []Request
	request Request
	to      rules.Phase
}{
	"contract":             {[]Request{activate, cutover}, contract, rules.Contracted},
	"rollback from active": {[]Request{activate}, rollback, rules.RolledBack},
}

func TestATransitionWithoutDDLIsNotTriedWhileATransactionUsesTheTable(t *testing.T) {
	t.Parallel()
	for name, tc := range withoutDDL {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 2, shop)
			f.create(surname)
			f.must("surname", tc.before...)
			conn := pgtest.Connect(t, f.url)
			if _, err := conn.Exec(t.Context(), `BEGIN; UPDATE public.individual SET city = 'x' WHERE id = 1`); err != nil {
				t.Fatal(err)
			}
			pgtest.Eventually(t, func() bool {
				return value[bool](f, `SELECT clock_timestamp() - xact_start > $2 * interval '1 s' FROM pg_stat_activity WHERE pid = $1`, conn.PgConn().PID(), drainLimit.Seconds())
			}, "a transaction older than the drain limit")
			before := f.traffics[0].count("hold")
			if err := f.instances[0].Request(t.Context(), "surname", tc.request); err != nil {
				t.Fatal(err)
			}
			st := f.blocked(2)
			if len(st.Blockers) != 1 || st.Blockers[0].PID != conn.PgConn().PID() || st.Phase == tc.to {
				t.Errorf("in phase %s the blockers are %+v", st.Phase, st.Blockers)
			}
			if holds := f.traffics[0].count("hold") - before; holds != 0 {
				t.Errorf("statements were held %d times", holds)
			}
			f.endsIn(tc.to, func() {
				if _, err := conn.Exec(t.Context(), `COMMIT`); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

func TestATransitionWithoutDDLAwaitsATransactionThatBeganBeforeTheGate(t *testing.T) {
	t.Parallel()
	for name, tc := range withoutDDL {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 2, shop)
			f.create(surname)
			f.must("surname", tc.before...)
			epoch := f.traffics[0].epoch()
			conn := pgtest.Connect(t, f.url)
			// The lock is taken behind the look at who is in the way.
			taken := make(chan struct{})
			f.traffics[0].set(func() {
				f.traffics[0].onHold = func() {
					if _, err := conn.Exec(t.Context(), `BEGIN; SELECT FROM public.individual`); err != nil {
						t.Error(err)
					}
					close(taken)
				}
			})
			if err := f.instances[0].Request(t.Context(), "surname", tc.request); err != nil {
				t.Fatal(err)
			}
			<-taken
			st := f.blocked(1)
			if !strings.Contains(st.Pending.LastError, "no lock could be had within 3s") || st.Phase == tc.to {
				t.Errorf("in phase %s the attempt failed because %q", st.Phase, st.Pending.LastError)
			}
			if now := f.traffics[0].epoch(); now != epoch {
				t.Errorf("the epoch moved from %d to %d", epoch, now)
			}
			f.endsIn(tc.to, func() {
				if _, err := conn.Exec(t.Context(), `COMMIT`); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// endsIn clears the way, and waits until the pending transition is made.
func (f *fleet) endsIn(to rules.Phase, clear func()) {
	f.t.Helper()
	clear()
	if st, err := f.instances[0].Wait(f.t.Context(), "surname"); err != nil || st.Phase != to {
		f.t.Errorf("after the transaction ended: %v %v", st, err)
	}
}

func TestEveryPartOfAPartitionedTableIsLockedByItsName(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, `CREATE TABLE public.individual (id int, last_name text) PARTITION BY LIST (id);
		CREATE TABLE public."Part 1" PARTITION OF public.individual FOR VALUES IN (1);`)
	f.create(surname)
	f.must("surname", activate)
	conn := pgtest.Connect(t, f.url)
	if _, err := conn.Exec(t.Context(), `BEGIN; SELECT FROM public."Part 1"`); err != nil {
		t.Fatal(err)
	}
	if err := f.instances[0].Request(t.Context(), "surname", rollback); err != nil {
		t.Fatal(err)
	}
	if st := f.blocked(1); len(st.Blockers) != 1 || st.Blockers[0].PID != conn.PgConn().PID() {
		t.Errorf("the blockers are %+v", st.Blockers)
	}
	f.endsIn(rules.RolledBack, func() {
		if _, err := conn.Exec(t.Context(), `COMMIT`); err != nil {
			t.Fatal(err)
		}
	})
}
