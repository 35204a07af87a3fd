package migrate

import (
	"slices"
	"strings"
	"testing"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// found lists what assess finds of one hazard.
func (f *fleet) found(migration, hazard string) (out []assess.Finding) {
	f.t.Helper()
	all, err := f.instances[0].Assess(f.t.Context(), migration)
	if err != nil {
		f.t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(one assess.Finding) bool { return one.ID != hazard })
}

const notes = `
CREATE TABLE public.notes (id int PRIMARY KEY, body text, size int);
INSERT INTO public.notes VALUES (1, 'a', 1), (2, 'b', 2);`

const noted = `
id: noted
contract_after: 0s
operations:
  - change_columns:
      table: public.notes
      from: [body]
      to: [{ name: words, type: text }]
      up: { words: body }
      down: { body: words }
  - change_columns:
      table: public.notes
      from: [size]
      to: [{ name: length, type: bigint }]
      up: { length: size }
      down: { size: "length::int" }
`

func TestWhatAnOldColumnHasOfItsOwnIsFoundUntilANewOneHasIt(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, notes+`DO $$ BEGIN CREATE ROLE noted_reader; EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$`)
	f.create(noted)
	f.must("noted", activate)
	f.awaitStage("noted", rules.Served)
	for _, tc := range []struct{ name, old, want, new string }{
		{"a comment", `COMMENT ON COLUMN notes.body IS 'x'`, "a comment", `COMMENT ON COLUMN notes.words IS 'y'`},
		{"a statistics target", `ALTER TABLE notes ALTER body SET STATISTICS 500`, "the statistics target 500", `ALTER TABLE notes ALTER words SET STATISTICS 400`},
		{"an attribute", `ALTER TABLE notes ALTER body SET (n_distinct = 7)`, "n_distinct=7", `ALTER TABLE notes ALTER words SET (n_distinct = 8)`},
		{"a way of storage", `ALTER TABLE notes ALTER body SET STORAGE EXTERNAL`, "the storage EXTERNAL", `ALTER TABLE notes ALTER words SET STORAGE EXTERNAL`},
		{"a way of compression", `ALTER TABLE notes ALTER body SET COMPRESSION pglz`, "the compression pglz", `ALTER TABLE notes ALTER words SET COMPRESSION pglz`},
		{"a privilege", `GRANT SELECT (body, id) ON notes TO noted_reader`, "SELECT for noted_reader", `GRANT SELECT (words) ON notes TO noted_reader`},
		{"a privilege to grant", `GRANT INSERT (body) ON notes TO noted_reader WITH GRANT OPTION`, "INSERT for noted_reader", `GRANT INSERT (words) ON notes TO noted_reader WITH GRANT OPTION`},
		{"a privilege of everybody", `GRANT UPDATE (body) ON notes TO PUBLIC`, "UPDATE for PUBLIC", `GRANT UPDATE ON notes TO PUBLIC`},
		{"a constraint", `ALTER TABLE notes ADD CONSTRAINT one UNIQUE (body)`, "the constraint one", `ALTER TABLE notes ADD CONSTRAINT two UNIQUE (words)`},
		{"a constraint with others", `ALTER TABLE notes ADD CONSTRAINT three UNIQUE (body, id)`, "the constraint three", `ALTER TABLE notes ADD CONSTRAINT four UNIQUE (words, id)`},
		{"statistics", `CREATE STATISTICS apart (dependencies) ON body, id FROM notes`, "the statistics apart", `CREATE STATISTICS together (dependencies) ON words, id FROM notes`},
		{"statistics of an expression", `CREATE STATISTICS shapes ON lower(body) FROM notes`, "the statistics shapes", `CREATE STATISTICS forms ON lower(words) FROM notes`},
	} {
		if pgtest.Cluster().Major < 14 && (strings.Contains(tc.old, "COMPRESSION") || strings.Contains(tc.old, "ON lower")) {
			continue // they came with 14
		}
		f.exec(tc.old)
		got := f.found("noted", "change-column")
		if len(got) != 1 || got[0].Object != "public.notes.body" || !strings.HasSuffix(got[0].Message, "it has what nothing of words has: "+tc.want) || got[0].Severity != assess.Block {
			t.Errorf("%s: found are %+v", tc.name, got)
		}
		if e := f.refused("noted", cutover); !slices.ContainsFunc(e.Missing, func(m string) bool { return strings.HasPrefix(m, "public.notes.body: "+got[0].Message) }) {
			t.Errorf("%s: cutover misses %q", tc.name, e.Missing)
		}
		f.exec(tc.new)
		if got := f.found("noted", "change-column"); len(got) != 0 {
			t.Errorf("%s: with a counterpart %+v are found", tc.name, got)
		}
	}
	f.exec(`COMMENT ON COLUMN notes.size IS 'in words'`)
	accepted := cutover
	accepted.AcceptDifferences = []string{"public.notes.size"}
	f.must("noted", accepted)
}

// Servers are known that keep an attribute of their own with every column.
func TestAnAttributeThatAServerKeepsForItselfIsNobodys(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, notes)
	f.create(noted)
	f.must("noted", activate)
	f.awaitStage("noted", rules.Served)
	own := func(column string) string {
		return `UPDATE pg_attribute SET attoptions = attoptions || '{pg_own=1}' WHERE attrelid = 'notes'::regclass AND attname = '` + column + `'`
	}
	f.exec(own("body"))
	if got := f.found("noted", "change-column"); len(got) != 0 {
		t.Errorf("found are %+v", got)
	}
	f.exec(`UPDATE pg_attribute SET attoptions = NULL WHERE attrelid = 'notes'::regclass AND attname = 'body'`)
	f.exec(`ALTER TABLE notes ALTER body SET (n_distinct_inherited = 7)`)
	f.exec(own("words"))
	if got := f.found("noted", "change-column"); len(got) != 1 || !strings.HasSuffix(got[0].Message, ": n_distinct_inherited=7") {
		t.Errorf("found are %+v", got)
	}
}

func TestCheckThatSaysSomethingElseIsNoCounterpart(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, notes)
	f.create(noted)
	f.must("noted", activate)
	f.awaitStage("noted", rules.Served)
	f.exec(`ALTER TABLE notes ADD CONSTRAINT positive CHECK (size > 0), ADD CONSTRAINT other CHECK (length < 10000)`)
	if got := f.found("noted", "change-check"); len(got) != 1 || got[0].Object != "constraint positive on public.notes" {
		t.Errorf("found are %+v", got)
	}
	f.exec(`ALTER TABLE notes ADD CONSTRAINT positive_length CHECK (length > 0)`)
	if got := f.found("noted", "change-check"); len(got) != 0 {
		t.Errorf("with a counterpart %+v are found", got)
	}
	f.exec(`ALTER TABLE notes ADD CONSTRAINT listed CHECK (size IN (1, 2, 3))`) // of which the server prints types
	if got := f.found("noted", "change-check"); len(got) != 0 {
		t.Errorf("with as many CHECKs %+v are found", got)
	}
}

// A request may be tried for long, and what it was looked at for may have gone when it is made.
func TestADifferenceThatComesWhileCutoverIsTriedRefusesIt(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, notes)
	f.create(noted + `  - rename_column: { table: public.notes, from: id, to: number } # which waits for all who read
`)
	f.must("noted", activate)
	f.awaitStage("noted", rules.Served)
	reader := pgtest.Connect(t, f.url)
	for _, sql := range []string{`BEGIN`, `SELECT FROM notes`} {
		if _, err := reader.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	outcome := make(chan error, 1)
	go func() {
		_, err := f.do("noted", cutover)
		outcome <- err
	}()
	pgtest.Eventually(t, func() bool {
		return value[int](f, `SELECT count(*) FROM segue.transition WHERE kind = 'cutover' AND attempts > 0`) == 1
	}, "cutover is tried")
	f.exec(`COMMENT ON COLUMN notes.body IS 'x'`)
	if _, err := reader.Exec(t.Context(), `COMMIT`); err != nil {
		t.Fatal(err)
	}
	if err := <-outcome; err == nil || !strings.Contains(err.Error(), "the new columns lack what the old ones have") {
		t.Errorf("cutover gives %v", err)
	}
}
