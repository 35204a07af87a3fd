package test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

const blog = `
CREATE TABLE member (id int PRIMARY KEY, uuid uuid NOT NULL UNIQUE, name text);
CREATE TABLE post (id int PRIMARY KEY, member_id int, title text);
CREATE INDEX ON post (member_id);
INSERT INTO member SELECT i, md5(i::text)::uuid, 'member ' || i FROM generate_series(1, 40) AS i;
INSERT INTO post SELECT i, i % 40 + 1, 'post ' || i FROM generate_series(1, 500) AS i;`

const author = `
id: author
contract_after: 0s
operations:
  - change_columns:
      table: public.post
      from: [member_id]
      to: [{ name: author, type: uuid }]
      up: { author: "(SELECT m.uuid FROM member m WHERE m.id = member_id)" }
      down: { member_id: "(SELECT m.id FROM member m WHERE m.uuid = author)" }
      reads: [{ table: member, via: { member_id: id, author: uuid } }]
`

// A reader of posts finds what it has written by its own key, while others write the same posts by another one, and what is looked
// up changes beneath them.
func TestVersionsWriteAKeyThatIsLookedUpForTheOther(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, blog)
	f.create(t, author)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	t.Cleanup(func() { stop(); wg.Wait() })
	rounds := make(chan struct{}, 1)
	// Each works on posts of its own: to write several rows in any order makes a deadlock with whoever else does.
	write := func(version, column, key string, first int) {
		for i, mode := range execModes {
			conn := f.connect(t, i%2, version, mode)
			wg.Go(func() {
				defer conn.Close(context.Background())
				for n := 0; ctx.Err() == nil; n++ {
					id, member := first+i, 1+(n*7+i)%40
					var wrote, read string
					err := conn.QueryRow(ctx, fmt.Sprintf("UPDATE post SET %s = %s, title = 'round' WHERE id = $1 RETURNING %[1]s::text", column, fmt.Sprintf(key, member)), id).Scan(&wrote)
					if err == nil {
						err = conn.QueryRow(ctx, fmt.Sprintf("SELECT %s::text FROM post WHERE id = $1 AND %[1]s IS NOT NULL", column), id).Scan(&read)
					}
					if err == nil {
						_, err = conn.Exec(ctx, fmt.Sprintf("INSERT INTO post (id, %s, title) VALUES (%d, %s, 'new')", column, first*1000+i*10_000_000+n, fmt.Sprintf(key, member)))
					}
					if ctx.Err() != nil {
						return
					}
					if err != nil {
						t.Errorf("%s, %v, round %d: %v", version, mode, n, err)
						return
					}
					select {
					case rounds <- struct{}{}:
					case <-ctx.Done():
					}
				}
			})
		}
	}
	some := func() {
		t.Helper()
		for range 30 {
			select {
			case <-rounds:
			case <-t.Context().Done():
			}
			if t.Failed() {
				t.FailNow()
			}
		}
	}
	look := pgtest.Connect(t, f.direct)
	inStep := func() {
		t.Helper()
		var wrong int
		if err := look.QueryRow(t.Context(), "SELECT count(*) FROM post p LEFT JOIN member m ON m.id = p.member_id WHERE m.uuid IS DISTINCT FROM p.author").Scan(&wrong); err != nil || wrong != 0 {
			t.Errorf("%d posts are not in step, %v", wrong, err)
		}
	}
	write("base", "member_id", "%d", 1)
	some()
	f.transition(t, "author", activate)
	f.stage(t, "author", rules.Served)
	write("author", "author", "(SELECT m.uuid FROM member m WHERE m.id = %d)", 101)
	some()
	inStep()
	for i := range 5 { // a member is another one for whoever reads posts by the new key
		if _, err := look.Exec(t.Context(), "UPDATE member SET uuid = md5($1)::uuid WHERE id = $2", fmt.Sprint("again ", i), 35+i); err != nil {
			t.Errorf("a member: %v", err)
		}
		inStep()
	}
	for _, tc := range []struct{ version, sql, want string }{
		{"base", "UPDATE post SET member_id = 77 WHERE id = 400", `23514|there is no row of public.member whose "id" is the value of "member_id"`},
		{"author", "UPDATE post SET author = '00000000-0000-0000-0000-000000000000' WHERE id = 400", `23514|there is no row of public.member whose "uuid" is the value of "author"`},
		{"base", "ALTER TABLE member RENAME TO members", `0A000|segue refuses to rename member`},
		{"author", "DO $$ BEGIN ALTER TABLE member RENAME uuid TO key; END $$", `0A000|segue refuses to rename the column uuid of member`},
		{"base", "DROP TABLE public.member CASCADE", `0A000|segue refuses to drop member`},
		{"base", "DELETE FROM member WHERE id = 40", "23503|a row of public.member cannot go: it is still looked up for rows of public.post"},
	} {
		conn := f.connect(t, 0, tc.version, pgx.QueryExecModeExec)
		_, err := conn.Exec(t.Context(), tc.sql)
		_ = conn.Close(t.Context())
		if err == nil || !strings.HasPrefix(said(err), tc.want) || strings.Contains(said(err), "_segue_") {
			t.Errorf("%s: %s\ngave %v", tc.version, tc.sql, said(err))
		}
	}
	f.transition(t, "author", cutover)
	some()
	inStep()
	f.transition(t, "author", backToActive)
	some()
	f.transition(t, "author", cutover)
	some()
	stop()
	wg.Wait()
	inStep()
	f.gone(t, "base")
	f.transition(t, "author", migrate.Request{Kind: migrate.Contract, AllowBypass: true})
	conn := f.connect(t, 0, "author", pgx.QueryExecModeExec)
	if _, err := conn.Exec(t.Context(), "UPDATE post SET author = (SELECT uuid FROM member WHERE id = 3) WHERE id = 1"); err != nil {
		t.Error(err)
	}
	if _, err := conn.Exec(t.Context(), "ALTER TABLE member RENAME uuid TO key"); err == nil || !strings.HasPrefix(said(err), "0A000|") {
		t.Errorf("a rename while the old side is kept gave %v", said(err))
	}
	f.transition(t, "author", migrate.Request{Kind: migrate.Purge})
	if _, err := conn.Exec(t.Context(), "ALTER TABLE member RENAME uuid TO key"); err != nil {
		t.Error(err)
	}
}
