package change_test

import (
	"testing"

	"github.com/seguedb/segue/change"
)

func table(name string) change.Name { return change.Name{Schema: "public", Name: name} }

func TestKindsOfColumns(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		change  change.Change
		before  string
		look    string
		written []written
	}{
		{
			name: "int to bigint under the same name",
			change: change.Change{
				Table: table("t"), Old: []change.Column{{Name: "total", Type: "integer", NotNull: true}}, New: []change.Column{{Name: "total", Type: "bigint", NotNull: true}},
				Up: change.Map{"total": "total::bigint"}, Down: change.Map{"total": "total::integer"}, Inline: true,
			},
			before: "CREATE TABLE t (id int, total int NOT NULL); INSERT INTO t VALUES (1, 5)",
			look:   `SELECT total, _segue_new_k_1, MARK FROM t WHERE id = 1`,
			written: []written{
				{name: "old", do: []string{"UPDATE t SET total = total + 1"}, want: "6|6|1"},
				{name: "new", do: []string{"UPDATE t SET _segue_new_k_1 = 8, MARK = 2"}, want: "8|8|1"},
				{name: "new that is too large", do: []string{"UPDATE t SET _segue_new_k_1 = 80000000000, MARK = 2"}, code: "22003"},
				{name: "NULL", do: []string{"UPDATE t SET _segue_new_k_1 = NULL, MARK = 2"}, want: "5|NULL|0"},
			},
		},
		{
			name: "what is too large gets another value",
			change: change.Change{
				Table: table("t"), Old: []change.Column{{Name: "total", Type: "integer"}}, New: []change.Column{{Name: "sum", Type: "bigint"}},
				Up: change.Map{"sum": "total::bigint"}, Down: change.Map{"total": "sum::integer"}, Inline: true,
				DownFail: &change.DownFail{When: "sum > 2147483647", Then: change.Map{"total": "2147483647"}},
			},
			before: "CREATE TABLE t (id int, total int); INSERT INTO t VALUES (1, 5)",
			look:   "SELECT total, sum, MARK FROM t WHERE id = 1",
			written: []written{
				{name: "new", do: []string{"UPDATE t SET sum = 80000000000, MARK = 2"}, want: "2147483647|80000000000|1"},
				{name: "and then old", do: []string{"UPDATE t SET sum = 80000000000, MARK = 2", "UPDATE t SET total = 7"}, want: "7|7|1"},
				{name: "and then another row's columns", do: []string{"UPDATE t SET sum = 80000000000, MARK = 2", "UPDATE t SET id = id"}, want: "2147483647|80000000000|1"},
				{name: "a flip", do: []string{"UPDATE t SET sum = 80000000000, total = 2147483647, MARK = FLIP"}, want: "2147483647|80000000000|1"},
				{name: "a flip that lies", do: []string{"UPDATE t SET sum = 80000000000, total = 7, MARK = FLIP"}, code: "23514"},
				{name: "NULL", do: []string{"UPDATE t SET sum = 7, MARK = 2", "UPDATE t SET sum = NULL, MARK = 2"}, want: "NULL|NULL|1"},
			},
		},
		{
			name: "a collation that ignores case",
			change: change.Change{
				Table: table("t"), Old: []change.Column{{Name: "name", Type: "text"}}, New: []change.Column{{Name: "label", Type: "text", Collation: `public."nocase"`}},
				Up: change.Map{"label": "name"}, Down: change.Map{"name": "label"}, Inline: true,
			},
			before: `CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
				CREATE TABLE t (id int, name text COLLATE nocase); INSERT INTO t VALUES (1, 'anna')`,
			look: "SELECT name, label, MARK FROM t WHERE id = 1",
			written: []written{
				{name: "old, other letters that are equal", do: []string{"UPDATE t SET name = 'ANNA'"}, want: "ANNA|ANNA|1"},
				{name: "new, other letters that are equal", do: []string{"UPDATE t SET name = 'bo'", "UPDATE t SET label = 'BO', MARK = 2"}, want: "BO|BO|1"},
				{name: "a flip that lies by case", do: []string{"UPDATE t SET name = 'ANNA', label = 'anna', MARK = FLIP"}, code: "23514"},
			},
		},
		{
			name: "json, which has no equality",
			change: change.Change{
				Table: table("t"), Old: []change.Column{{Name: "doc", Type: "json"}}, New: []change.Column{{Name: "body", Type: "json"}},
				Up: change.Map{"body": "doc"}, Down: change.Map{"doc": "body"}, Inline: true,
			},
			before: `CREATE TABLE t (id int, doc json); INSERT INTO t VALUES (1, '{"a": 1}')`,
			look:   "SELECT doc, body, MARK FROM t WHERE id = 1",
			written: []written{
				{name: "old", do: []string{`UPDATE t SET doc = '{"a":1}'`}, want: `{"a":1}|{"a":1}|1`},
				{name: "new", do: []string{`UPDATE t SET body = '[1]', MARK = 2`}, want: `[1]|[1]|1`},
				{name: "NULL", do: []string{`UPDATE t SET doc = NULL`}, want: `NULL|NULL|1`},
			},
		},
		{
			name: "values of an enum",
			change: change.Change{
				Table: table("t"), Old: []change.Column{{Name: "state", Type: "text"}}, New: []change.Column{{Name: "status", Type: "public.mood"}},
				Up:   change.Map{"status": "CASE WHEN state = 'ok' THEN 'fine'::public.mood WHEN state = 'ko' THEN 'bad'::public.mood END"},
				Down: change.Map{"state": "CASE WHEN status = 'fine'::public.mood THEN 'ok' WHEN status = 'bad'::public.mood THEN 'ko' END"}, Inline: true,
			},
			before: "CREATE TYPE mood AS ENUM ('fine', 'bad'); CREATE TABLE t (id int, state text); INSERT INTO t VALUES (1, 'ok')",
			look:   "SELECT state, status, MARK FROM t WHERE id = 1",
			written: []written{
				{name: "old", do: []string{"UPDATE t SET state = 'ko'"}, want: "ko|bad|1"},
				{name: "new", do: []string{"UPDATE t SET status = 'bad', MARK = 2"}, want: "ko|bad|1"},
				{name: "old that the new side does not have", do: []string{"UPDATE t SET state = 'so'"}, code: "23514"},
				{name: "NULL", do: []string{"UPDATE t SET state = NULL"}, want: "NULL|NULL|1"},
				{name: "an INSERT that the new side does not have", do: []string{"INSERT INTO t VALUES (2, 'so')"}, code: "23514"},
			},
		},
		{
			name: "a value that makes NULL where that is allowed",
			change: change.Change{
				Table: table("t"), Old: []change.Column{{Name: "n", Type: "integer"}}, New: []change.Column{{Name: "m", Type: "integer"}},
				Up: change.Map{"m": "nullif(n, 0)"}, Down: change.Map{"n": "coalesce(m, 0)"}, NullOK: true, Inline: true,
			},
			before: "CREATE TABLE t (id int, n int NOT NULL); INSERT INTO t VALUES (1, 5)",
			look:   "SELECT n, m, MARK FROM t WHERE id = 1",
			written: []written{
				{name: "old", do: []string{"UPDATE t SET n = 0"}, want: "0|NULL|1"},
				{name: "new", do: []string{"UPDATE t SET n = 6", "UPDATE t SET m = NULL, MARK = 2"}, want: "0|NULL|1"},
				{name: "an INSERT of NULL by the new version", do: []string{"DELETE FROM t", "INSERT INTO t (id, m, MARK) VALUES (1, NULL, 2)"}, want: "0|NULL|1"},
			},
		},
		{
			name: "a value that is looked up",
			change: change.Change{
				Table: table("posts"), Old: []change.Column{{Name: "member_id", Type: "integer"}}, New: []change.Column{{Name: "member_uuid", Type: "text"}},
				Up:    change.Map{"member_uuid": "(SELECT m.uuid FROM public.members m WHERE m.id = member_id)"},
				Down:  change.Map{"member_id": "(SELECT m.id FROM public.members m WHERE m.uuid = posts.member_uuid)"},
				Reads: []string{"public.members"},
			},
			before: `CREATE TABLE members (id int PRIMARY KEY, uuid text UNIQUE); INSERT INTO members VALUES (1, 'a'), (2, 'b');
				CREATE TABLE posts (id int, member_id int); INSERT INTO posts VALUES (1, 1)`,
			look: "SELECT member_id, member_uuid, MARK FROM posts WHERE id = 1",
			written: []written{
				{name: "old", do: []string{"UPDATE posts SET member_id = 2"}, want: "2|b|1"},
				{name: "new", do: []string{"UPDATE posts SET member_uuid = 'b', MARK = 2"}, want: "2|b|1"},
				{name: "neither", do: []string{"UPDATE posts SET member_id = member_id"}, want: "1|NULL|0"},
				{name: "old that is not there", do: []string{"UPDATE posts SET member_id = 3"}, code: "23514"},
				{name: "new that is not there", do: []string{"UPDATE posts SET member_uuid = 'c', MARK = 2"}, code: "23514"},
				{name: "an INSERT", do: []string{"DELETE FROM posts", "INSERT INTO posts VALUES (1, 2)"}, want: "2|b|1"},
				{name: "NULL", do: []string{"UPDATE posts SET member_id = NULL"}, want: "NULL|NULL|1"},
				{name: "a marker that lies", do: []string{"UPDATE posts SET member_id = 2, member_uuid = 'a', MARK = FLIP"}, code: "23514"},
				{name: "the backfill", do: []string{"UPDATE posts SET MARK = 5"}, want: "1|a|1"},
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			tc.change.Key = "k"
			s := expanded(t, tc.change, nil, tc.before)
			s.check(t, tc.written, tc.look)
		})
	}
}
