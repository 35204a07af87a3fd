package assess

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
)

func TestPublishedTablesAreFoundWithTheSlotsOfTheirSubscribers(t *testing.T) {
	t.Parallel()
	c := on(t, people, peopleShop, `CREATE PUBLICATION listed FOR TABLE individual (id, last_name) WHERE (id > 0)`, `CREATE PUBLICATION everything FOR ALL TABLES`)
	const slot = "subscriber"
	c.run(`SELECT pg_create_logical_replication_slot('` + slot + `', 'pgoutput')`)
	t.Cleanup(func() { pgtest.Exec(t, c.url, `SELECT pg_drop_replication_slot('`+slot+`')`) })
	found := c.found(publication)
	if len(found) != 1 || found[0].Object != "public.individual" || found[0].Severity != Warn {
		t.Fatalf("found %+v", found)
	}
	for _, want := range []string{"everything, listed (with a list of columns) (with a filter of rows)", slot + " (not connected now)"} {
		if !strings.Contains(found[0].Message, want) {
			t.Errorf("%q does not tell %q", found[0].Message, want)
		}
	}
	if !strings.Contains(found[0].Hint, `ALTER TABLE "public"."individual" RENAME COLUMN "last_name" TO "surname"`) {
		t.Errorf("the hint is %q", found[0].Hint)
	}
	c.remedied(publication, []string{"public.individual"}, `DROP PUBLICATION everything`, `ALTER PUBLICATION listed DROP TABLE individual`)
}

func TestTablesThatAPublisherFillsAreFound(t *testing.T) {
	t.Parallel()
	publisher := on(t, people, peopleShop, `CREATE PUBLICATION everything FOR TABLE individual`)
	c := on(t, people, peopleShop, `CREATE SUBSCRIPTION shop CONNECTION '`+publisher.url+`' PUBLICATION everything WITH (create_slot = false, enabled = false, slot_name = NONE)`)
	t.Cleanup(func() { pgtest.Exec(t, c.url, `DROP SUBSCRIPTION IF EXISTS shop`) })
	found := c.remedied(subscription, []string{"public.individual"}, `DROP SUBSCRIPTION shop`)
	if !strings.Contains(found[0].Hint, "ALTER SUBSCRIPTION shop DISABLE") {
		t.Errorf("the hint is %q", found[0].Hint)
	}
}

func TestConsumersOfLogicalDecodingAreFound(t *testing.T) {
	t.Parallel()
	c := on(t, people, peopleShop, `SELECT pg_create_logical_replication_slot('changes', 'test_decoding')`)
	t.Cleanup(func() {
		pgtest.Exec(t, c.url, `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = 'changes'`)
	})
	found := c.remedied(logicalSlot, []string{"replication slot changes"}, `SELECT pg_drop_replication_slot('changes')`)
	if !strings.Contains(found[0].Message, "test_decoding") || !strings.Contains(found[0].Hint, "SELECT pg_drop_replication_slot('changes')") {
		t.Errorf("found %+v", found)
	}
}
