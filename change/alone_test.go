package change

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStatementsOfAnAddedColumn(t *testing.T) {
	t.Parallel()
	c := compileAlone(t, Change{
		New: []Column{{Name: "lang", Type: "text", Collation: `pg_catalog."C"`, NotNull: true, Default: "'de'::text"}}, Up: Map{"lang": "'en'::text"},
	})
	same(t, c.Expand(), `ALTER TABLE "public"."post" ADD COLUMN "lang" text COLLATE pg_catalog."C" DEFAULT 'en'::text NOT NULL`)
	same(t, c.Cutover())
	same(t, c.BackToActive())
	same(t, c.Contract(), `ALTER TABLE "public"."post" ALTER COLUMN "lang" SET DEFAULT 'de'::text`)
	same(t, c.BackFromContract(), `ALTER TABLE "public"."post" ALTER COLUMN "lang" SET DEFAULT 'en'::text`)
	same(t, c.Purge())
	same(t, c.Rollback(), `ALTER TABLE "public"."post" RENAME COLUMN "lang" TO "_segue_withdrawn_1_1_1"`)
	same(t, c.PurgeRolledBack(), `ALTER TABLE "public"."post" DROP COLUMN IF EXISTS "_segue_withdrawn_1_1_1"`)
	if !c.Empties(true) || c.Empties(false) {
		t.Error("a contract leaves nothing, and a rollback leaves the column")
	}
}

func TestStatementsOfATakenColumn(t *testing.T) {
	t.Parallel()
	c := compileAlone(t, Change{Old: []Column{{Name: "legacy", Type: "integer", NotNull: true}}, Down: Map{"legacy": "0"}})
	same(t, c.Expand(), `ALTER TABLE "public"."post" ALTER COLUMN "legacy" SET DEFAULT 0`)
	same(t, c.Contract(), `ALTER TABLE "public"."post" RENAME COLUMN "legacy" TO "_segue_old_1_1_1"`)
	same(t, c.BackFromContract(), `ALTER TABLE "public"."post" RENAME COLUMN "_segue_old_1_1_1" TO "legacy"`)
	same(t, c.Rollback(), `ALTER TABLE "public"."post" ALTER COLUMN "legacy" DROP DEFAULT`)
	same(t, c.Purge(), `ALTER TABLE "public"."post" DROP COLUMN IF EXISTS "_segue_old_1_1_1"`)
	same(t, c.PurgeRolledBack())
	if c.Empties(true) || !c.Empties(false) {
		t.Error("a rollback leaves nothing, and a contract leaves the column")
	}
	// Whose default is for everybody changes nothing.
	same(t, compileAlone(t, Change{Old: []Column{{Name: "legacy", Type: "integer", Default: "7"}}}).Expand())
}

func TestAValueThatStandsInNamesNoColumn(t *testing.T) {
	t.Parallel()
	for _, c := range []Change{
		{New: []Column{{Name: "lang", Type: "text"}}, Up: Map{"lang": "title"}},
		{Old: []Column{{Name: "lang", Type: "text"}}, Down: Map{"other": "1"}},
		{Old: []Column{{Name: "lang", Type: "text"}}, Down: Map{"lang": "("}},
		{},
	} {
		c.Key, c.Table = "1_1", Name{"public", "post"}
		if _, err := Compile(c); err == nil {
			t.Errorf("%+v was compiled", c)
		}
	}
}

func compileAlone(t *testing.T, c Change) *Compiled {
	t.Helper()
	c.Key, c.Table = "1_1", Name{"public", "post"}
	compiled, err := Compile(c)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
