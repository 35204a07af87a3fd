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
