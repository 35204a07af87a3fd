package rewrite

import (
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// reordered is a table of which the version does not show every column, and shows the others in another order.
func reordered() *rules.Snapshot {
	snap := renamedTable()
	rel := &catalog.Relation{OID: 1, Schema: "public", Name: "individual", Kind: catalog.Table, Columns: []catalog.Column{
		{Num: 1, Name: "id", Type: 23}, {Num: 2, Name: "_segue_new_total", Type: 20}, {Num: 3, Name: "total", Type: 23},
		{Num: 4, Name: "sum", Type: 23, Stored: true},
	}}
	snap.Catalog = catalog.New(150000, []*catalog.Relation{rel}, nil, nil)
	snap.Lenses["person"] = rules.NewLens("person", []*rules.TableLens{{
		OID: 1, Schema: "public", Logical: "individual", Physical: "individual",
		Columns: []rules.ColumnLens{
			{Logical: "id", Physical: "id", Num: 1}, {Logical: "sum", Physical: "sum", Num: 4},
			{Logical: "total", Physical: "_segue_new_total", Num: 2},
		},
	}})
	return snap
}

func TestColumnsThatAVersionDoesNotShowAreNotThere(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, sql, want string }{
		{"a star", "SELECT * FROM individual i", "SELECT i.id, i.sum, i._segue_new_total AS total FROM individual i"},
		{"a column that takes the name of another", "SELECT total FROM individual", "SELECT _segue_new_total AS total FROM individual"},
		{"a hidden one", "SELECT _segue_new_total FROM individual", ""},
		{"INSERT without columns", "INSERT INTO individual VALUES (1, DEFAULT, 3)",
			"INSERT INTO individual (id, sum, _segue_new_total) VALUES (1, DEFAULT, 3)"},
		{"INSERT with fewer values than columns", "INSERT INTO public.individual AS i SELECT 1",
			"INSERT INTO public.individual AS i (id) SELECT 1"},
		{"INSERT of defaults", "INSERT INTO individual DEFAULT VALUES", "INSERT INTO individual DEFAULT VALUES"},
		{"INSERT of what cannot be counted", "INSERT INTO individual SELECT (f()).*", ""},
		{"COPY leaves generated columns out", "COPY individual FROM STDIN", "COPY individual (id, _segue_new_total) FROM STDIN"},
		{"COPY with a header", "COPY individual TO STDOUT CSV HEADER",
			"COPY (SELECT id, _segue_new_total AS total FROM ONLY public.individual) TO STDOUT CSV HEADER"},
		{"aliases by position", "SELECT a FROM individual AS i (a, b, c)", "SELECT a FROM individual AS i (a, c, _segue_hidden_1, b)"},
		{"more aliases than columns", "SELECT a FROM individual AS i (a, b, c, d)", ""},
		{"a whole row by position", "SELECT ROW(i.*) FROM individual i", ""},
		{"a whole row that is only counted", "SELECT count(i) FROM individual i", "SELECT count(i) FROM individual i"},
		{"a whole row as text", "SELECT i::text FROM individual i", ""},
		{"a whole row as JSON", "SELECT to_json(i) FROM individual i",
			"SELECT to_json((SELECT _segue_row FROM (SELECT (v.w).id AS id, (v.w).sum AS sum, (v.w)._segue_new_total AS total" +
				" FROM (SELECT i AS w) AS v WHERE v.w IS DISTINCT FROM NULL) AS _segue_row)) FROM individual i"},
		{"fields of a whole row", "SELECT (i).total, (i).* FROM individual i",
			"SELECT (i)._segue_new_total AS total, (i).id, (i).sum, (i)._segue_new_total AS total FROM individual i"},
		{"a join by column names", "SELECT x FROM individual JOIN (VALUES (1, 2)) v (x, total) USING (total)",
			"SELECT x FROM individual AS individual (id, total, _segue_hidden_1, sum) JOIN (VALUES (1, 2)) v (x, total) USING (total)"},
		{"a natural join with itself", "SELECT * FROM individual i NATURAL JOIN individual",
			"SELECT i.id, i.sum, i.total FROM individual i (id, total, _segue_hidden_1, sum) NATURAL JOIN individual AS individual (id, total, _segue_hidden_2, sum)"},
		{"RETURNING", "UPDATE individual SET total = total + 1 RETURNING *",
			"UPDATE individual SET _segue_new_total = _segue_new_total + 1 RETURNING individual.id, individual.sum, individual._segue_new_total AS total"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &Session{Version: "person", SearchPath: []string{"pg_catalog", "public"}, StandardStrings: true}
			text := mustRewrite(t, NewBinder(reordered(), Options{}), s, tt.sql)
			f := text.Statements[0].Failure
			if (f != nil) != (tt.want == "") {
				t.Fatalf("%s: %v", text.SQL, f)
			}
			if tt.want != "" && text.SQL != tt.want {
				t.Errorf("%s\n=>   %s\nwant %s", tt.sql, text.SQL, tt.want)
			}
		})
	}
}
