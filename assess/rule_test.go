package assess

import (
	"strings"
	"testing"
)

func TestANewNameThatIsAReservedWordIsFound(t *testing.T) {
	t.Parallel()
	const file = "id: x\noperations:\n  - rename_column: { table: public.t, from: a, to: TO }\n  - rename_table: { from: public.t, to: '\"order\"' }\n"
	c := on(t, strings.ReplaceAll(file, "TO", `'"like"'`), `CREATE TABLE t (a int)`)
	found := c.found(reservedWord)
	if len(found) != 2 || found[0].Object != "like" || found[1].Object != "order" || found[0].Severity != Warn {
		t.Errorf("found %+v", found)
	}
	c.file = strings.ReplaceAll(strings.ReplaceAll(file, "TO", "value"), `'"order"'`, "orders") // value is a keyword, but no reserved one
	if found := c.found(reservedWord); len(found) > 0 {
		t.Errorf("with other names there is %+v", found)
	}
}

func TestAWaiverOfWhatIsNoHazardIsFound(t *testing.T) {
	t.Parallel()
	c := on(t, people+"waive:\n  - { id: publicaton, reason: r }\n  - { id: publication, reason: r }\n", peopleShop)
	if found := c.found(unknownWaiver); len(found) != 1 || found[0].Object != "publicaton" {
		t.Errorf("found %+v", found)
	}
	c.file = strings.Replace(c.file, "publicaton", "lock-held", 1)
	if found := c.found(unknownWaiver); len(found) > 0 {
		t.Errorf("with the right id there is %+v", found)
	}
}

func TestRelationsOfOtherSchemasWithOneOfTheNamesAreFound(t *testing.T) {
	t.Parallel()
	c := on(t, people, peopleShop, `CREATE SCHEMA archive CREATE TABLE individual (id int) CREATE VIEW person AS SELECT 1 AS id CREATE SEQUENCE page`)
	found := c.remedied(sameName, []string{"public.individual", "public.person"}, `ALTER TABLE archive.individual RENAME TO old`, `DROP VIEW archive.person`)
	if !strings.Contains(found[0].Message, "archive.individual") || !strings.Contains(found[1].Message, "archive.person") {
		t.Errorf("found %+v", found)
	}
}
