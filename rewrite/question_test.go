package rewrite

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rewrite/wording"
)

// TestABackslashThatHidesTheEndOfAStringIsNoSyntaxError covers texts that end early for a scanner that does not know
// that a backslash escapes a quote.
func TestABackslashThatHidesTheEndOfAStringIsNoSyntaxError(t *testing.T) {
	t.Parallel()
	b := plainBinder()
	s := pinned("surname")
	s.StandardStrings = false
	for _, sql := range []string{
		`SELECT 'a\\b\'cd' FROM individual`, `SELECT 'it\'s' FROM individual WHERE surname = 'b'`, `SELECT '\' FROM individual`,
	} {
		text := mustRewrite(t, b, s, sql)
		if f := text.Statements[0].Failure; f == nil || f.Code != codeRefused || f.Node != "standard_conforming_strings" {
			t.Errorf("%s: %v, want a refusal of the backslash", sql, f)
		}
		if text.FailureAt(codeUndefinedColumn, standIn(0), 0) == nil {
			t.Errorf("%s is sent as %s", sql, text.SQL)
		}
	}
	text := mustRewrite(t, b, s, `SELECT FROM FROM individual`)
	if f := text.Statements[0].Failure; f.Code != codeSyntaxError {
		t.Errorf("without a backslash all is read alike: %v", f)
	}
}

// parseError has the server parse a text without executing it.
func parseError(t *testing.T, conn *pgconn.PgConn, sql string) *pgconn.PgError {
	t.Helper()
	_, err := conn.Prepare(context.Background(), "_segue_", sql, nil)
	var pgErr *pgconn.PgError
	if err != nil && !errors.As(err, &pgErr) {
		t.Fatal(err)
	}
	if err == nil {
		if err := conn.Deallocate(context.Background(), "_segue_"); err != nil {
			t.Fatal(err)
		}
	}
	return pgErr
}

func TestTheServerIsAskedForItsOwnWords(t *testing.T) {
	t.Parallel()
	db := pgtest.Database(t)
	pgtest.Exec(t, db, `CREATE TABLE individual (id int, last_name text, "größe" int); CREATE TABLE pets (id int, owner int)`)
	conn := pgtest.Connect(t, db)
	for name, tc := range map[string]struct {
		sql, want, hint string // want: "" when our own words serve
	}{
		"a name that is nowhere":    {`SELECT surname, nope FROM individual`, `column "nope" does not exist`, ""},
		"a name that is almost one": {`SELECT surnames FROM individual`, `column "surnames" does not exist`, `Perhaps you meant to reference the column "individual.surname".`},
		"a name of the database":    {`SELECT last_name FROM individual`, "", ""},
		"a table out of reach": {
			`SELECT i.surname FROM individual i, (SELECT i.surname) s`, `invalid reference to FROM-clause entry for table "i"`,
			`There is an entry for table "i", but it cannot be referenced from this part of the query.`,
		},
		"a column out of reach": {
			`SELECT 1 FROM individual i, (SELECT surname) s`, `column "surname" does not exist`,
			`There is a column named "surname" in table "i", but it cannot be referenced from this part of the query.`,
		},
		"a typing mistake": {
			`SELECT ownr, surname FROM individual, pets`, `column "ownr" does not exist`, `Perhaps you meant to reference the column "pets.owner".`,
		},
		"two statements":      {`SELECT nope FROM individual; SELECT 1`, "", ""},
		"a syntax error":      {`SELECT FROM FROM individual`, `syntax error at or near "FROM"`, ""},
		"one with a hint":     {`SELECT U&'wrong \zzzz' FROM individual`, "invalid Unicode escape", `Unicode escapes must be \XXXX or \+XXXXXX.`},
		"one behind a column": {`SELECT surname FROM individual WHERE`, "syntax error at end of input", ""},
	} {
		t.Run(name, func(t *testing.T) {
			text := mustRewrite(t, NewBinder(testSnapshot(150000), Options{}), pinned("surname"), tc.sql)
			q := text.Question
			if q == nil {
				if tc.want == "" {
					return
				}
				// What PostgreSQL says of a column that is misspelled is known without asking.
				if f := text.Statements[0].Failure; f == nil || f.Message != tc.want || f.Hint != tc.hint {
					t.Errorf("nothing is asked, and the failure is %+v", f)
				}
				return
			}
			e := parseError(t, conn.PgConn(), q.Text.SQL)
			if e == nil || !q.Answers(e.Code, e.File, int(e.Position)) {
				if tc.want != "" {
					t.Errorf("%s: the answer %v is not taken", q.Text.SQL, e)
				}
				return
			}
			if tc.want == "" {
				t.Fatalf("%s: %s is taken for an answer", q.Text.SQL, e.Message)
			}
			r := &wording.Report{Code: e.Code, Message: e.Message, Hint: e.Hint, Position: int(e.Position)}
			if q.Text.Reword(r); r.Message != tc.want || r.Hint != tc.hint {
				t.Errorf("message %q, want %q; hint %q, want %q", r.Message, tc.want, r.Hint, tc.hint)
			}
		})
	}
}

func TestATextThatOnlyTheServerCanReadIsRefused(t *testing.T) {
	t.Parallel()
	conn := pgtest.Connect(t, pgtest.Database(t))
	q := &Question{Text: &Text{SQL: "SELECT 1"}, Otherwise: &Error{Code: codeRefused}, unread: true}
	for sql, want := range map[string]bool{
		"SELECT nope": false, "SELECT 1; SELECT 2": false, "SELECT FROM FROM": true, "SELECT 'open": true,
		"ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES b MATCH PARTIAL": true,
	} {
		e := parseError(t, conn.PgConn(), sql)
		if e == nil {
			t.Fatalf("%s is accepted", sql)
		}
		if q.Answers(e.Code, e.File, int(e.Position)) != want {
			t.Errorf("%s: %s in %s, taken: %v", sql, e.Message, e.File, !want)
		}
	}
	if !q.Answers("25P02", "postgres.c", 0) {
		t.Error("a failed transaction is an answer to everything")
	}
}

func TestTheServerIsAskedTheSameOnce(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, "new", differentialSchema, "person", "line")
	_, err := w.binder.Rewrite(w.session, "SELECT pg_get_viewdef('adults'::regclass)"+strings.Repeat(", pg_get_viewdef('adults'::regclass)", 99))
	var need *NeedRelation
	if !errors.As(err, &need) || len(need.Questions) != 1 {
		t.Errorf("100 calls of one kind have %d questions: %v", len(need.Questions), err)
	}
}
