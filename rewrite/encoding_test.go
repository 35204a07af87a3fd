package rewrite

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
)

func latin1(t *testing.T, s string) string {
	t.Helper()
	out, err := charmap.ISO8859_1.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestATextInAnotherEncodingKeepsItsBytes(t *testing.T) {
	t.Parallel()
	s := pinned("size")
	s.Encoding = "LATIN1"
	sql := latin1(t, "SELECT 'äöü', size, surname FROM individual; SELECT 'ß', puzzle")
	text := mustRewrite(t, plainBinder(), s, sql)
	if want := latin1(t, `SELECT 'äöü', "größe", last_name FROM individual; SELECT "segue: statement refused 2"`); text.SQL != want {
		t.Fatalf("SQL = %q, want %q", text.SQL, want)
	}
	if got, want := text.SQL[text.Statements[0].Start:text.Statements[0].End], latin1(t, `SELECT 'äöü', "größe", last_name FROM individual`); got != want {
		t.Errorf("the first statement is %q, want %q", got, want)
	}
	if got := text.SQL[text.Statements[1].Start:text.Statements[1].End]; got != standIn(1) {
		t.Errorf("the second statement is %q", got)
	}
	if f := text.Statements[1].Failure; f.Position != 58 {
		t.Errorf("the puzzle is at character %d", f.Position)
	}
	// The server counts characters of what was sent: last_name is its 24th, surname the client's 21st.
	if got := text.ClientPosition(24); got != 21 {
		t.Errorf("ClientPosition = %d, want 21", got)
	}
	if text.Sample() != "SELECT $1, size, surname FROM individual; SELECT $2, puzzle" {
		t.Errorf("Sample = %q", text.Sample())
	}
}

func TestATextThatIsNotInItsEncoding(t *testing.T) {
	t.Parallel()
	const invalid = "SELECT '\xff\xff', surname FROM individual"
	for name, tc := range map[string]struct {
		encoding, sql string
		refused       bool
	}{
		"UTF8 is checked by the server":        {"UTF8", invalid, false},
		"no encoding means UTF8":               {"", invalid, false},
		"SQL_ASCII is not":                     {"SQL_ASCII", invalid, true},
		"SQL_ASCII that is UTF-8 can be read":  {"SQL_ASCII", "SELECT 'é' FROM individual", false},
		"half a character":                     {"SJIS", "SELECT surname FROM individual \x95", true},
		"an encoding that we do not know":      {"JOHAB", "SELECT 'é', surname FROM individual", true},
		"ASCII in one that we do not know":     {"JOHAB", "SELECT id FROM individual", false},
		"a zero byte, where the server stops":  {"UTF8", "SELECT 1 FROM individual\x00 surname", true},
		"a name that the encoding cannot have": {"WIN1251", "SELECT size FROM individual", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := pinned("size")
			s.Encoding = tc.encoding
			text := mustRewrite(t, plainBinder(), s, tc.sql)
			if !tc.refused {
				if text.SQL != tc.sql {
					t.Errorf("SQL = %q", text.SQL)
				}
				return
			}
			if text.SQL != standIn(0) {
				t.Errorf("SQL = %q", text.SQL)
			}
			if f := text.Statements[0].Failure; f == nil || f.Code != "0A000" {
				t.Errorf("Failure = %+v", f)
			}
		})
	}
}

func TestABackslashIsRefusedWhereItEscapes(t *testing.T) {
	t.Parallel()
	for sql, refused := range map[string]bool{
		`SELECT surname, 'a\'' FROM individual -- '`:  true,
		`SELECT surname, 'a\\b' FROM individual`:      true,
		`SELECT surname, E'a\'b' FROM individual`:     false,
		`SELECT surname, 'ab' FROM individual -- \ x`: false,
		`SELECT surname, $$a\b$$ FROM individual`:     false,
	} {
		s := pinned("surname")
		s.StandardStrings = false
		text := mustRewrite(t, plainBinder(), s, sql)
		if got := text.Statements[0].Failure != nil; got != refused {
			t.Errorf("%s: refused = %v", sql, got)
		}
		if refused && !strings.Contains(text.Statements[0].Failure.Message, "backslash") {
			t.Errorf("%s: %v", sql, text.Statements[0].Failure)
		}
	}
}
