package rules_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/rules"
)

const moneyFile = `id: money
operations:
- change_columns:
    table: public.orders
    from: [cents]
    to: [{name: amount, type: 'numeric(12,2)', not_null: true, default: '0'}]
    up: {amount: cents / 100.0}
    down: {cents: (amount * 100)::integer}
`

func TestAChangeOfColumnsIsRead(t *testing.T) {
	t.Parallel()
	orders := rules.Name{Schema: "public", Name: "orders"}
	for name, tc := range map[string]struct {
		data string
		want rules.ChangeColumns
	}{
		"up and down": {moneyFile, rules.ChangeColumns{Table: orders, From: []string{"cents"},
			To: []rules.NewColumn{{Name: "amount", Type: "numeric(12,2)", NotNull: true, Default: "0"}},
			Up: map[string]string{"amount": "cents / 100.0"}, Down: map[string]string{"cents": "(amount * 100)::integer"}}},
		"a map": {`{"id": "x", "operations": [{"change_columns": {"table": "public.orders", "from": ["State"], "to": [{"name": "status", "type": "text"}], "map": {"y": "yes", "n": "no"}}}]}`,
			rules.ChangeColumns{Table: orders, From: []string{"state"}, To: []rules.NewColumn{{Name: "status", Type: "text"}}, Map: map[string]string{"y": "yes", "n": "no"}}},
		"all that can be said": {`
id: x
operations:
- change_columns:
    table: public.orders
    from: ['"Name"']
    to: [{name: first, type: text, collation: '"C"'}, {name: last, type: text}]
    up: {first: a, last: b}
    down: {'"Name"': first || last}
    reads: [public.members, {table: towns, via: {'"Name"': town, first: name}}]
    settings: {TimeZone: UTC}
    lossy: true
    null_ok: true
    down_fail: {when: first IS NULL, value: "''"}
    on_error: defer
`, rules.ChangeColumns{Table: orders, From: []string{"Name"}, To: []rules.NewColumn{{Name: "first", Type: "text", Collation: `"C"`}, {Name: "last", Type: "text"}},
			Up: map[string]string{"first": "a", "last": "b"}, Down: map[string]string{"Name": "first || last"}, Reads: []rules.Read{{Table: rules.Name{Schema: "public", Name: "members"}}, {Table: rules.Name{Name: "towns"}, Via: map[string]string{"Name": "town", "first": "name"}}},
			Settings: map[string]string{"TimeZone": "UTC"}, Lossy: true, NullOK: true, DownFail: &rules.DownFail{When: "first IS NULL", Value: map[string]string{"Name": "''"}}, OnError: "defer"}},
	} {
		m, err := rules.Parse("r.yaml", []byte(tc.data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff([]rules.Operation{tc.want}, m.Operations); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestMistakesInAChangeOfColumnsAreShownWhereTheyAre(t *testing.T) {
	t.Parallel()
	with := func(old, new string) string { return strings.Replace(moneyFile, old, new, 1) }
	for name, tc := range map[string]struct{ data, want string }{
		"an unknown key":            {with("    up:", "    upp: {}\n    up:"), "r.yaml:7: operations[0].change_columns.upp: this key is not known (did you mean up?)"},
		"no columns":                {with("from: [cents]", "from: []"), "r.yaml:5: operations[0].change_columns.from: this list is empty"},
		"a column twice":            {with("from: [cents]", "from: [cents, cents]"), "r.yaml:5: operations[0].change_columns.from: column cents is given twice"},
		"no type":                   {with(", type: 'numeric(12,2)'", ""), "r.yaml:6: operations[0].change_columns.to[0].type: this key is missing"},
		"no up":                     {with("    up: {amount: cents / 100.0}\n", ""), "r.yaml:4: operations[0].change_columns.up: this key is missing"},
		"no expression":             {with("{amount: cents / 100.0}", "{}"), "r.yaml:7: operations[0].change_columns.up: there is no expression for amount"},
		"an expression for another": {with("{amount:", "{amuont:"), "r.yaml:7: operations[0].change_columns.up.amuont: amuont is not a column of that side (did you mean amount?)"},
		"a word for a flag":         {moneyFile + "    lossy: perhaps\n", `r.yaml:9: operations[0].change_columns.lossy: this must be true or false, but is the text "perhaps"`},
		"an unknown word":           {moneyFile + "    on_error: defr\n", "r.yaml:9: operations[0].change_columns.on_error: this cannot be defr (did you mean defer?)"},
		"rows left for one change": {"id: x\noperations:\n- change_columns: {table: a.b, from: [c], to: [{name: d, type: int}], up: {d: c}, down: {c: d}, on_error: defer}\n" +
			"- rename_table: {from: a.b, to: e}\n- change_columns: {table: a.e, from: [f], to: [{name: g, type: int}], up: {g: f}, down: {f: g}}",
			"r.yaml:5: operations[2].change_columns.on_error: operations[0] is about the same table and has on_error: defer"},
		"lossy and bijective":      {moneyFile + "    lossy: true\n    bijective: true\n", "r.yaml:10: operations[0].change_columns.bijective: a change is lossy or bijective, and not both"},
		"serve_early":              {moneyFile + "    serve_early: true\n", "r.yaml:9: operations[0].change_columns.serve_early: serve_early is not supported yet by this version"},
		"via without a column":     {moneyFile + "    reads: [{table: members, via: {a: b.c}}]\n", `r.yaml:9: operations[0].change_columns.reads[0].via: "a" and "b.c" are not both the name of a column`},
		"via alone":                {moneyFile + "    reads: [{via: {a: b}}]\n", "r.yaml:9: operations[0].change_columns.reads[0]: this key is missing"},
		"a table read twice":       {moneyFile + "    reads: [members, {table: members, via: {a: b}}]\n", "r.yaml:9: operations[0].change_columns.reads[1]: table members is given twice"},
		"up and map":               {moneyFile + "    map: {a: b}\n", "operations[0].change_columns.up: a change with map has no up"},
		"a map without a way back": {"id: x\noperations:\n- change_columns: {table: a.b, from: [c], to: [{name: d, type: text}], map: {x: z, y: z}}", `operations[0].change_columns.map: both "x" and "y" become "z"`},
	} {
		_, err := rules.Parse("r.yaml", []byte(tc.data))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v\nwant %s", name, err, tc.want)
		}
	}
}

func TestAChangeOfColumnsIsCheckedAgainstTheDatabase(t *testing.T) {
	t.Parallel()
	conn := database(t, `CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY, cents int, note text); CREATE VIEW shown AS SELECT * FROM orders;
		CREATE TABLE parts (cents int); CREATE TABLE part () INHERITS (parts)`)
	cat := load(t, conn)
	with := func(old, new string) string { return strings.Replace(moneyFile, old, new, 1) }
	for name, tc := range map[string]struct{ data, want string }{
		"nothing is wrong":            {moneyFile, ""},
		"the name stays":              {strings.NewReplacer("name: amount", "name: cents", "{amount:", "{cents:", "(amount", "(cents").Replace(moneyFile), ""},
		"a list of values":            {"id: x\noperations:\n- change_columns: {table: public.orders, from: [note], to: [{name: kind, type: int}], map: {a: 1, b: 2}}", ""},
		"a table that is not there":   {with("orders", "order"), "r.yaml:4: operations[0].change_columns.table: there is no table public.order (did you mean public.orders?)"},
		"a view":                      {with("orders", "shown"), "is a view"},
		"a column that is not there":  {strings.NewReplacer("[cents]", "[cent]", "{cents:", "{cent:").Replace(moneyFile), "r.yaml:5: operations[0].change_columns.from: table public.orders has no column cent (did you mean cents?)"},
		"an identity":                 {strings.NewReplacer("[cents]", "[id]", "{cents:", "{id:", "cents / 100.0", "id / 100.0").Replace(moneyFile), "column id of public.orders is generated"},
		"a name that is taken":        {strings.NewReplacer("name: amount", "name: note", "{amount:", "{note:", "(amount", "(note").Replace(moneyFile), "the name note is taken in public.orders: it has that column"},
		"an inherited column":         {with("orders", "part"), "column cents of public.part is inherited"},
		"no SQL":                      {with("cents / 100.0", "cents /"), "r.yaml:7: operations[0].change_columns.up.amount: syntax error at end of input"},
		"a column of the other side":  {with("cents / 100.0", "amount / 100.0"), "r.yaml:7: operations[0].change_columns.up.amount: amount is not a column of the change"},
		"a column misspelt":           {with("cents / 100.0", "cent / 100.0"), "r.yaml:7: operations[0].change_columns.up.amount: cent is not a column of the change (did you mean cents?)"},
		"a column of the table":       {with("cents / 100.0", "id / 100.0"), "r.yaml:7: operations[0].change_columns.up.amount: id is not a column of the change"},
		"more than an expression":     {with("cents / 100.0", "cents AS x"), "up.amount: it is not one expression"},
		"a comment in an expression":  {with("cents / 100.0", "cents -- x"), "up.amount: a comment cannot be part of it"},
		"a condition that is not SQL": {moneyFile + "    down_fail: {when: 'amount >', value: '0'}\n", "r.yaml:9: operations[0].change_columns.down_fail.when: syntax error"},
	} {
		m, err := rules.Parse("r.yaml", []byte(tc.data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		err = rules.Validate(m, nil, cat)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: %v\nwant %s", name, err, tc.want)
		}
	}
}

func TestALiveChangeOfColumnsIsNotServed(t *testing.T) {
	t.Parallel()
	conn := database(t, "CREATE TABLE orders (id int, cents int)")
	m, err := rules.Parse("r.yaml", []byte(moneyFile))
	if err != nil {
		t.Fatal(err)
	}
	m.Seq, m.Phase = 1, rules.Active
	if _, err := rules.Build(1, []*rules.Migration{m}, load(t, conn)); err == nil || !strings.Contains(err.Error(), "cannot serve a change of columns of which nothing is stored") {
		t.Errorf("what another release has activated is served: %v", err)
	}
	m.Phase = rules.Draft
	if _, err := rules.Build(1, []*rules.Migration{m}, load(t, conn)); err != nil {
		t.Errorf("a draft is in the way: %v", err)
	}
}
