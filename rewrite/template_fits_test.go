package rewrite

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whatever becomes of the first text of a shape must become of those that differ from it in constants, however many have come
// before: also of one that is not bound but sent in pieces, sent as it is, refused, or put to the server as a question.
func TestTheFifthTextOfAShapeIsTreatedLikeTheFirst(t *testing.T) {
	t.Parallel()
	type outcome struct {
		SQL      string
		Changed  bool
		Pieces   []Piece
		Question bool
		Failures []string
	}
	of := func(b *Binder, s *Session, sql string) outcome {
		text := mustRewrite(t, b, s, sql)
		out := outcome{SQL: text.SQL, Changed: text.Changed, Pieces: text.Pieces, Question: text.Question != nil}
		for i := range text.Statements {
			if f := text.Statements[i].Failure; f != nil {
				out.Failures = append(out.Failures, f.Code+" "+f.Message)
			}
		}
		return out
	}
	for _, shape := range []string{
		"SET search_path = public; SELECT * FROM individual WHERE id = %d",
		"DO $$ BEGIN NULL; END $$; INSERT INTO plain SELECT id FROM individual WHERE id = %d",
		"DISCARD PLANS; SELECT id, last_name FROM individual WHERE id = %d",
		"BEGIN; SAVEPOINT a; UPDATE individual SET id = 2 WHERE id = %d; ROLLBACK TO a; UPDATE individual SET id = 3; COMMIT",
		"COMMIT; SELECT * FROM individual WHERE id = %d",
		"CREATE TABLE made (i int DEFAULT 1); SELECT * FROM individual WHERE id = %d",
		"SET segue.version = 'surname'; SELECT * FROM individual WHERE id = %d",
		"SELECT * FROM individual WHERE id = %d; SELECT * FROM individual WHERE id = 7",
		"SELECT * FROM individual WHERE id = %d",
		"SELECT nothing FROM individual WHERE id = %d",
		"SELECT surname FROM individual WHERE id = %d",
		"SELECT last_name FROM individual WHERE id = %d",
		"SELECT j FROM JSON_TABLE(jsonb '1', '$' COLUMNS (j int)) x, individual WHERE id = %d",
		"MERGE INTO plain p USING individual i ON i.id = p.id WHEN MATCHED THEN UPDATE SET id = %d RETURNING *",
		"SELECT 1 AT LOCAL WHERE 1 = %d",
		"SELEC %d FROM individual",
		"CREATE INDEX made ON individual (surname) WHERE id > %d",
		"SELECT relname FROM pg_class WHERE oid = %d",
		"PREPARE p AS SELECT * FROM individual WHERE id = %d",
		"EXPLAIN SELECT * FROM individual WHERE id = %d",
		"DECLARE c CURSOR FOR SELECT * FROM individual WHERE id = %d",
		"COPY (SELECT * FROM individual WHERE id = %d) TO STDOUT",
		"LOCK TABLE individual; SELECT * FROM individual WHERE id = %d",
	} {
		for _, version := range []string{"", "base", "surname"} {
			snap := testSnapshot(150000)
			warm, s := NewBinder(snap, Options{}), &Session{Version: version, User: "u", StandardStrings: true, Encoding: "UTF8", SearchPath: []string{"public"}}
			for n := range 5 {
				sql := fmt.Sprintf(shape, 101+n)
				want := of(NewBinder(snap, Options{}), s, sql)
				if diff := cmp.Diff(want, of(warm, s, sql)); diff != "" {
					t.Errorf("as %q, text %d: %s (-alone +after the others):\n%s", version, n+1, sql, diff)
				}
			}
		}
	}
}

// All that a text consists of is compared by sameOutcome, or follows from what is, or keeps a text from having a template.
func TestEveryPartOfATextIsAccountedForByTemplates(t *testing.T) {
	t.Parallel()
	known := map[reflect.Type][]string{
		reflect.TypeFor[Text](): {
			"SQL", "Changed", "Version", "Ambiguous", "Statements", "Tables", "TxControl", "tally", "edits", "lasting", "settled", // compared
			"Client", "clientUTF8", "sentUTF8", "charset", "names", "oracle", "sample", "like", // follow from the text and its session
			"GivenUp", "Question", "Pieces", // have no template
		},
		reflect.TypeFor[Statement](): {
			"Start", "End", "Tag", "Tables", "Uses", "Columns", "lacks", "flips", "sides", // compared
			"given",                              // follows from the edits, which are
			"Failure", "Effect", "asked", "plan", // have no template
		},
	}
	for typ, names := range known {
		for i := range typ.NumField() {
			if name := typ.Field(i).Name; !slices.Contains(names, name) {
				t.Errorf("%s.%s is not accounted for: see fitsTemplate and sameOutcome", typ.Name(), name)
			}
		}
		if typ.NumField() != len(names) {
			t.Errorf("%s has %d fields, and %d are listed", typ.Name(), typ.NumField(), len(names))
		}
	}
}
