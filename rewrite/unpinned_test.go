package rewrite

import (
	"testing"

	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rules"
)

func TestASessionWithoutAVersionSeesWhatBindsTheWholeText(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fallback  string
		sql       string
		version   string
		fails     string // the code of the first failure
		ambiguous bool
	}{
		"names of the default version":              {"", "SELECT last_name FROM individual", rules.Base, "", false},
		"names of all versions":                     {"", "SELECT id FROM individual", rules.Base, "", false},
		"a name that two versions bind in one way":  {"", "SELECT surname FROM individual", "surname", "", false},
		"a name that only one other version has":    {"", "SELECT size FROM individual", "size", "", false},
		"a name that no version has":                {"", "SELECT last_name, surname FROM individual", rules.Base, "42703", false},
		"a default version that was chosen":         {"surname", "SELECT surname FROM individual", "surname", "", false},
		"a name that the chosen default lacks":      {"surname", "SELECT last_name FROM individual", rules.Base, "", false},
		"a text that concerns nobody":               {"", "SELECT 1 -- individual", rules.Base, "", false},
		"a refusal is no reason to look further":    {"", "SELECT puzzle FROM individual", rules.Base, "0A000", false},
		"a default version that does not exist":     {"typo", "SELECT id FROM individual", rules.Base, "22023", false},
		"a name that versions bind in another way":  {"", "SELECT id, twist FROM individual", rules.Base, "", true},
		"a name that others bind in different ways": {"", "SELECT surname, twist FROM individual", rules.Base, "42703", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := plainBinder()
			b.bind = twistedBind
			text := mustRewrite(t, b, &Session{Default: tc.fallback, StandardStrings: true}, tc.sql)
			if text.Version != tc.version || text.Ambiguous != tc.ambiguous {
				t.Errorf("bound in %q, ambiguous: %v", text.Version, text.Ambiguous)
			}
			code := ""
			if len(text.Statements) > 0 && text.Statements[0].Failure != nil {
				code = text.Statements[0].Failure.Code
			}
			if code != tc.fails {
				t.Errorf("failure %q, want %q", code, tc.fails)
			}
			if n := b.Stats().Ambiguous.Load(); n != 0 != tc.ambiguous {
				t.Errorf("Ambiguous = %d", n)
			}
		})
	}
}

// twistedBind is plainBind, but that the word twist means something else in each version.
func twistedBind(in *bindInput) (*bound, error) {
	out, err := plainBind(in)
	for i := range in.tokens.Len() {
		if name, _ := in.tokens.Ident(i); name == "twist" && in.lens.Version != rules.Base {
			column := "twist_" + in.lens.Version
			out.edits = append(out.edits, splice.Edit{Start: in.tokens.Start(i), End: in.tokens.End(i), New: column})
			target := in.tree.Stmts[0].Stmt.GetSelectStmt().TargetList[1].GetResTarget()
			target.Val.GetColumnRef().Fields[0].GetString_().Sval = column
		}
	}
	return out, err
}

func TestANameThatVersionsBindDifferentlyIsToBeChosen(t *testing.T) {
	t.Parallel()
	b := plainBinder()
	b.bind = twistedBind
	text := mustRewrite(t, b, &Session{StandardStrings: true}, "SELECT surname, twist FROM individual")
	f := text.Statements[0].Failure
	if want := "Versions surname and size bind this differently: SET segue.version to the one that is meant."; f.Hint != want {
		t.Errorf("hint %q, want %q", f.Hint, want)
	}
	if f.natural {
		t.Error("the server is left to say it, and knows no hint")
	}
}

func TestTheDefaultModeLooksAtNoOtherVersion(t *testing.T) {
	t.Parallel()
	s := &Session{Unpinned: UnpinnedDefault, StandardStrings: true}
	text := mustRewrite(t, plainBinder(), s, "SELECT surname FROM individual")
	if f := text.Statements[0].Failure; f == nil || f.Code != "42703" || text.Version != rules.Base {
		t.Errorf("Failure = %v in %q", f, text.Version)
	}
}

func TestTheRefusingModeWantsAVersionForTablesUnderMigration(t *testing.T) {
	t.Parallel()
	s := &Session{Unpinned: UnpinnedRefuse, StandardStrings: true}
	b := plainBinder()
	text := mustRewrite(t, b, s, "SELECT id FROM individual; SELECT surname FROM individual; SELECT 1")
	for i, code := range []string{"0A000", "0A000", ""} {
		got := ""
		if f := text.Statements[i].Failure; f != nil {
			got = f.Code
		}
		if got != code {
			t.Errorf("statement %d fails with %q, want %q", i+1, got, code)
		}
	}
	if n := b.Stats().Refused.Load(); n != 2 {
		t.Errorf("Refused = %d, want 2", n)
	}
	if text := mustRewrite(t, b, pinned("surname"), "SELECT surname FROM individual"); text.Statements[0].Failure != nil {
		t.Error("a pinned session is refused")
	}
}

func TestTheBinderProperLetsASessionWithoutAVersionUseAllNames(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sql, version, sent string
		ambiguous          bool
	}{
		"the old name":              {"SELECT last_name FROM individual", rules.Base, "SELECT last_name FROM individual", false},
		"the new name":              {"SELECT surname FROM individual", "surname", "SELECT last_name AS surname FROM individual", false},
		"the newest name":           {"SELECT size FROM individual", "size", `SELECT "größe" AS size FROM individual`, false},
		"both names":                {"SELECT last_name, surname FROM individual", rules.Base, "SELECT last_name, surname FROM individual", false},
		"all columns":               {"SELECT * FROM individual", rules.Base, `SELECT individual.id, individual.last_name, individual."größe" FROM individual`, true},
		"no name that differs":      {"SELECT id FROM individual", rules.Base, "SELECT id FROM individual", false},
		"a name in an INSERT":       {"INSERT INTO individual (surname) VALUES ('x')", "surname", "INSERT INTO individual (last_name) VALUES ('x')", false},
		"what is refused elsewhere": {"SELECT i FROM individual i", rules.Base, "SELECT i FROM individual i", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := mustRewrite(t, realBinder(Options{}), &Session{StandardStrings: true, SearchPath: []string{"pg_catalog", "public"}}, tc.sql)
			if text.Version != tc.version || text.SQL != tc.sent || text.Ambiguous != tc.ambiguous {
				t.Errorf("in %q, ambiguous: %v: %s", text.Version, text.Ambiguous, text.SQL)
			}
		})
	}
}

// A name in a body that the version lacks is no error before the body runs, or a refusal. It is another version's text all the same,
// if that has all names in it; the server says what no version has.
func TestABodyWithANameOfAnotherVersionIsThatVersionsText(t *testing.T) {
	t.Parallel()
	b := NewBinder(testSnapshot(150000), Options{Stats: new(Stats)})
	for _, tc := range []struct{ sql, version, fails string }{
		{"DO $$ BEGIN PERFORM last_name FROM individual; END $$", rules.Base, ""},
		{"DO $$ BEGIN PERFORM surname FROM individual; END $$", "surname", ""},
		{"DO $$ DECLARE n text; BEGIN UPDATE individual SET surname = 'x'; SELECT surname INTO n FROM individual; END $$", "surname", ""},
		{"CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT max(surname) FROM individual); END $$", "surname", ""},
		{"CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'SELECT; UPDATE individual SET surname = NULL'", "surname", ""},
		{"DO $$ BEGIN PERFORM size FROM individual; END $$", "size", ""},
		{"DO $$ BEGIN PERFORM last_name, surname FROM individual; END $$", rules.Base, ""},
		{"DO $$ BEGIN PERFORM last_name FROM individual; PERFORM surname FROM individual; END $$", rules.Base, ""},
		{"DO $$ BEGIN PERFORM nosuch FROM individual; END $$", rules.Base, ""},
		{"DO $$ DECLARE surname text; BEGIN surname := 'x'; PERFORM last_name FROM individual; END $$", rules.Base, ""},
	} {
		text := mustRewrite(t, b, &Session{StandardStrings: true, SearchPath: []string{"pg_catalog", "public"}}, tc.sql)
		code := ""
		if len(text.Statements) > 0 && text.Statements[0].Failure != nil {
			code = text.Statements[0].Failure.Code
		}
		if text.Version != tc.version || code != tc.fails {
			t.Errorf("%s is bound in %q and fails with %q (%v), want %q and %q", tc.sql, text.Version, code, text.Statements, tc.version, tc.fails)
		}
	}
}
