package rewrite

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/wording"
	"github.com/seguedb/segue/rules"
)

// bystander is a binder for a table that version new calls person, with a column surname.
func bystander(more ...*catalog.Relation) *Binder {
	b := plainBinder()
	snap := *b.snap
	snap.Catalog = catalog.New(150000, append([]*catalog.Relation{
		{OID: individualOID, Schema: "public", Name: "individual", Kind: catalog.Table},
	}, more...), nil, nil)
	snap.Lenses = map[string]*rules.Lens{
		"new":  personText().names.Lens,
		"base": rules.NewLens("base", []*rules.TableLens{{OID: individualOID, Schema: "public", Logical: "individual", Physical: "individual", Identity: true}}),
	}
	b.snap = &snap
	return b
}

func TestErrorsOfTextsThatNameOtherTablesSpeakTheNamesOfTheVersion(t *testing.T) {
	t.Parallel()
	other := &catalog.Relation{OID: 9, Schema: "other", Name: "individual", Kind: catalog.Table}
	for name, tc := range map[string]struct {
		more          []*catalog.Relation
		version       string
		schema, table string
		says, want    string
	}{
		"a foreign key": {nil, "new", "public", "orders",
			`Key (last_name)=(7) is not present in table "individual".`, `Key (last_name)=(7) is not present in table "person".`},
		"a column of another table": {nil, "new", "public", "orders",
			`null value in column "last_name" of relation "orders"`, `null value in column "last_name" of relation "orders"`},
		"a column of the table": {nil, "new", "public", "individual",
			`null value in column "last_name" of relation "individual"`, `null value in column "surname" of relation "person"`},
		"a key of the table": {nil, "new", "public", "individual",
			`Key (last_name)=(a) already exists.`, `Key (surname)=(a) already exists.`},
		"nothing is known of where": {nil, "new", "", "",
			`truncate cascades to table "individual"`, `truncate cascades to table "person"`},
		"what depends on something else": {nil, "new", "", "",
			`drop cascades to column last_name of table individual`, `drop cascades to column surname of table person`},
		"another table has the name too": {[]*catalog.Relation{other}, "new", "public", "orders",
			`is not present in table "individual"`, `is not present in table "individual"`},
		"a temporary table has it": {nil, "new", "pg_temp_3", "individual",
			`column "last_name" of relation "individual"`, `column "last_name" of relation "individual"`},
		"a value of COPY": {nil, "new", "public", "orders",
			`COPY orders, line 1: "individual"`, `COPY orders, line 1: "individual"`},
		"the version with the database's names": {nil, "base", "public", "orders",
			`is not present in table "individual"`, `is not present in table "individual"`},
		"a version that is not served": {nil, "gone", "public", "orders",
			`is not present in table "individual"`, `is not present in table "individual"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tc.says
			r := &wording.Report{Code: "23503", Schema: tc.schema, Table: tc.table}
			field := &r.Message
			switch {
			case strings.HasPrefix(got, "Key ("):
				field = &r.Detail
			case strings.HasPrefix(got, "COPY "):
				field = &r.Where
			}
			*field = got
			bystander(tc.more...).Reword(tc.version, r)
			got = *field
			if got != tc.want {
				t.Errorf("got %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestWhatAnotherTextNamesIsNotTranslatedWhereItIsMissing(t *testing.T) {
	t.Parallel()
	r := &wording.Report{Code: "42703", Position: 8, Message: `column "last_name" does not exist`}
	if bystander().Reword("new", r) || r.Message != `column "last_name" does not exist` {
		t.Error(r.Message)
	}
}

func TestFieldsOfErrorsOfOtherTextsHaveTheNamesOfTheVersion(t *testing.T) {
	t.Parallel()
	r := &wording.Report{Schema: "public", Table: "individual", Column: "last_name"}
	if !bystander().Reword("new", r) || r.Table != "person" || r.Column != "surname" {
		t.Error(r)
	}
}
