package change_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/internal/pgtest"
)

const membersTable = `CREATE TABLE members (id int PRIMARY KEY, uuid text UNIQUE, note text); INSERT INTO members VALUES (1, 'a', 'x'), (2, 'b', 'x'), (3, 'c', 'x');
	CREATE TABLE posts (id int, member_id int); INSERT INTO posts VALUES (1, 1), (2, NULL)`

// members is the key of a member in posts, which becomes another key.
func members() change.Change {
	return change.Change{
		Key: "5_1", Table: table("posts"), Old: []change.Column{{Name: "member_id", Type: "integer"}}, New: []change.Column{{Name: "member_uuid", Type: "text"}},
		Up:      change.Map{"member_uuid": "(SELECT m.uuid FROM public.members m WHERE m.id = posts.member_id)"},
		Down:    change.Map{"member_id": "(SELECT m.id FROM public.members m WHERE m.uuid = posts.member_uuid)"},
		Reads:   []string{"public.members"},
		Lookups: []change.Lookup{{Table: table("members"), Columns: []string{"id", "uuid"}, Keys: []change.Key{{Column: "member_id", Of: "id"}, {Column: "member_uuid", Of: "uuid"}}}},
	}
}

const inPosts = "SELECT member_id, member_uuid, MARK FROM posts ORDER BY id"

func TestWhatWasMadeFromARowFollowsIt(t *testing.T) {
	t.Parallel()
	s := expanded(t, members(), nil, membersTable)
	s.check(t, []written{
		{name: "a row that is not filled", do: []string{"UPDATE members SET uuid = 'z' WHERE id = 1"}, want: "1|NULL|0, NULL|NULL|0"},
	}, inPosts)
	s.filled()
	s.check(t, []written{
		{name: "the value that is looked up", do: []string{"UPDATE members SET uuid = 'z' WHERE id = 1"}, want: "1|z|1, NULL|NULL|1"},
		{name: "a value that nobody looks up", do: []string{"UPDATE members SET note = 'y'"}, want: "1|a|1, NULL|NULL|1"},
		{name: "values change places", do: []string{"UPDATE posts SET member_id = 2 WHERE id = 2", "ALTER TABLE members DROP CONSTRAINT members_uuid_key",
			"UPDATE members SET uuid = CASE uuid WHEN 'a' THEN 'b' ELSE 'a' END WHERE id < 3"}, want: "1|b|1, 2|a|1"},
		{name: "the key", do: []string{"UPDATE members SET id = 9 WHERE id = 1"}, code: "23503"},
		{name: "the key, back in the same statement", do: []string{"UPDATE posts SET member_id = 2 WHERE id = 2", "ALTER TABLE members DROP CONSTRAINT members_pkey",
			"UPDATE members SET id = 3 - id WHERE id < 3"}, want: "1|b|1, 2|a|1"},
		{name: "a row that is looked up goes", do: []string{"DELETE FROM members WHERE id = 1"}, code: "23503"},
		{name: "a row that nobody looks up goes", do: []string{"DELETE FROM members WHERE id = 3"}, want: "1|a|1, NULL|NULL|1"},
		{name: "it goes after what was made from it", do: []string{"DELETE FROM posts WHERE id = 1", "DELETE FROM members WHERE id = 1"}, want: "NULL|NULL|1"},
		{name: "all go", do: []string{"TRUNCATE members"}, code: "23503"},
		{name: "all go of which none is looked up", do: []string{"UPDATE posts SET member_id = NULL", "TRUNCATE members"}, want: "NULL|NULL|1, NULL|NULL|1"},
		{name: "a new one", do: []string{"INSERT INTO members VALUES (4, 'd')", "UPDATE posts SET member_id = 4 WHERE id = 1"}, want: "4|d|1, NULL|NULL|1"},
		{name: "a key that has no row", do: []string{"UPDATE posts SET member_id = 5 WHERE id = 1"}, code: "23514"},
		{name: "a key of the new side that has no row", do: []string{"UPDATE posts SET member_uuid = 'e', MARK = 2 WHERE id = 1"}, code: "23514"},
		{name: "an old snapshot", do: []string{"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "UPDATE members SET uuid = 'z' WHERE id = 1"}, code: "40001"},
		{name: "a worker that applies", do: []string{"SET LOCAL session_replication_role = replica", "UPDATE members SET uuid = 'z' WHERE id = 1"}, want: "1|z|1, NULL|NULL|1"},
	}, inPosts)
	s.serve()
	s.run(s.c.Cutover())
	s.check(t, []written{
		{name: "the key of the truth", do: []string{"UPDATE members SET uuid = 'z' WHERE id = 1"}, code: "23503"},
		{name: "the value of the old version", do: []string{"UPDATE members SET id = 9 WHERE id = 1"}, want: "9|a|1, NULL|NULL|1"},
		{name: "a row that is looked up goes", do: []string{"DELETE FROM members WHERE id = 1"}, code: "23503"},
	}, inPosts)
	s.run(s.c.Contract())
	s.check(t, []written{
		{name: "the value of the old version, after contract", do: []string{"UPDATE members SET id = 9 WHERE id = 1"}, want: "9|a|1, NULL|NULL|1"},
	}, strings.Replace(inPosts, "member_id", "_segue_old_5_1_1", 1))
	s.run(s.c.Settle())
	s.run(s.c.Purge())
	if err := s.exec("DELETE FROM members"); err != nil {
		t.Errorf("after purge: %v", err)
	}
	s.nothingIsLeft(t)
}

func TestForeignKeysSeeToRowsBeforeTheyFollow(t *testing.T) {
	t.Parallel()
	s := expanded(t, members(), nil, membersTable, "ALTER TABLE posts ADD FOREIGN KEY (member_id) REFERENCES members ON UPDATE CASCADE ON DELETE SET NULL").filled()
	s.check(t, []written{
		{name: "the key", do: []string{"UPDATE members SET id = 9 WHERE id = 1"}, want: "9|a|1, NULL|NULL|1"},
		{name: "the key and the value", do: []string{"UPDATE members SET id = 9, uuid = 'z' WHERE id = 1"}, want: "9|z|1, NULL|NULL|1"},
		{name: "the row", do: []string{"DELETE FROM members WHERE id = 1"}, want: "NULL|NULL|1, NULL|NULL|1"},
	}, inPosts)
}

// A lossy change whose value down cannot make again: the version with the new side may write another one.
func TestWhatANewVersionHasWrittenStaysWhereItStillFits(t *testing.T) {
	t.Parallel()
	d := members()
	d.Lossy = true
	d.Up = change.Map{"member_uuid": "(SELECT lower(m.uuid) FROM public.members m WHERE m.id = posts.member_id)"}
	d.Down = change.Map{"member_id": "(SELECT m.id FROM public.members m WHERE m.uuid = upper(posts.member_uuid))"}
	d.Lookups[0].Keys = d.Lookups[0].Keys[:1]
	s := expanded(t, d, nil, strings.ReplaceAll(membersTable, "'a'", "'A'")).filled()
	s.check(t, []written{
		{name: "a value of its own", do: []string{"UPDATE posts SET member_uuid = 'a', MARK = 2 WHERE id = 1", "UPDATE members SET note = 'y' WHERE id = 1"}, want: "1|a|1, NULL|NULL|1"},
		{name: "the value", do: []string{"UPDATE members SET uuid = 'Z' WHERE id = 1"}, want: "1|z|1, NULL|NULL|1"},
	}, inPosts)
}

func TestRowsThatAreLookedUpByNoColumnCannotBeWritten(t *testing.T) {
	t.Parallel()
	d := members()
	d.Lookups[0].Keys = nil
	s := expanded(t, d, nil, membersTable).filled()
	s.check(t, []written{
		{name: "INSERT", do: []string{"INSERT INTO members VALUES (4, 'd')"}, code: "55000"},
		{name: "UPDATE", do: []string{"UPDATE members SET note = 'y'"}, code: "55000"},
		{name: "DELETE", do: []string{"DELETE FROM members WHERE id = 3"}, code: "55000"},
		{name: "TRUNCATE", do: []string{"TRUNCATE members"}, code: "55000"},
		{name: "the table of the change", do: []string{"UPDATE posts SET member_id = 2 WHERE id = 1"}, want: "2|b|1, NULL|NULL|1"},
	}, inPosts)
	s.run(s.c.Rollback())
	s.run(s.c.PurgeRolledBack())
	if err := s.exec("UPDATE members SET note = 'y'"); err != nil {
		t.Errorf("after rollback: %v", err)
	}
	s.nothingIsLeft(t)
}

// Whoever writes a row of the change and whoever writes what it is made from wait for each other, whichever comes first.
func TestAWriterAndWhatItLooksUpDoNotCross(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, tc := range map[string]struct{ first, second, want, code string }{
		"the row of the change first":  {"UPDATE posts SET member_id = 2 WHERE id = 1", "UPDATE members SET uuid = 'z' WHERE id = 2", "2|z|1", ""},
		"what is looked up first":      {"UPDATE members SET uuid = 'z' WHERE id = 2", "UPDATE posts SET member_id = 2 WHERE id = 1", "2|z|1", ""},
		"it goes first":                {"DELETE FROM members WHERE id = 2", "UPDATE posts SET member_id = 2 WHERE id = 1", "1|a|1", "23514"},
		"it goes after it was used":    {"UPDATE posts SET member_id = 2 WHERE id = 1", "DELETE FROM members WHERE id = 2", "2|b|1", "23503"},
		"a new row first":              {"INSERT INTO posts VALUES (3, 3)", "UPDATE members SET uuid = 'z' WHERE id = 3", "1|a|1, 3|z|1", ""},
		"it is another's old snapshot": {"UPDATE members SET uuid = 'z' WHERE id = 2", "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM posts; UPDATE posts SET member_id = 2 WHERE id = 1; COMMIT", "1|a|1", "40001"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := expanded(t, members(), nil, membersTable).filled()
			if err := s.exec("DELETE FROM posts WHERE id = 2"); err != nil {
				t.Fatal(err)
			}
			other := pgtest.Connect(t, s.url)
			if err := s.exec("BEGIN"); err != nil {
				t.Fatal(err)
			}
			if err := s.exec(tc.first); err != nil {
				t.Fatal(err)
			}
			done := make(chan error)
			go func() {
				_, err := other.PgConn().Exec(ctx, tc.second).ReadAll()
				done <- err
			}()
			look := pgtest.Connect(t, s.url)
			pgtest.Eventually(t, func() bool {
				var waits bool
				err := look.QueryRow(ctx, "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1", other.PgConn().PID()).Scan(&waits)
				return err == nil && waits
			}, "the other waits")
			if err := s.exec("COMMIT"); err != nil {
				t.Fatal(err)
			}
			err := <-done
			code := ""
			if rejected, ok := errors.AsType[*pgconn.PgError](err); ok {
				code = rejected.Code
			} else if err != nil {
				t.Fatal(err)
			}
			if code != tc.code {
				t.Errorf("%s gave %v, want SQLSTATE %q", tc.second, err, tc.code)
			}
			if got := s.rows(inPosts); got != tc.want {
				t.Errorf("there is %s, want %s", got, tc.want)
			}
		})
	}
}

// What follows is written with the rights of whoever writes what is looked up, so that triggers of others do not run with those of the instance.
func TestWhatFollowsIsWrittenByTheWriter(t *testing.T) {
	t.Parallel()
	s := expanded(t, members(), nil, membersTable, `
		DO $$ BEGIN CREATE ROLE lookup_both; EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$;
		DO $$ BEGIN CREATE ROLE lookup_one; EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$;
		CREATE TABLE seen (who text); GRANT INSERT ON seen TO PUBLIC;
		GRANT ALL ON members TO lookup_both, lookup_one; GRANT ALL ON posts TO lookup_both;
		CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen VALUES (current_user); RETURN NULL; END $$;
		CREATE TRIGGER see AFTER UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION see()`).filled()
	as := func(role string, sql ...string) []string {
		return append([]string{"TRUNCATE seen", "SET LOCAL ROLE " + role}, append(sql, "RESET ROLE")...)
	}
	const look = "SELECT member_id, member_uuid, MARK, (SELECT string_agg(who, '+') FROM seen) FROM posts ORDER BY id"
	s.check(t, []written{
		{name: "who may write both", do: as("lookup_both", "UPDATE members SET uuid = 'z' WHERE id = 1"), want: "1|z|1|lookup_both, NULL|NULL|1|lookup_both"},
		{name: "who may not", do: as("lookup_one", "UPDATE members SET uuid = 'z' WHERE id = 1"), code: "42501"},
		{name: "who may not, of a row that nobody looks up", do: as("lookup_one", "UPDATE members SET uuid = 'z' WHERE id = 3", "DELETE FROM members WHERE id = 2"), want: "1|a|1|NULL, NULL|NULL|1|NULL"},
		{name: "who may not, of a row that goes", do: as("lookup_one", "DELETE FROM members WHERE id = 1"), code: "23503"},
		{name: "a policy in the way", do: append([]string{"ALTER TABLE posts ENABLE ROW LEVEL SECURITY"}, as("lookup_both", "UPDATE members SET uuid = 'z' WHERE id = 1")...), code: "42501"},
		{name: "a trigger in the way", do: []string{"CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'", "CREATE TRIGGER stop BEFORE UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION stop()",
			"UPDATE members SET uuid = 'z' WHERE id = 1"}, code: "42501"},
	}, look)
}

func TestColumnsThatAreLookedUpKeepTheirTypes(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string]bool{"by a key": true, "frozen": false} {
		d := members()
		if !keys {
			d.Lookups[0].Keys = nil
		}
		s := expanded(t, d, nil, membersTable).filled()
		s.check(t, []written{
			{name: name + ": another type", do: []string{"ALTER TABLE members ALTER uuid TYPE text USING upper(uuid)"}, code: "0A000"},
			{name: name + ": dropped", do: []string{"ALTER TABLE members DROP uuid"}, code: "2BP01"},
			{name: name + ": a column that nobody reads", do: []string{"ALTER TABLE members ALTER note TYPE varchar(9)", "ALTER TABLE members DROP note"}, want: "1|a|1, NULL|NULL|1"},
		}, inPosts)
	}
}
