package rules_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/rules"
)

// besideFile has every kind of operation about one table.
const besideFile = `id: x
operations:
- rename_column: {table: public.t, from: a, to: b}
- change_columns: {table: public.t, from: [b], to: [{name: b, type: bigint}], up: {b: t.b * 2}, down: {b: (t.b / 2)::integer}}
- rename_table: {from: public.t, to: u}
- change_columns: {table: public.u, from: [c], to: [{name: d, type: bigint}], up: {d: u.c + 1}, down: {c: (d - 1)::integer}}
- rename_column: {table: public.u, from: note, to: remark}
- add_column: {table: public.u, name: e, type: int}
- drop_column: {table: public.u, name: f}
`

func TestAChangeHasTheNamesOfItsPhaseBesideRenames(t *testing.T) {
	t.Parallel()
	conn := database(t, `CREATE SCHEMA segue; CREATE TABLE t (id int, a int, c int, note text, f int); INSERT INTO t VALUES (1, 10, 20, 'x', 30)`)
	m, err := rules.Parse("r.yaml", []byte(besideFile))
	if err != nil {
		t.Fatal(err)
	}
	m.Seq = 1
	cat := load(t, conn)
	if err := rules.Validate(m, nil, cat); err != nil {
		t.Fatal(err)
	}
	for _, c := range m.Changes() {
		described, err := c.Describe(fmt.Sprintf("1_%d", c.Place+1), cat)
		if err != nil {
			t.Fatal(err)
		}
		r, err := rules.NewResolvedChange(described, rules.Watched)
		if err != nil {
			t.Fatal(err)
		}
		m = m.Resolve(c.Place, r)
	}
	// A release that does not know of changes beside other operations serves none of them.
	for _, c := range m.Changes() {
		if c.Resolved().Protocol != 7 {
			t.Errorf("the protocol of operation %d is %d", c.Place, c.Resolved().Protocol)
		}
	}
	as := func(phase rules.Phase, changes map[int]*rules.ResolvedChange) {
		m.Phase = phase
		for _, i := range slices.Sorted(maps.Keys(changes)) {
			stored := changes[i]
			if stored != nil { // as it is read from the database
				data, err := stored.Encode()
				if err == nil {
					stored, err = rules.DecodeChange(stored.Protocol, stored.Stage, data)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			m = m.Resolve(i, stored)
		}
	}
	together := func(steps []rules.Step) {
		t.Helper()
		exec(t, conn, slices.Concat([]string{"BEGIN"}, rules.Statements(steps), []string{"COMMIT"})...)
	}
	move := func(to rules.Phase) {
		t.Helper()
		together(rules.Steps(m, m.Phase, to))
		as(to, m.After(to))
	}
	stage := func(to rules.Stage) {
		t.Helper()
		together(rules.StageSteps(m, to))
		as(m.Phase, m.AtStage(to))
	}
	sees := func(when, base, renewed string) {
		t.Helper()
		cat := load(t, conn)
		snap, err := rules.Build(1, []*rules.Migration{m}, cat)
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		got := map[string]string{"base": shown(snap.Lenses["base"]), "x": shown(snap.Lens("x"))}
		if diff := cmp.Diff(map[string]string{"base": base, "x": renewed}, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", when, diff)
		}
		if affected, err := rules.Affected(m, []*rules.Migration{m}, cat); err != nil || len(affected) != 1 {
			t.Errorf("%s: its gates hold %v, %v", when, affected, err)
		}
	}
	// reads is what a row is, by the names that the database has.
	reads := func(when, table, columns, want string) {
		t.Helper()
		var got string
		if err := conn.QueryRow(t.Context(), "SELECT concat_ws(' ', "+columns+") FROM "+table+" WHERE id = 2").Scan(&got); err != nil || got != want {
			t.Errorf("%s: the row has %s, %v\nwant %s", when, got, err, want)
		}
	}

	as(rules.Active, nil)
	sees("watched", "", "none")
	stage(rules.Filling)
	sees("filling", "t(id a c note f)", "none")
	exec(t, conn, "INSERT INTO t VALUES (2, 1, 2, 'y', 3)")
	reads("filling", "t", `a, c, "_segue_new_1_2_1", d`, "1 2 2 3")
	stage(rules.Completing)
	stage(rules.Served)
	sees("served", "t(id a c note f)", "u=t(id remark=note b=_segue_new_1_2_1 d e)")
	exec(t, conn, `UPDATE t SET c = 5, "_segue_new_1_2_1" = 8 WHERE id = 2`)
	reads("served", "t", `a, c, "_segue_new_1_2_1", d`, "4 5 8 6")
	move(rules.Cutover)
	sees("cutover", "t=u(id a=b c note=remark f)", "u(id remark b=_segue_new_1_2_1 d e)")
	exec(t, conn, `UPDATE u SET b = 6, d = 8 WHERE id = 2`)
	reads("cutover", "u", `b, c, "_segue_new_1_2_1", d`, "6 7 12 8")
	move(rules.Active)
	sees("back", "t(id a c note f)", "u=t(id remark=note b=_segue_new_1_2_1 d e)")
	exec(t, conn, `UPDATE t SET a = 7, d = 11 WHERE id = 2`)
	reads("back", "t", `a, c, "_segue_new_1_2_1", d`, "7 10 14 11")
	move(rules.Cutover)
	move(rules.Contracted)
	sees("kept", "u(id remark b=_segue_new_1_2_1 d e)", "u(id remark b=_segue_new_1_2_1 d e)")
	exec(t, conn, `UPDATE u SET "_segue_new_1_2_1" = 18, d = 21 WHERE id = 2`)
	reads("kept", "u", `"_segue_old_1_2_1", "_segue_old_1_4_1"`, "9 20")
	stage(rules.Settled)
	sees("settled", "u(id remark b d e)", "u(id remark b d e)")
	exec(t, conn, `UPDATE u SET b = 20, d = 31 WHERE id = 2`)
	reads("settled", "u", `"_segue_old_1_2_1", "_segue_old_1_4_1"`, "10 30")
	if m.Returns() {
		t.Error("there is a way back from contract, on which names that sessions use would end")
	}
	together(rules.PurgeSteps(m))
	if got := columnsOf(t, load(t, conn).Lookup("public", "u")); got != "id remark b d e" {
		t.Errorf("purge leaves the columns %s", got)
	}
}

func TestOperationsOfOneFileHaveColumnsOfTheirOwn(t *testing.T) {
	t.Parallel()
	cat := load(t, database(t, `CREATE TABLE t (id int, a int, b int, note text)`))
	one := "- change_columns: {table: public.t, from: [a], to: [{name: c, type: bigint}], up: {c: a}, down: {a: c::integer}}\n"
	for name, tc := range map[string]struct{ file, want string }{
		"another column":           {one + strings.NewReplacer("[a]", "[b]", "name: c", "name: d", "{c: a}", "{d: b}", "{a: c", "{b: d").Replace(one), ""},
		"the same column":          {one + strings.NewReplacer("name: c", "name: d", "{c: a}", "{d: a}", "{a: c", "{a: d").Replace(one), "change_columns.from: column a of public.t is taken by operations[0] of the file"},
		"a chain":                  {one + strings.NewReplacer("[a]", "[c]", "name: c", "name: d", "{c: a}", "{d: c}", "{a: c", "{c: d").Replace(one), "change_columns.from: column c of public.t is given by operations[0] of the file"},
		"a new column given twice": {one + strings.NewReplacer("[a]", "[b]", "{c: a}", "{c: b}", "{a: c", "{b: c").Replace(one), "change_columns.to: column c of public.t is given by operations[0] of the file"},
		"the old column renamed":   {one + "- rename_column: {table: public.t, from: a, to: z}\n", "rename_column.from: column a of public.t is taken by operations[0] of the file"},
		"the new column renamed":   {one + "- rename_column: {table: public.t, from: c, to: z}\n", "rename_column.from: column c of public.t is given by operations[0] of the file"},
		"a rename to the new one":  {one + "- rename_column: {table: public.t, from: b, to: c}\n", "rename_column.to: column c of public.t is given by operations[0] of the file"},
		"the old column dropped":   {one + "- drop_column: {table: public.t, name: a}\n", "drop_column.name: column a of public.t is taken by operations[0] of the file"},
		"the new column dropped":   {one + "- drop_column: {table: public.t, name: c}\n", "drop_column.name: column c of public.t is given by operations[0] of the file"},
		"the new column added":     {one + "- add_column: {table: public.t, name: c, type: int}\n", "add_column.name: column c of public.t is given by operations[0] of the file"},
		"the old name added":       {one + "- add_column: {table: public.t, name: a, type: int}\n", "the name a is taken in public.t"},
		"under another name of the table": {one + "- rename_table: {from: public.t, to: u}\n- drop_column: {table: public.u, name: a}\n",
			"drop_column.name: column a of public.u is taken by operations[0] of the file"},
		"renamed before":                 {"- rename_column: {table: public.t, from: b, to: a2}\n" + strings.NewReplacer("[a]", "[a2]", "{c: a}", "{c: a2}", "{a: c", "{a2: c").Replace(one), ""},
		"the name before it was renamed": {"- rename_column: {table: public.t, from: a, to: a2}\n" + one, "change_columns.from: table public.t has no column a"},
	} {
		m, err := rules.Parse("r.yaml", []byte("id: x\noperations:\n"+tc.file))
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

func columnsOf(t *testing.T, r *catalog.Relation) string {
	t.Helper()
	if r == nil {
		t.Fatal("the table is not there")
	}
	var out []string
	for _, c := range r.Columns {
		out = append(out, c.Name)
	}
	return strings.Join(out, " ")
}

func TestWhatIsStoredOfAChangeIsServedByWhoHasStoredIt(t *testing.T) {
	t.Parallel()
	conn := database(t, `CREATE TABLE t (id int, a int, c int, note text, f int)`)
	for name, file := range map[string]string{
		"two sides":  "- change_columns: {table: public.t, from: [a], to: [{name: d, type: bigint}], up: {d: a}, down: {a: d::integer}}\n",
		"an added":   "- add_column: {table: public.t, name: e, type: int}\n",
		"a taken":    "- drop_column: {table: public.t, name: f}\n",
		"all beside": strings.TrimPrefix(besideFile, "id: x\noperations:\n"),
	} {
		m, err := rules.Parse("r.yaml", []byte("id: x\noperations:\n"+file))
		if err != nil {
			t.Fatal(err)
		}
		m.Seq = 1
		for _, indexed := range []bool{false, true} {
			for _, c := range m.Changes() {
				described, err := c.Describe(fmt.Sprintf("1_%d", c.Place+1), load(t, conn))
				if err != nil {
					t.Fatal(err)
				}
				if indexed {
					described.Indexes = []change.Index{{Of: "i", Name: "j", Body: "USING btree (d)"}}
				}
				r, err := rules.NewResolvedChange(described, rules.Watched)
				if err != nil {
					t.Fatal(err)
				}
				r = m.Resolve(c.Place, r).Changes()[slices.IndexFunc(m.Changes(), func(o rules.Change) bool { return o.Place == c.Place })].Resolved()
				data, err := r.Encode()
				if err != nil {
					t.Fatal(err)
				}
				if again, err := rules.DecodeChange(r.Protocol, r.Stage, data); err != nil || again.Compiled() == nil {
					t.Errorf("%s, operation %d: what is stored by protocol %d is not read: %v", name, c.Place, r.Protocol, err)
				}
			}
		}
	}
}
