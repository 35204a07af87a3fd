package assess

import (
	"strings"
	"testing"
)

const money = `
id: money
operations:
  - change_columns:
      table: public.orders
      from: [cents]
      to: [{ name: amount, type: "numeric(12,2)" }]
      up: { amount: cents / 100.0 }
      down: { cents: (amount * 100)::integer }
`

const moneyShop = `CREATE TABLE public.orders (id int PRIMARY KEY, cents int CHECK (cents >= 0), note text CHECK (note <> ''),
	CONSTRAINT dear CHECK (cents < 1000 OR note IS NOT NULL))`

func TestIndexesAndChecksOfColumnsThatGoAreFoundInADraft(t *testing.T) {
	t.Parallel()
	c := on(t, money, moneyShop, `CREATE SCHEMA segue`, `CREATE INDEX by_cents ON orders (cents)`, `CREATE INDEX by_note ON orders (note)`, `CREATE INDEX dollars ON orders ((cents / 100))`)
	if found := c.remedied(changeIndex, []string{"index public.dollars"}, `DROP INDEX dollars`); !strings.Contains(found[0].Message, "is about cents, and what it would be of amount is not certain") {
		t.Errorf("found %+v", found[0])
	}
	found := c.remedied(changeCheck, []string{"constraint dear on public.orders", "constraint orders_cents_check on public.orders"},
		`ALTER TABLE orders DROP CONSTRAINT dear, DROP CONSTRAINT orders_cents_check`)
	if !strings.Contains(found[1].Message, "CHECK ((cents >= 0))") || !strings.Contains(found[1].Hint, "counterpart on amount when that is there") {
		t.Errorf("found %+v", found[1])
	}
}

const lookedUp = `
id: authored
operations:
  - change_columns:
      table: public.posts
      from: [member_id]
      to: [{ name: member_uuid, type: uuid }]
      up: { member_uuid: "(SELECT uuid FROM members WHERE id = member_id)" }
      down: { member_id: "(SELECT id FROM members WHERE uuid = member_uuid)" }
      reads: [{ table: members, via: { member_id: id, member_uuid: uuid } }]
`

func TestAColumnByWhichRowsAreLookedUpIsToHaveAnIndex(t *testing.T) {
	t.Parallel()
	c := on(t, lookedUp, `CREATE SCHEMA segue`, `CREATE TABLE members (id int PRIMARY KEY, uuid uuid NOT NULL UNIQUE)`,
		`CREATE TABLE posts (id int PRIMARY KEY, member_id int)`, `CREATE INDEX ON posts (id, member_id)`, `CREATE INDEX ON posts (member_id) WHERE id > 3`)
	found := c.remedied(lookupIndex, []string{"public.posts.member_id"}, `CREATE INDEX ON posts (member_id, id)`)
	if len(found) != 1 || found[0].Severity != Warn || len(found[0].Mend) != 1 || found[0].Mend[0] != `CREATE INDEX CONCURRENTLY ON "public"."posts" (member_id)` {
		t.Errorf("found %+v", found)
	}
}

func TestADifferenceBetweenTheSidesIsWaivedByTheRuleFile(t *testing.T) {
	t.Parallel()
	c := on(t, money+"waive:\n  - { id: change-check, object: constraint dear on public.orders, reason: checked by the app }\n", moneyShop)
	found := c.found(changeCheck)
	if len(found) != 2 || found[0].Severity != Note || len(found[0].Blocks) != 0 || found[1].Severity != Block || len(found[1].Blocks) != 1 {
		t.Errorf("found %+v", found)
	}
}

func TestAPublishedTableOfAChangeIsToBeTakenOutOfThePublication(t *testing.T) {
	t.Parallel()
	c := on(t, money, moneyShop, `CREATE PUBLICATION everything FOR TABLE orders`)
	found := c.remedied(publication, []string{"public.orders"}, `DROP PUBLICATION everything`)
	if strings.Contains(found[0].Message+found[0].Hint, "rename") || !strings.Contains(found[0].Hint, "take it out of the publication") {
		t.Errorf("found %+v", found[0])
	}
}
