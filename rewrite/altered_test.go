package rewrite

import (
	"context"
	"errors"
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// What is used right after it was altered, while the catalog does not know it yet.
var alteredUses = []struct{ alter, use string }{
	{`ALTER TABLE {person} ADD COLUMN extra int`, `UPDATE {person} SET extra = {id}, {surname} = {surname} || 'x' WHERE extra IS NULL RETURNING {surname}, extra`},
	{`ALTER TABLE {person} ADD COLUMN extra int DEFAULT 7`, `SELECT p.extra, {surname} FROM {person} p WHERE p.extra > 0 ORDER BY extra, {surname}`},
	{`ALTER TABLE {person} ADD COLUMN extra int`, `INSERT INTO {person} ({id}, {surname}, extra) VALUES (50, 'x', 5) ON CONFLICT ({id}) DO UPDATE SET extra = excluded.extra`},
	{`ALTER TABLE {person} ADD COLUMN extra int`, `CREATE INDEX ON {person} (extra, {surname}) WHERE extra > 0`},
	{`ALTER TABLE {person} ADD COLUMN extra int`, `CREATE INDEX ON {person} (extra, {surname})`},
	{`ALTER TABLE {person} ADD COLUMN extra int`, `CREATE INDEX ON {person} ({surname}) INCLUDE (extra)`},
	{`ALTER TABLE {person} ADD COLUMN extra int`, `ALTER TABLE {person} ADD CONSTRAINT extra_key UNIQUE (extra, {surname})`},
	{`ALTER TABLE {person} ADD COLUMN extra int UNIQUE`, `INSERT INTO {person} ({id}, {surname}) VALUES (50, 'x') ON CONFLICT (extra) DO NOTHING`},
	{`ALTER TABLE {person} ADD COLUMN extra int DEFAULT 7`, `COPY {person} ({surname}, extra) TO STDOUT WITH (FORMAT csv, HEADER)`},
	{`ALTER TABLE {person} ADD COLUMN extra int DEFAULT 7`, `SELECT {surname} FROM {person} a JOIN {person} b USING (extra, {surname}) ORDER BY 1`},
	{`ALTER TABLE {person} ADD COLUMN extra int DEFAULT 7`, `SELECT (p).extra, (p).{surname} FROM {person} p ORDER BY 2`},
	{`ALTER TABLE {person} ADD COLUMN extra int`, `GRANT SELECT (extra, {surname}) ON {person} TO PUBLIC`},
	{`ALTER TABLE {person} ADD COLUMN extra int`, `CREATE STATISTICS more ON extra, {surname} FROM {person}`},
	{`ALTER TABLE orders ADD COLUMN seller int DEFAULT 1`, `SELECT o.seller, p.{surname} FROM {person} p LEFT JOIN orders o ON p.{id} = o.seller ORDER BY 1, 2`},
	{`ALTER TABLE orders ADD COLUMN seller int`, `ALTER TABLE orders ADD CONSTRAINT sold_by FOREIGN KEY (seller) REFERENCES {person} ({id})`},
	{`ALTER TABLE {person} ADD COLUMN extra int`, `ALTER TABLE {person} ALTER extra SET DEFAULT 5, ALTER {surname} SET DEFAULT 'x'; INSERT INTO {person} ({id}) VALUES (51)`},
	{`ALTER TABLE {person} ADD COLUMN extra int`, `COMMENT ON COLUMN {person}.extra IS 'more'`},
	{`ALTER TABLE {person} RENAME COLUMN city TO town`, `SELECT town, {surname} FROM {person} ORDER BY {person}.town, 2`},
	{`ALTER TABLE {person} DROP COLUMN tags, ADD COLUMN tags2 text`, `SELECT tags2, * FROM {person} ORDER BY {id}`},
}

func TestAnAlteredTableIsKnownAtOnce(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newDDLWorld(t, version)
			for _, tt := range alteredUses {
				w.checkAltered(t, tt.alter, tt.use)
			}
		})
	}
}

// checkAltered alters the table in a transaction of each session, and compares what the use of it does there.
func (w *world) checkAltered(t *testing.T, alter, use string) {
	t.Helper()
	alter, use = inNames(alter, w.names), inNames(use, w.names)
	ctx := context.Background()
	if _, err := w.server.Exec(ctx, "BEGIN; "+w.rewrite(t, alter).SQL); err != nil {
		t.Fatal(err)
	}
	now, err := catalog.Load(ctx, w.server)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.server.Exec(ctx, "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	s := *w.session
	s.Overlay = map[rules.Name]*catalog.Relation{}
	text, err := w.binder.Rewrite(&s, use)
	var need *NeedRelation
	if !errors.As(err, &need) {
		t.Errorf("%s\nis bound without a question: %v, %v", use, text, err)
		return
	}
	for _, n := range need.Names {
		s.Overlay[n] = now.Lookup(n.Schema, n.Name)
	}
	text = rewrittenOn(t, w.binder, &s, w.server, use)
	want, _ := run(t, w.client, alter+";"+use, w.names)
	got, _ := run(t, w.server, w.rewrite(t, alter).SQL+";"+text.SQL, w.serverNames())
	if want.Error != "" || got.Error != "" || len(want.Rows) != len(got.Rows) {
		t.Errorf("%s\n=> %s\n%+v, in the client's database %+v (%v)", use, text.SQL, got, want, text.Statements[0].Failure)
		return
	}
	for i := range want.Rows {
		if want.Rows[i] != got.Rows[i] {
			t.Errorf("%s\n=> %s\nrow %d is %s, in the client's database %s", use, text.SQL, i, got.Rows[i], want.Rows[i])
		}
	}
	for i := range want.Labels {
		if want.Labels[i] != got.Labels[i] {
			t.Errorf("%s\nlabel %d is %s, in the client's database %s", use, i, got.Labels[i], want.Labels[i])
		}
	}
}

func TestAColumnThatIsNowhereIsAskedForOnce(t *testing.T) {
	t.Parallel()
	w := newDDLWorld(t, "old")
	_, err := w.binder.Rewrite(w.session, "SELECT nonsense FROM individual")
	var need *NeedRelation
	if !errors.As(err, &need) || len(need.Names) != 1 || need.Names[0] != (rules.Name{Schema: "public", Name: "person"}) {
		t.Fatal(err)
	}
	w.checkFailure(t, "SELECT nonsense FROM {person}")
}
