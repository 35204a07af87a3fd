package admin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/admin/admintest"
	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rules"
)

// cutOver is a database in which individual.last_name has become person.surname, and nobody has contracted yet.
func cutOver(t *testing.T) *rules.Snapshot {
	t.Helper()
	m, err := rules.Parse("names.yaml", []byte(`id: names
operations:
  - rename_column: { table: public.individual, from: last_name, to: surname }
  - rename_table:  { from: public.individual, to: person }
`))
	if err != nil {
		t.Fatal(err)
	}
	m.Phase, m.Seq = rules.Cutover, 1
	person := &catalog.Relation{
		OID: 1000, Schema: "public", Name: "person", Kind: catalog.Table, RowType: 1001,
		Columns: []catalog.Column{
			{Num: 1, Name: "id", Type: 23, TypeName: "integer"}, {Num: 2, Name: "surname", Type: 25, TypeName: "text"},
		},
	}
	snap, err := rules.Build(7, []*rules.Migration{m}, catalog.New(150000, []*catalog.Relation{person}, nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// A string of many statements that are bound one by one is bounded like any other text: all of it together.
func TestRewriteGivesUpATextThatTakesTooLong(t *testing.T) {
	t.Parallel()
	snap := cutOver(t)
	many := strings.Repeat("SET search_path = public; SELECT last_name FROM individual; ", 10000)
	for name, c := range map[string]struct {
		limit time.Duration
		want  string // SQLSTATE of the refusal
	}{
		"a budget that does not suffice": {20 * time.Millisecond, "54001"},
		"one that does":                  {time.Hour, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := serve(t, admin.Config{Control: &admintest.Control{Snap: snap}, Rewrite: rewrite.Options{BindCPU: c.limit}})
			var got admin.RewriteResult
			call(t, h, "POST", "/v1/rewrite", `{"version": "base", "sql": "`+many+`"}`, &got)
			if c.want == "" {
				if n := len(got.Statements); n != 20000 || got.After == got.Before {
					t.Errorf("%d statements", n)
				}
				return
			}
			if len(got.Statements) != 1 || got.Statements[0].Failure == nil || got.Statements[0].Failure.Code != c.want || got.Edits != nil {
				t.Errorf("got %d statements, %d edits", len(got.Statements), len(got.Edits))
			}
		})
	}
}

func TestRewriteShowsWhatWouldBeSentAndWhy(t *testing.T) {
	t.Parallel()
	h := serve(t, admin.Config{Control: &admintest.Control{Snap: cutOver(t)}})
	const table = "table individual of version base is person in the database"
	const column = "column individual.last_name of version base is surname in the database"
	for name, c := range map[string]struct {
		body string
		want admin.RewriteResult
	}{
		"a statement of the old version": {
			`{"sql": "SELECT last_name FROM individual", "version": "base"}`,
			admin.RewriteResult{
				Version: "base", Before: "SELECT last_name FROM individual",
				After: "SELECT surname AS last_name FROM public.person AS individual", Changed: true,
				Statements: []admin.RewrittenStatement{{
					Kind: "SelectStmt", After: "SELECT surname AS last_name FROM public.person AS individual",
					Labels: []string{"last_name"}, Why: []string{table, column},
				}},
			},
		},
		"a statement of the new version": {
			`{"sql": "SELECT surname FROM person", "version": "names"}`,
			admin.RewriteResult{
				Version: "names", Before: "SELECT surname FROM person", After: "SELECT surname FROM person",
				Statements: []admin.RewrittenStatement{{
					Kind: "SelectStmt", After: "SELECT surname FROM person", Why: []string{},
				}},
			},
		},
		"an unpinned statement that only the new version knows": {
			`{"sql": "SELECT surname FROM person"}`,
			admin.RewriteResult{
				Version: "names", Before: "SELECT surname FROM person", After: "SELECT surname FROM person",
				Statements: []admin.RewrittenStatement{{
					Kind: "SelectStmt", After: "SELECT surname FROM person", Why: []string{},
				}},
			},
		},
		"a statement that names nothing under migration": {
			`{"sql": "SELECT 1", "version": "base"}`,
			admin.RewriteResult{
				Version: "base", Before: "SELECT 1", After: "SELECT 1", Statements: []admin.RewrittenStatement{},
				Note: "it names nothing under migration: it is forwarded byte for byte, and not read; whether it is SQL, the server says",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got admin.RewriteResult
			if res := call(t, h, "POST", "/v1/rewrite", c.body, &got); res.StatusCode != 200 {
				t.Fatalf("answered %d", res.StatusCode)
			}
			if after := applied(got); after != got.After {
				t.Errorf("the edits make %q, want %q", after, got.After)
			}
			got.Edits = nil
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// applied makes the edits in the text before.
func applied(r admin.RewriteResult) string {
	out, at := "", 0
	for _, e := range r.Edits {
		out += r.Before[at:e.Start] + e.New
		at = e.End
	}
	return out + r.Before[at:]
}

func TestRewriteShowsTheErrorThatAClientWouldGet(t *testing.T) {
	t.Parallel()
	h := serve(t, admin.Config{Control: &admintest.Control{Snap: cutOver(t)}})
	for name, c := range map[string]struct {
		body     string
		code     string
		position int
	}{
		"a name of another version":   {`{"sql": "SELECT surname FROM individual", "version": "base"}`, "42703", 8},
		"a construct that is refused": {`{"sql": "SELECT xpath_table('individual', true, true, '')", "version": "base"}`, "0A000", 20},
		"a text that is no SQL":       {`{"sql": "SELECT FROM FROM individual", "version": "base"}`, "42601", 13},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got admin.RewriteResult
			call(t, h, "POST", "/v1/rewrite", c.body, &got)
			if len(got.Statements) != 1 || got.Statements[0].Failure == nil {
				t.Fatalf("no statement fails: %+v", got)
			}
			f := got.Statements[0].Failure
			if f.Code != c.code || f.Position != c.position || f.Message == "" {
				t.Errorf("failure %+v, want %s at %d", f, c.code, c.position)
			}
		})
	}
}

func TestRewriteShowsAStringThatIsSentInPieces(t *testing.T) {
	t.Parallel()
	h := serve(t, admin.Config{Control: &admintest.Control{Snap: cutOver(t)}})
	var got admin.RewriteResult
	call(t, h, "POST", "/v1/rewrite", `{"sql": "SELECT 'é' FROM individual; SET search_path TO public;\nSELECT 1 FROM individual; CREATE TABLE x (i int); SELECT nope FROM individual;", "version": "base"}`, &got)
	if !strings.Contains(got.Note, "in pieces") || len(got.Statements) != 5 || strings.Count(got.After, "AS individual") != 2 || !strings.HasSuffix(got.After, ";") {
		t.Errorf("%+v", got)
	}
	if f := got.Statements[4].Failure; f == nil || f.Position != strings.Index(strings.ReplaceAll(got.Before, "é", "e"), "nope")+1 {
		t.Errorf("the failure is %+v", f)
	}
	after := got.Before
	for i := len(got.Edits) - 1; i >= 0; i-- {
		e := got.Edits[i]
		after = after[:e.Start] + e.New + after[e.End:]
	}
	if after != got.After {
		t.Errorf("the edits make %q of the text, and %q is sent", after, got.After)
	}
}

func TestRewriteTakesRelationsThatNobodyKnowsAsMissing(t *testing.T) {
	t.Parallel()
	h := serve(t, admin.Config{Control: &admintest.Control{Snap: cutOver(t)}})
	var got admin.RewriteResult
	call(t, h, "POST", "/v1/rewrite", `{"sql": "SELECT * FROM individual, basket", "version": "base"}`, &got)
	if want := "not found in the database, and taken as missing: basket"; got.Note != want {
		t.Errorf("the note is %q, want %q", got.Note, want)
	}
}
