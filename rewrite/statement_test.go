package rewrite

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seguedb/segue/catalog"
)

func rewritten(t *testing.T, sql string) *Text {
	t.Helper()
	s := &Session{Version: "person", SearchPath: []string{"pg_catalog", "public"}, StandardStrings: true}
	text, err := NewBinder(renamedTable(), Options{}).Rewrite(s, sql)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestUsesAreTheLogicalNamesThatAStatementNeeds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, sql string
		want      []string // columns; "" for the table itself
	}{
		{"a table alone", "SELECT 1 FROM person", []string{""}},
		{"columns in any clause", "SELECT id FROM person WHERE surname = '' ORDER BY surname", []string{"", "id", "surname"}},
		{"a star", "SELECT * FROM person", []string{"", "*"}},
		{"a star through a join", "SELECT * FROM person JOIN pet ON pet.id = person.id", []string{"", "*", "id"}},
		{"count(*) is no star", "SELECT count(*) FROM person", []string{""}},
		{"a whole row", "SELECT count(p) FROM person p", []string{"", "*"}},
		{"through a subquery", "SELECT a FROM (SELECT surname AS a FROM person) s", []string{"", "surname"}},
		{"under an alias for the column", "SELECT b FROM person AS p (a, b)", []string{"", "surname"}},
		{"a column that is written", "UPDATE person SET surname = 'x'", []string{"", "surname"}},
		{"a list of columns", "INSERT INTO person (surname) VALUES ('x')", []string{"", "surname"}},
		{"no list of columns", "INSERT INTO person VALUES (1)", []string{"", "*"}},
		{"USING", "SELECT 1 FROM person JOIN pet USING (id)", []string{"", "id"}},
		{"an index that is inferred", "INSERT INTO person (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET surname = excluded.surname",
			[]string{"", "id", "surname"}},
		{"COPY", "COPY person (surname) TO STDOUT", []string{"", "surname"}},
		{"a name in a string", "SELECT has_column_privilege('person', 'surname', 'select')", []string{"", "surname"}},
		{"a prepared statement", "PREPARE q AS DELETE FROM person WHERE id = $1", []string{"", "id"}},
		{"another table", "SELECT name FROM pet", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := rewritten(t, tt.sql).Statements[0]
			if s.Failure != nil {
				t.Fatal(s.Failure)
			}
			var got []string
			for _, u := range s.Uses {
				if u.Table != 1 || u.Name != "person" {
					t.Errorf("a use of %v", u)
				}
				got = append(got, u.Column)
			}
			slices.Sort(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s uses other names (-want +got):\n%s", tt.sql, diff)
			}
			if named := slices.Equal(s.Tables, []catalog.OID{1}); named != (tt.want != nil) {
				t.Errorf("%s names the tables %v", tt.sql, s.Tables)
			}
		})
	}
}

func TestEffectsSayWhatChangesForLaterTexts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		sql  string
		want Effect
	}{
		{"SELECT surname FROM person", Effect{}},
		{"BEGIN", Effect{}},
		{"SET search_path = other", Effect{State: true}},
		{"SET LOCAL segue.version = 'person'", Effect{State: true, Version: true}},
		{"SET work_mem = '1MB'", Effect{}},
		{"SET NAMES 'LATIN1'", Effect{State: true}},
		{"SET standard_conforming_strings = off", Effect{State: true}},
		{"RESET ALL", Effect{State: true, Version: true}},
		{"RESET ROLE", Effect{State: true}},
		{"DISCARD ALL", Effect{State: true, Version: true, DropAll: true}},
		{"DISCARD TEMP", Effect{State: true, Version: true}},
		{"SELECT set_config('search_path', 'x', true)", Effect{State: true}},
		{"SELECT set_config('segue.version', 'x', true)", Effect{State: true, Version: true}},
		{"SELECT set_config('work_mem', '1MB', true)", Effect{}},
		{"DO 'BEGIN PERFORM 1; END'", Effect{State: true, Version: true}},
		{"DO 'BEGIN EXECUTE current_setting(''a.text''); END'", Effect{State: true, Version: true, Schema: true, Made: []Made{{Rows: true, Runs: true, Changes: true, Makes: true, Unseen: true}}}},
		{"CREATE TEMP TABLE t AS SELECT surname FROM person", Effect{State: true, Schema: true, Made: []Made{{Name: "t", Temp: true, Rows: true, Alone: true}}}},
		{"CREATE TABLE t AS SELECT surname FROM person", Effect{Schema: true, Made: []Made{{Name: "t", Rows: true, Alone: true}}}},
		{"SELECT surname INTO t FROM person", Effect{Schema: true, Made: []Made{{Name: "t", Rows: true, Alone: true}}}},
		{"ALTER TABLE pet ADD x int", Effect{State: true, Schema: true, Made: []Made{{Name: "pet", Columns: true, Alone: true, Altered: true, Runs: true}}}},
		{"PREPARE q AS SELECT surname FROM person", Effect{Prepare: &Prepare{Name: "q", Client: "PREPARE q AS SELECT surname FROM person"}}},
		{"EXECUTE q (1)", Effect{Execute: "q"}},
		{"EXPLAIN EXECUTE q", Effect{Execute: "q"}},
		{"CREATE TABLE t AS EXECUTE q", Effect{Execute: "q", Schema: true, Made: []Made{{Name: "t", Rows: true, Alone: true}}}},
		{"DEALLOCATE q", Effect{Deallocate: "q"}},
		{"DEALLOCATE ALL", Effect{DropAll: true}},
	}
	for _, tt := range tests {
		t.Run(tt.sql, func(t *testing.T) {
			t.Parallel()
			s := rewritten(t, tt.sql).Statements[0]
			if s.Failure != nil {
				t.Fatal(s.Failure)
			}
			if diff := cmp.Diff(tt.want, s.Effect, cmpopts.IgnoreUnexported(Made{})); diff != "" {
				t.Errorf("another effect (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAVersionThatIsNotServedCannotBeChosen(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SET segue.version = 'person'":                 "",
		"SET segue.version TO person":                  "",
		"SET segue.version = ''":                       "",
		"SET segue.version TO DEFAULT":                 "",
		"RESET segue.version":                          "",
		"SET segue.version = 'nobody'":                 "22023",
		"SET SESSION segue.version = 'nobody'":         "22023",
		"BEGIN; SET LOCAL segue.version TO 'nobody'":   "22023",
		"SET segue.version = 'draft'":                  "57P03",
		"SET \"Segue\".\"Version\" TO 'nobody'":        "22023",
		"SET some_other.version = 'nobody'":            "",
		"SELECT 1; SET segue.version = nobody; SELECT": "22023",
	} {
		got := ""
		for _, s := range rewritten(t, sql).Statements {
			if s.Failure != nil {
				got = s.Failure.Code
				if !strings.Contains(s.Failure.Hint, "person") {
					t.Errorf("%s: the hint %q names no version", sql, s.Failure.Hint)
				}
			}
		}
		if got != want {
			t.Errorf("%s fails with %q, want %q", sql, got, want)
		}
	}
}

func TestARefusalNamesTheConstructAndItsPlace(t *testing.T) {
	t.Parallel()
	tests := []struct {
		sql, node string
		at        string // what stands at the position
	}{
		{"SELECT 'ü', p -> 'x' FROM person p", `the operator ->`, "-> 'x'"},
		{"SELECT 1, NULL::person", "the type person", "person"},
		{"SELECT 1; CREATE TABLE t (a int, LIKE person)", "LIKE", "person)"},
		{"COPY person FROM STDIN WITH (FORMAT csv, HEADER MATCH)", "COPY FROM with HEADER MATCH", "person FROM"},
	}
	for _, tt := range tests {
		t.Run(tt.sql, func(t *testing.T) {
			t.Parallel()
			text := rewritten(t, tt.sql)
			f := text.Statements[len(text.Statements)-1].Failure
			if f == nil || f.Code != codeRefused || f.Node != tt.node || f.Hint == "" {
				t.Fatalf("%+v", f)
			}
			if f.Position < 1 || !strings.HasPrefix(string([]rune(tt.sql)[f.Position-1:]), tt.at) {
				t.Errorf("the position %d is not that of %q", f.Position, tt.at)
			}
		})
	}
}
