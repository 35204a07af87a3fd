package migrate

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// Whoever may make triggers on the table can do so when the backfill has begun, under any name. Nothing is filled then, so that
// none of it runs as the owner, until the trigger has gone.
func TestABackfillRunsNoTriggerThatAnotherRoleHasMadeMeanwhile(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 0, shop+orders+`UPDATE orders SET cents = 0 WHERE id IN (700, 701)`)
	role := f.owner()
	other := "other_" + value[string](f, `SELECT current_database()::text`)
	f.exec(`ALTER TABLE orders OWNER TO ` + role + `; CREATE ROLE ` + other + `; GRANT ALL ON SCHEMA public TO ` + other)
	t.Cleanup(func() { pgtest.Exec(t, f.url, `DROP OWNED BY `+other+` CASCADE`, `DROP ROLE `+other) })
	f.join(func(c *Config) { c.Upstream = asRole(f.url, role) })
	f.create(strings.NewReplacer("cents / 100.0", "1000.0 / cents", "(amount * 100)::integer", "(1000 / amount)::integer").Replace(money) + "      lossy: true\n")
	f.must("money", activate)
	pgtest.Eventually(t, func() bool {
		st, err := f.instances[0].Get(t.Context(), "money")
		return err == nil && st.Progress != nil && st.Progress.Failure != ""
	}, "the backfill stops at the rows that cannot be filled")
	f.exec(`UPDATE orders SET cents = 1 WHERE id IN (700, 701); CREATE SEQUENCE ran; GRANT ALL ON SEQUENCE ran TO PUBLIC;
		GRANT TRIGGER ON orders TO ` + other + `; SET ROLE ` + other + `;
		CREATE FUNCTION public.theirs() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.ran'); RETURN NEW; END $$;
		CREATE TRIGGER "a_segue_own" BEFORE UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.theirs();
		RESET ROLE`)
	if err := f.instances[0].Resume(t.Context(), "money", "test"); err != nil {
		t.Fatal(err)
	}
	pgtest.Eventually(t, func() bool {
		st, err := f.instances[0].Get(t.Context(), "money")
		return err == nil && st.Progress != nil && strings.Contains(st.Progress.Waits, "trigger a_segue_own on")
	}, "the backfill says what it waits for")
	if value[bool](f, `SELECT is_called FROM ran`) {
		t.Error("the trigger ran for rows that were filled")
	}
	f.exec(`DROP TRIGGER a_segue_own ON orders`)
	f.awaitStage("money", rules.Served)
	if value[bool](f, `SELECT is_called FROM ran`) {
		t.Error("the trigger ran")
	}
}

// The owner of the table can add what runs for its rows when the backfill has begun. Where the instance is a superuser, nothing is
// filled as long as there is some of it.
func TestABackfillRunsNothingThatTheOwnerHasAddedMeanwhileAsASuperuser(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 0, shop+orders+`UPDATE orders SET cents = 0 WHERE id IN (700, 701)`)
	owner := "owner_" + value[string](f, `SELECT current_database()::text`)
	f.exec(`CREATE ROLE ` + owner + `; GRANT ALL ON SCHEMA public TO ` + owner + `; ALTER TABLE orders OWNER TO ` + owner)
	t.Cleanup(func() { pgtest.Exec(t, f.url, `DROP OWNED BY `+owner+` CASCADE`, `DROP ROLE `+owner) })
	f.join()
	f.create(strings.NewReplacer("cents / 100.0", "1000.0 / cents", "(amount * 100)::integer", "(1000 / amount)::integer").Replace(money) + "      lossy: true\n")
	f.must("money", activate)
	pgtest.Eventually(t, func() bool {
		st, err := f.instances[0].Get(t.Context(), "money")
		return err == nil && st.Progress != nil && st.Progress.Failure != ""
	}, "the backfill stops at the rows that cannot be filled")
	f.exec(`UPDATE orders SET cents = 1 WHERE id IN (700, 701); CREATE SEQUENCE ran; GRANT ALL ON SEQUENCE ran TO PUBLIC; SET ROLE ` + owner + `;
		CREATE FUNCTION public.ran(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
			IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN PERFORM nextval('public.ran'); END IF; RETURN $1; END $$;
		RESET ROLE`)
	added := []struct{ add, drop, shown string }{
		{`ALTER TABLE orders ADD CONSTRAINT checked CHECK (public.ran(id) > 0) NOT VALID`, `ALTER TABLE orders DROP CONSTRAINT checked`, "constraint checked on table public.orders calls public.ran(integer)"},
		{`CREATE INDEX by_expression ON orders (public.ran(id))`, `DROP INDEX by_expression`, "index public.by_expression calls public.ran(integer)"},
		{`ALTER TABLE orders ADD COLUMN made int GENERATED ALWAYS AS (public.ran(id)) STORED`, `ALTER TABLE orders DROP COLUMN made`, "column made of table public.orders calls public.ran(integer)"},
		{`CREATE RULE besides AS ON UPDATE TO orders DO ALSO SELECT public.ran(NEW.id); ALTER TABLE orders ENABLE ALWAYS RULE besides`, `DROP RULE besides ON orders`, "rule besides on table public.orders"},
	}
	for _, a := range added {
		f.exec(`SET search_path = public; SET ROLE ` + owner + `; ` + a.add + `; RESET ROLE; RESET search_path`)
	}
	if err := f.instances[0].Resume(t.Context(), "money", "test"); err != nil {
		t.Fatal(err)
	}
	for at, a := range added {
		pgtest.Eventually(t, func() bool {
			st, err := f.instances[0].Get(t.Context(), "money")
			return err == nil && st.Progress != nil && strings.Contains(st.Progress.Waits, a.shown)
		}, "the backfill waits while there is "+a.shown)
		if at < len(added)-1 {
			f.exec(a.drop)
		}
	}
	if value[bool](f, `SELECT is_called FROM ran`) {
		t.Error("what the owner has added ran as a superuser")
	}
	f.exec(added[len(added)-1].drop)
	f.awaitStage("money", rules.Served)
	if value[bool](f, `SELECT is_called FROM ran`) {
		t.Error("what the owner has added ran as a superuser")
	}
}
