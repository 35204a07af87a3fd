package rules

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// everyOperation has an example of each kind, with the form in which stored migrations have it: what one release has
// stored another must read, and a digest must not change.
var everyOperation = map[string]struct {
	op     Operation
	stored string
}{
	"rename_column": {
		RenameColumn{Table: Name{"public", "individual"}, From: "last_name", To: "surname"},
		`{"rename_column":{"table":{"schema":"public","name":"individual"},"from":"last_name","to":"surname"}}`,
	},
	"rename_table": {
		RenameTable{From: Name{"public", "individual"}, To: "person"},
		`{"rename_table":{"from":{"schema":"public","name":"individual"},"to":"person"}}`,
	},
	"change_columns": {
		ChangeColumns{Table: Name{"public", "orders"}, From: []string{"cents"}, To: []NewColumn{{Name: "amount", Type: "numeric(12,2)", NotNull: true}},
			Up: map[string]string{"amount": "cents / 100.0"}, Down: map[string]string{"cents": "(amount * 100)::integer"}, OnError: "reject"},
		`{"change_columns":{"table":{"schema":"public","name":"orders"},"from":["cents"],"to":[{"name":"amount","type":"numeric(12,2)","not_null":true}],` +
			`"up":{"amount":"cents / 100.0"},"down":{"cents":"(amount * 100)::integer"},"on_error":"reject"}}`,
	},
	"add_column": {
		AddColumn{Table: Name{"public", "post"}, Column: NewColumn{Name: "lang", Type: "text", NotNull: true, Default: "'de'"}, Up: "'en'"},
		`{"add_column":{"table":{"schema":"public","name":"post"},"column":{"name":"lang","type":"text","not_null":true,"default":"'de'"},"up":"'en'"}}`,
	},
	"drop_column": {
		DropColumn{Table: Name{"public", "post"}, Name: "legacy", Down: "0"},
		`{"drop_column":{"table":{"schema":"public","name":"post"},"name":"legacy","down":"0"}}`,
	},
}

func TestEveryKindOfOperationIsStoredAndReadAgain(t *testing.T) {
	t.Parallel()
	for _, kind := range OperationKinds() {
		example, ok := everyOperation[kind]
		if !ok {
			t.Errorf("there is no example of %s", kind)
			continue
		}
		if got := example.op.Kind(); got != kind {
			t.Errorf("the example of %s is of kind %s", kind, got)
		}
		m := &Migration{ID: "m", Operations: []Operation{example.op}}
		data, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if want := `{"id":"m","operations":[` + example.stored + `],"contract_after_us":0}`; string(data) != want {
			t.Errorf("%s is stored as\n%s\nwant\n%s", kind, data, want)
		}
		again, err := Decode("m.yaml", data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m.Operations, again.Operations); diff != "" {
			t.Errorf("%s is not what was stored (-stored +read):\n%s", kind, diff)
		}
	}
}

func TestAnOperationOfANewerReleaseIsNotReadAsAnother(t *testing.T) {
	t.Parallel()
	for _, stored := range []string{
		`{"operations":[{"split_column":{"table":{"schema":"public","name":"t"}}}]}`,
		`{"operations":[{}]}`,
		`{"operations":[{"rename_column":{},"rename_table":{}}]}`,
	} {
		_, err := Decode("m.yaml", []byte(stored))
		if err == nil || !strings.Contains(err.Error(), "use a newer segue") {
			t.Errorf("%s: %v", stored, err)
		}
	}
}
