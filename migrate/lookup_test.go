package migrate

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/rules"
)

const club = `
CREATE TABLE public.members (id int PRIMARY KEY, uuid uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(), name text);
CREATE TABLE public.posts (id int PRIMARY KEY, member_id int, title text);
INSERT INTO public.members SELECT i, md5(i::text)::uuid, 'member ' || i FROM generate_series(1, 50) AS i;
INSERT INTO public.posts SELECT i, i % 50 + 1, 'post ' || i FROM generate_series(1, 2000) AS i;`

const authored = `
id: authored
contract_after: 0s
operations:
  - change_columns:
      table: public.posts
      from: [member_id]
      to: [{ name: member_uuid, type: uuid }]
      up: { member_uuid: "(SELECT uuid FROM members WHERE id = member_id)" }
      down: { member_id: "(SELECT id FROM members WHERE uuid = member_uuid)" }
      reads: [{ table: members, via: { member_id: id, member_uuid: uuid } }]
`

// authors checks that every post is in step with the members.
func (f *fleet) authors(old string) {
	f.t.Helper()
	if wrong := value[int](f, `SELECT count(*) FROM posts p LEFT JOIN members m ON m.id = p.`+old+` WHERE m.uuid IS DISTINCT FROM p.member_uuid`); wrong != 0 {
		f.t.Errorf("%d posts are not in step", wrong)
	}
}

func TestAKeyBecomesAnotherThatIsLookedUp(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, club)
	f.create(authored)
	f.must("authored", activate)
	f.awaitStage("authored", rules.Served)
	f.authors("member_id")
	f.exec(`UPDATE members SET uuid = md5(id || 'x')::uuid WHERE id % 2 = 0`)
	f.authors("member_id")
	f.exec(`UPDATE posts SET member_id = 7 WHERE id < 100`)
	f.authors("member_id")

	// What is looked up has to stay as it is called.
	f.create("id: renamed\noperations:\n  - rename_column: { table: public.members, from: uuid, to: guid }\n")
	if err := f.instances[0].Request(t.Context(), "renamed", activate); err == nil || !strings.Contains(err.Error(), `migration "authored" looks values up in a table that this one is about`) {
		t.Errorf("activate of a rename there gave %v", err)
	}

	f.must("authored", cutover)
	f.exec(`UPDATE posts SET member_uuid = (SELECT uuid FROM members WHERE id = 9) WHERE id < 200`)
	f.authors("member_id")
	f.exec(`UPDATE members SET id = id + 1000`)
	f.authors("member_id")
	f.must("authored", contract)
	f.exec(`UPDATE members SET id = id + 1000`)
	f.must("authored", purge)
	f.exec(`DELETE FROM members WHERE id = 1001`)
	if left := value[int](f, `SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN ('posts'::regclass, 'members'::regclass)`); left != 0 {
		t.Errorf("%d triggers are left", left)
	}
	f.must("renamed", activate)
}

func TestARollbackLetsGoWhatWasLookedUp(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, club)
	f.create(authored)
	f.must("authored", activate)
	f.awaitStage("authored", rules.Served)
	f.exec(`ALTER TABLE members RENAME TO people`) // past Segue: writes of posts fail now, and the way back is open
	f.must("authored", rollback)
	f.exec(`UPDATE posts SET member_id = 3 WHERE id = 1; UPDATE people SET uuid = gen_random_uuid()`)
	if left := value[int](f, `SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal`); left != 0 {
		t.Errorf("%d triggers are left", left)
	}
}
