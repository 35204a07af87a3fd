package rules_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seguedb/segue/rules"
)

func TestParseReadsYAMLAndJSONAlike(t *testing.T) {
	t.Parallel()
	want := &rules.Migration{
		ID: "2026-11-21-surname",
		Operations: []rules.Operation{
			rules.RenameColumn{Table: rules.Name{Schema: "public", Name: "individual"}, From: "last_name", To: "surname"},
			rules.RenameTable{From: rules.Name{Schema: "public", Name: "individual"}, To: "person"},
			rules.RenameColumn{Table: rules.Name{Schema: "public", Name: "LineItem"}, From: `Q"ty`, To: "größe"},
		},
		ContractAfter: 36 * time.Hour,
		Waive:         []rules.Waiver{{ID: "view", Object: "view v", Reason: "nobody reads it"}},
		Phase:         rules.Draft,
	}
	yaml := `
# the shop
id: 2026-11-21-surname
contract_after: 1d12h
waive: [{id: view, object: view v, reason: nobody reads it}]
operations:
  - rename_column: { table: Public.Individual, from: Last_Name, to: surname }
  - rename_table:
      from: public.individual
      to: public.PERSON
  - rename_column: { table: public."LineItem", from: '"Q""ty"', to: größe }
`
	json := `{
	"id": "2026-11-21-surname", "contract_after": "36h",
	"waive": [{"id": "view", "object": "view v", "reason": "nobody reads it"}],
	"operations": [
		{"rename_column": {"table": "public.individual", "from": "last_name", "to": "surname"}},
		{"rename_table": {"from": "\"public\".individual", "to": "person"}},
		{"rename_column": {"table": "public.\"LineItem\"", "from": "\"Q\"\"ty\"", "to": "gr\u00f6\u00dfe"}}
	]}`
	var digests []string
	for name, data := range map[string]string{"rules.yaml": yaml, "rules.json": json} {
		got, err := rules.Parse(name, []byte(data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(rules.Migration{}, "Source", "Digest"), cmpopts.IgnoreUnexported(rules.Migration{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if got.Source != data || got.File() != name {
			t.Errorf("%s: the source was not kept", name)
		}
		digests = append(digests, got.Digest)
	}
	if len(digests) != 2 || digests[0] != digests[1] || digests[0] == "" {
		t.Errorf("digests of one meaning are %q", digests)
	}
	other, err := rules.Parse("", []byte(strings.Replace(yaml, "to: surname", "to: family_name", 1)))
	if err != nil || other.Digest == digests[0] {
		t.Errorf("another meaning has digest %v, error %v", other, err)
	}
}

func TestParseKnowsDurations(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"24h": day, "7d": 7 * day, "0s": 0, "0": 0, "1.5d": 36 * time.Hour, "1d30m": day + 30*time.Minute, "90m": 90 * time.Minute,
	} {
		m, err := rules.Parse("", []byte("id: x\ncontract_after: "+text+"\noperations: [{rename_table: {from: a.b, to: c}}]"))
		if err != nil || m.ContractAfter != want {
			t.Errorf("%s is %v, error %v, want %v", text, m, err, want)
		}
	}
	m, err := rules.Parse("", []byte("id: x\noperations: [{rename_table: {from: a.b, to: c}}]"))
	if err != nil || m.ContractAfter != day {
		t.Errorf("the default is %v, error %v, want %v", m, err, day)
	}
}

func TestParseAnswersEveryMistakeWithLineKeyAndHint(t *testing.T) {
	t.Parallel()
	const op = "operations: [{rename_table: {from: a.b, to: c}}]"
	column := func(table, from, to string) string {
		return "id: x\noperations:\n  - rename_column:\n      table: " + table + "\n      from: " + from + "\n      to: " + to
	}
	for name, c := range map[string]struct {
		data string
		want string // line: key: message (hint), of every mistake, with … for what is not compared
	}{
		"an empty file":               {"", "r.yaml:1: the file is empty (it needs at least id and operations)"},
		"only a comment":              {"# nothing", "r.yaml:1: the file is empty (it needs at least id and operations)"},
		"no YAML":                     {"id: [", "r.yaml:…: this is neither YAML nor JSON: …"},
		"a tab for indentation":       {"id: x\noperations:\n\t- a", "r.yaml:…: this is neither YAML nor JSON: …"},
		"bytes that are not UTF-8":    {"id: \xff", "r.yaml: the file is not UTF-8 (save it in UTF-8)"},
		"a list at the top":           {"- id: x", "r.yaml:1: this must be a mapping, but is a list (known keys: id, operations, contract_after, waive)"},
		"two documents":               {"id: x\n" + op + "\n---\nid: y\n", "r.yaml:3: the file holds more than one document (put each migration into a file of its own)"},
		"an unknown key":              {"id: x\noperation: []\n" + op, "r.yaml:2: operation: this key is not known (did you mean operations?)"},
		"a key like none":             {"id: x\nfoo: 1\n" + op, "r.yaml:2: foo: this key is not known (known here: id, operations, contract_after, waive)"},
		"a key twice":                 {"id: x\nid: y\n" + op, "r.yaml:2: id: this key was given in line 1 already (remove one of them)"},
		"no id":                       {op, "r.yaml:1: id: this key is missing (letters, digits…"},
		"an empty id":                 {"id:\n" + op, "r.yaml:1: id: this is empty (letters…"},
		"an id with a space":          {"id: a b\n" + op, `r.yaml:1: id: "a b" cannot be an id (letters…`},
		"an id that is too long":      {"id: " + strings.Repeat("a", 64) + "\n" + op, "r.yaml:1: id: …cannot be an id…"},
		"the id base":                 {"id: base\n" + op, "r.yaml:1: id: base is the name of the version before the first migration (choose another id)"},
		"a list for the id":           {"id: [x]\n" + op, "r.yaml:1: id: this must be a text, but is a list…"},
		"no operations":               {"id: x", "r.yaml:1: operations: this key is missing (give a list…"},
		"operations empty":            {"id: x\noperations: []", "r.yaml:2: operations: there is no operation (give a list…"},
		"operations as a mapping":     {"id: x\noperations: {rename_table: {}}", "r.yaml:2: operations: this must be a list, but is a mapping…"},
		"an operation misspelt":       {"id: x\noperations:\n- rename_colum: {}", "r.yaml:3: operations[0].rename_colum: this key is not known (did you mean rename_column?)"},
		"an operation of two kinds":   {"id: x\noperations:\n- rename_table: {from: a.b, to: c}\n  rename_column: {table: a.b, from: c, to: d}", "r.yaml:3: operations[0]: an operation has one key, but this has 2…"},
		"a column without a type":     {"id: x\noperations:\n- add_column: {table: a.b, name: c}", "r.yaml:3: operations[0].add_column.type: this key is missing (as in SQL: numeric(12,2))"},
		"a column without a value":    {"id: x\noperations:\n- add_column: {table: a.b, name: c, type: int, not_null: true}", "r.yaml:3: operations[0].add_column: a column that is not_null needs a value for the rows that are there…"},
		"a column of no name":         {"id: x\noperations:\n- drop_column: {table: a.b}", "r.yaml:3: operations[0].drop_column.name: this key is missing…"},
		"an operation that is a word": {"id: x\noperations: [rename]", `r.yaml:2: operations[0]: this must be a mapping, but is the text "rename"…`},
		"a missing part":              {"id: x\noperations:\n- rename_column: {table: a.b, from: c}", "r.yaml:3: operations[0].rename_column.to: this key is missing (the name of a column)"},
		"a table without schema":      {column("individual", "a", "b"), "r.yaml:4: operations[0].rename_column.table: table individual is given without its schema (write public.individual if it is in the schema public)"},
		"a table with three parts":    {column("d.s.t", "a", "b"), `r.yaml:4: operations[0].rename_column.table: "d.s.t" has more than two parts…`},
		"a column with a table":       {column("s.t", "t.a", "b"), `r.yaml:5: operations[0].rename_column.from: "t.a" has more than one part (write the column's name alone: a)`},
		"a name with a space":         {column("s.t", "a b", "c"), `r.yaml:5: operations[0].rename_column.from: "a b" is no name: " " cannot stand in an unquoted name…`},
		"a name with a digit first":   {column("s.t", "a", "1c"), `r.yaml:6: operations[0].rename_column.to: "1c" is no name: an unquoted name cannot begin with "1"…`},
		"a quote that is not closed":  {column("s.t", `'"a'`, "c"), `r.yaml:5: …a quoted name has no closing quote…`},
		"an empty quoted name":        {column("s.t", `'""'`, "c"), `r.yaml:5: …a quoted name is empty…`},
		"a name that is too long":     {column("s.t", "a", strings.Repeat("ü", 32)), `r.yaml:6: operations[0].rename_column.to: …a name is longer than 63 bytes, which PostgreSQL would cut (PostgreSQL has it as ` + strings.Repeat("ü", 31) + `: write that, or a shorter one)`},
		"a long name to be folded":    {column("s."+strings.Repeat("A", 70), "a", "b"), `r.yaml:4: operations[0].rename_column.table: …(PostgreSQL has it as ` + strings.Repeat("a", 63) + `: write that, or a shorter one)`},
		"a reserved column":           {column("s.t", "a", "_segue_x"), `r.yaml:6: operations[0].rename_column.to: names that begin with _segue_ are reserved (choose another name)`},
		"a move to another schema":    {"id: x\noperations:\n- rename_table: {from: a.b, to: c.d}", "r.yaml:3: operations[0].rename_table.to: a rename cannot move a table from schema a to c (write d alone)"},
		"a duration that is none":     {"id: x\ncontract_after: soon\n" + op, `r.yaml:2: contract_after: "soon" is no duration (as in 90m, 24h, 7d, 1d12h or 0s)`},
		"a number without unit":       {"id: x\ncontract_after: 24\n" + op, `r.yaml:2: contract_after: "24" is no duration…`},
		"a negative duration":         {"id: x\ncontract_after: -1h\n" + op, `r.yaml:2: contract_after: "-1h" is negative…`},
		"a duration without end":      {"id: x\ncontract_after: 99999999d\n" + op, `r.yaml:2: contract_after: "99999999d" is longer than ten years…`},
		"a waiver of no object":       {"id: x\nwaive: [{id: v, object: '', reason: r}]\n" + op, "r.yaml:2: waive[0].object: this is empty (the object of the finding, as assess showed it)"},
		"a waiver without reason":     {"id: x\nwaive: [{id: v}]\n" + op, "r.yaml:2: waive[0].reason: this key is missing (say why the finding is accepted)"},
		"an anchor":                   {"id: &a x\n" + op, "r.yaml:1: anchors and aliases are not read (write the value out)"},
		"deep nesting":                {"id: " + strings.Repeat("[", 100) + strings.Repeat("]", 100), "r.yaml:1: the file is nested too deeply"},
		"a huge file":                 {strings.Repeat("# x\n", 70000), "r.yaml: the file has 280000 bytes; at most 262144 are read (split the migration)"},
		"several mistakes":            {"id: a b\nfoo: 1\noperations: []", "r.yaml:1: id: …\nr.yaml:2: foo: …\nr.yaml:3: operations: …"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := rules.Parse("r.yaml", []byte(c.data))
			if err == nil {
				t.Fatalf("it was accepted: %+v", m)
			}
			if one := (*rules.FileError)(nil); !errors.As(err, &one) {
				t.Errorf("%T is no FileError", err)
			}
			got, want := strings.Split(err.Error(), "\n"), strings.Split(c.want, "\n")
			if len(got) != len(want) {
				t.Fatalf("got %d mistakes:\n%v\nwant %d", len(got), err, len(want))
			}
			for i := range got {
				if !matches(got[i], want[i]) {
					t.Errorf("got  %s\nwant %s", got[i], want[i])
				}
			}
		})
	}
}

// matches compares with a pattern in which … stands for anything.
func matches(got, pattern string) bool {
	parts := strings.Split(pattern, "…")
	if !strings.HasPrefix(got, parts[0]) {
		return false
	}
	got = got[len(parts[0]):]
	for i, part := range parts[1:] {
		at := strings.Index(got, part)
		if i == len(parts)-2 && part != "" {
			return strings.HasSuffix(got, part)
		}
		if at < 0 {
			return false
		}
		got = got[at+len(part):]
	}
	return len(parts) > 1 || got == ""
}

func FuzzParse(f *testing.F) {
	f.Add("id: x\noperations: [{rename_table: {from: a.b, to: c}}]")
	f.Add(`{"id": "x", "operations": [{"rename_column": {"table": "a.\"B\"", "from": "c", "to": "d"}}]}`)
	f.Fuzz(func(t *testing.T, data string) {
		m, err := rules.Parse("f", []byte(data))
		if (m == nil) == (err == nil) {
			t.Fatalf("migration %v with error %v", m, err)
		}
		if err == nil && (m.ID == "" || len(m.Operations) == 0 || m.Digest == "") {
			t.Fatalf("half a migration: %+v", m)
		}
	})
}
