package proxy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCursorsAndPreparedStatementsShowTheClientsText(t *testing.T) {
	t.Parallel()
	const schema = "CREATE TABLE individual (id int, last_name text); INSERT INTO individual VALUES (1, 'a')"
	const cursors = "SELECT name || '', statement || '' FROM pg_cursors WHERE name <> '' ORDER BY 1"
	const prepared = "SELECT name || '', statement || '' FROM pg_prepared_statements WHERE from_sql ORDER BY 1"
	for _, tt := range []struct {
		name string
		sql  []string
	}{
		{"of cursors", []string{"BEGIN", "DECLARE c CURSOR FOR SELECT * FROM individual;", cursors,
			"DECLARE d CURSOR FOR SELECT last_name /* ü */ FROM individual ORDER BY last_name", cursors, "CLOSE c", cursors, "COMMIT", cursors}},
		{"of one that is held", []string{"DECLARE h CURSOR WITH HOLD FOR SELECT last_name FROM individual", "FETCH h", cursors}},
		{"of PREPARE", []string{"PREPARE p AS SELECT * FROM individual WHERE last_name = $1;", prepared, "EXECUTE p('a')", prepared,
			"PREPARE q (int) AS UPDATE individual SET last_name = 'b' WHERE id = $1", prepared, "DEALLOCATE p", prepared,
			"PREPARE p AS SELECT 1", prepared}},
		{"of several in one text", []string{"BEGIN; PREPARE p AS SELECT last_name FROM individual; DECLARE c CURSOR FOR EXECUTE p", prepared, "ROLLBACK",
			"BEGIN; DECLARE c CURSOR FOR TABLE individual; SELECT last_name FROM individual", cursors}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var s script
			for _, sql := range tt.sql {
				s = append(s, step{simple(sql), "Z"})
			}
			want, got := s.directly(t, schema), s.renamed(t, schema)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("it is shown otherwise (-directly +through Segue):\n%s", diff)
			}
		})
	}
}

func TestOnlyTheNewestOfManyTextsAreKept(t *testing.T) {
	t.Parallel()
	var kept sentTexts
	for i := range maxSentTexts + 2 {
		kept.remember("base", fmt.Sprint("sent ", i), fmt.Sprint("client ", i))
	}
	kept.remember("base", "sent 5", "client 5")
	kept.remember("base", "sent 7", "another")
	kept.remember("base", "long", strings.Repeat("x", maxSentText))
	if n := len(kept.pairs); n != maxSentTexts || kept.pairs[0][0] != "sent 2" || kept.pairs[n-1] != [2]string{"sent 7", "another"} {
		t.Errorf("%d are kept, from %v to %v", n, kept.pairs[0], kept.pairs[n-1])
	}
	if kept.answer("v") != "" || kept.answer("base") == "" {
		t.Error("they are those of another version")
	}
}
