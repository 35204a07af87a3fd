package migrate

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

func TestTransitionsOutOfOrderAreRefusedAndSayWhatIsAllowed(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(surname)
	for _, tc := range []struct {
		phase   rules.Phase
		reach   []Request
		refused []Request
		allowed []Kind
	}{
		{rules.Draft, nil, []Request{cutover, contract, backToActive, {Kind: Purge}}, []Kind{Activate, Rollback}},
		{rules.Active, []Request{activate}, []Request{contract, {Kind: Purge}}, []Kind{Cutover, Rollback}},
		{rules.Cutover, []Request{cutover}, []Request{activate, {Kind: Purge}}, []Kind{Contract, Rollback}},
		{rules.RolledBack, []Request{rollback}, []Request{cutover, contract, backToActive}, []Kind{Activate}},
		{rules.Contracted, []Request{activate, cutover, contract}, []Request{activate, cutover, rollback, backToActive}, nil},
	} {
		f.must("surname", tc.reach...)
		for _, r := range tc.refused {
			e := f.refused("surname", r)
			var allowed []Kind
			for _, k := range tc.allowed {
				if k != r.Kind { // what was just refused is no advice
					allowed = append(allowed, k)
				}
			}
			if diff := cmp.Diff(allowed, e.Allowed, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s in phase %s: allowed (-want +got):\n%s", r.Kind, tc.phase, diff)
			}
			if e.Hint == "" || !strings.Contains(e.Message, string(r.Kind)) {
				t.Errorf("%s in phase %s is refused with %q and no more", r.Kind, tc.phase, e)
			}
		}
	}
	if _, err := f.do("nobody", activate); !errors.Is(err, ErrNotFound) {
		t.Errorf("a migration that is not stored gives %v", err)
	}
}

func TestAskingForWhatIsSoIsHarmless(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	f.create(surname)
	for _, r := range []Request{rollback, activate, cutover, backToActive, cutover, contract} {
		f.must("surname", r)
		epoch := value[int64](f, `SELECT epoch FROM segue.epoch`)
		f.must("surname", r)
		if now := value[int64](f, `SELECT epoch FROM segue.epoch`); now != epoch {
			t.Errorf("a second %s moved the epoch", r.Kind)
		}
	}
	f.must("surname", Request{Kind: Purge})
}

func TestCutoverIsRefusedWhileAStoredBodyNamesWhatWillBeGone(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop+`
		CREATE FUNCTION public.plain() RETURNS text LANGUAGE sql AS 'SELECT last_name FROM public.individual LIMIT 1';
		`+keptParsed+`
		CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.Last_Name := 'x'; RETURN NEW; END $$;
		CREATE PROCEDURE public.dynamic() LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'UPDATE individual SET last_name = 1'; END $$;
		CREATE FUNCTION public.other() RETURNS int LANGUAGE sql AS 'SELECT 1 -- not last_name';
		CREATE TABLE public.page (words tsvector, last_name text);
		CREATE FUNCTION public.deaf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
		CREATE FUNCTION public.hears() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''%'', to_jsonb(NEW) -> Tg_Argv[0]; RETURN NEW; END';
		CREATE TRIGGER unheard BEFORE INSERT ON public.page FOR EACH ROW EXECUTE FUNCTION deaf('last_name');
		CREATE TRIGGER heard BEFORE INSERT ON public.page FOR EACH ROW EXECUTE FUNCTION hears('last_name');
		CREATE TRIGGER indexed BEFORE INSERT ON public.page FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger(words, 'pg_catalog.english', last_name);
		CREATE TRIGGER other BEFORE INSERT ON public.page FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger(words, 'pg_catalog.english');`)
	f.create(surname)
	f.must("surname", activate)
	e := f.refused("surname", cutover)
	want := []string{
		"procedure public.dynamic() names last_name",
		"function public.plain() names last_name",
		"function public.touch() names last_name",
		"trigger heard on public.page has the argument last_name",
		"trigger indexed on public.page has the argument last_name",
	}
	if diff := cmp.Diff(want, e.Missing); diff != "" {
		t.Errorf("the bodies (-want +got):\n%s", diff)
	}
	if e := f.refused("surname", Request{Kind: Cutover, Force: true}); !strings.Contains(e.Message, "reason") {
		t.Errorf("force without a reason gives %q", e)
	}
	f.must("surname", Request{Kind: Cutover, Force: true, Reason: "they are dead"})
	if !value[bool](f, `SELECT EXISTS (SELECT FROM segue.audit WHERE kind = 'committed' AND detail LIKE '%forced: they are dead%')`) {
		t.Error("the audit does not tell that the cutover was forced, and why")
	}
}

func TestBodiesHoldUpNoTransitionThatRenamesNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop+`
		CREATE FUNCTION public.later() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT surname FROM public.individual LIMIT 1); END $$;`)
	f.create(surname)
	f.must("surname", activate, rollback) // from active: the names are those that they were
	f.must("surname", activate, cutover)
	if e := f.refused("surname", backToActive); !slices.Equal(e.Missing, []string{"function public.later() names surname"}) {
		t.Errorf("the way back lacks %q", e.Missing)
	}
	f.must("surname", contract)
}

func TestRollbackIsRefusedWhileSessionsOfTheVersionLive(t *testing.T) {
	t.Parallel()
	for _, from := range []rules.Phase{rules.Active, rules.Cutover} {
		t.Run("from "+string(from), func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 2, shop)
			f.create(surname)
			f.must("surname", activate)
			if from == rules.Cutover {
				f.must("surname", cutover)
			}
			app := pgtest.Connect(t, f.url)
			tr := f.traffics[1]
			tr.set(func() {
				tr.sessions = []SessionInfo{{PID: app.PgConn().PID(), User: "app", Application: "web", Version: "surname"}, {PID: 1, Version: "base"}, {PID: 2}}
			})
			e := f.refused("surname", rollback)
			if len(e.Blockers) != 1 || e.Blockers[0].PID != app.PgConn().PID() || e.Blockers[0].Instance != "b" || e.Blockers[0].Application != "web" {
				t.Errorf("the blockers are %+v", e.Blockers)
			}
			if from == rules.Cutover {
				f.must("surname", backToActive) // both versions stay
			}
			f.must("surname", Request{Kind: Rollback, EndSessions: true})
			if err := app.Ping(t.Context()); err != nil {
				t.Errorf("a session that its instance has ended was ended again: %v", err)
			}
		})
	}
}

func TestContractDemandsEveryProofWithItsFigure(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shop)
	f.create(strings.Replace(surname, "0s", "1h", 1))
	f.must("surname", activate, cutover)
	table := catalog.OID(value[uint32](f, `SELECT 'public.individual'::regclass::oid`))
	psql := pgtest.Connect(t, f.url+"&application_name=report")
	tr := f.traffics[0]
	tr.set(func() {
		tr.sessions = []SessionInfo{{PID: 4711, User: "app", Application: "old", Version: "base"}}
		tr.uses = []UseCount{{Version: "base", Table: table, Name: "individual", Column: "last_name", Count: 3, User: "app", Application: "old"}}
	})
	missing := strings.Join(f.refused("surname", Request{Kind: Contract}).Missing, "\n")
	for _, want := range []string{
		"pid 4711 (user app, application_name \"old\") is pinned to version base, through instance a: stop that app",
		"public.individual.last_name was used",
		"demands a silence of 1h0m0s",
		" reaches the database past the instances: connect it through Segue",
		"(user " + value[string](f, "SELECT current_user::text") + `, application_name "report")`,
	} {
		if !strings.Contains(missing, want) {
			t.Errorf("what is missing does not tell %q:\n%s", want, missing)
		}
	}
	tr.set(func() { tr.sessions = nil })
	if err := psql.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e := f.refused("surname", contract); len(e.Missing) != 1 || !strings.Contains(e.Missing[0], "was used") {
		t.Errorf("with the sessions gone and bypasses allowed, missing is %q", e.Missing)
	}
	pgtest.Exec(t, f.url, `UPDATE segue.usage SET last = last - interval '2 hours'`)
	if e := f.refused("surname", contract); len(e.Missing) != 1 || !strings.Contains(e.Missing[0], "have been watched for") {
		t.Errorf("names that were not watched for long enough give %q", e.Missing)
	}
	pgtest.Exec(t, f.url, `UPDATE segue.audit SET at = at - interval '2 hours'`)
	f.must("surname", contract)
}

func TestContractCountsSessionsOfOtherUsersAsBypassesWhereTheirDetailsAreHidden(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 0, shop)
	role := f.owner()
	f.join(func(c *Config) { c.Upstream = asRole(f.url, role) })
	f.create(surname)
	f.must("surname", activate, cutover)
	e := f.refused("surname", Request{Kind: Contract})
	if len(e.Missing) != 1 || !strings.Contains(e.Missing[0], "pg_read_all_stats") {
		t.Errorf("sessions whose details are hidden give %q", e.Missing)
	}
	f.must("surname", contract)
}

func TestATransitionIsGivenUpAtItsDeadline(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	f.create(surname)
	f.must("surname", activate)
	conn := pgtest.Connect(t, f.url)
	if _, err := conn.Exec(t.Context(), `BEGIN; LOCK TABLE public.individual IN SHARE MODE`); err != nil {
		t.Fatal(err)
	}
	e := f.refused("surname", Request{Kind: Cutover, Deadline: 2 * drainLimit})
	if !strings.Contains(e.Message, "deadline") || len(e.Blockers) != 1 || e.Blockers[0].PID != conn.PgConn().PID() {
		t.Errorf("the refusal is %q with blockers %+v", e, e.Blockers)
	}
	// The failure is not the answer to what is asked for later.
	f.must("surname", activate)
}
