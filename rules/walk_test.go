package rules_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// TestEveryVersionKeepsItsNamesOnAnyWalk creates, activates, cuts over, rolls back and contracts random migrations on a
// real server, and after each step compares every lens with a model that knows nothing of undoing: it applies the
// operations of a version, by name, to the names that the tables had in the beginning.
func TestEveryVersionKeepsItsNamesOnAnyWalk(t *testing.T) {
	t.Parallel()
	conn := database(t)
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		if _, err := conn.Exec(ctx, `DROP SCHEMA public CASCADE; CREATE SCHEMA public;
			CREATE TABLE t (a int, b int, "C" int); CREATE TABLE kid (own int) INHERITS (t);
			CREATE TABLE p (a int, b int) PARTITION BY LIST (a); CREATE TABLE p1 PARTITION OF p DEFAULT;
			CREATE TABLE "Quoted" (a int)`); err != nil {
			t.Fatal(err)
		}
		w := newWalk(t, conn)
		for range rapid.IntRange(10, 40).Draw(t, "steps") {
			w.step(t)
			w.compare(t)
		}
	})
}

type walk struct {
	conn    *pgx.Conn
	cat     *catalog.Catalog // nil after DDL
	initial model
	all     []*rules.Migration
	done    []*rules.Migration // contracted, in order
	seq     int64
}

func newWalk(t *rapid.T, conn *pgx.Conn) *walk {
	w := &walk{conn: conn, initial: model{}}
	w.load(t).Relations(func(r *catalog.Relation) bool {
		if r.Schema == "public" && (r.Kind == catalog.Table || r.Kind == catalog.PartitionedTable) {
			cols := map[int16]string{}
			for _, c := range r.Columns {
				cols[c.Num] = c.Name
			}
			w.initial[r.OID] = modelTable{r.Name, cols, r.Children}
		}
		return true
	})
	return w
}

func (w *walk) load(t *rapid.T) *catalog.Catalog {
	if w.cat == nil {
		cat, err := catalog.Load(context.Background(), w.conn)
		if err != nil {
			t.Fatal(err)
		}
		w.cat = cat
	}
	return w.cat
}

func (w *walk) run(t *rapid.T, sql []string) {
	w.cat = nil
	for _, s := range sql {
		if _, err := w.conn.Exec(context.Background(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// step creates a migration, or moves one if the rules allow it.
func (w *walk) step(t *rapid.T) {
	open := slices.DeleteFunc(slices.Clone(w.all), func(m *rules.Migration) bool { return m.Phase == rules.Contracted })
	if len(open) == 0 || rapid.IntRange(0, 2).Draw(t, "what") == 0 {
		w.create(t)
		return
	}
	m := rapid.SampledFrom(open).Draw(t, "which")
	switch m.Phase {
	case rules.Draft, rules.RolledBack:
		if rules.CanActivate(m, w.all, w.load(t)) == nil {
			m.Phase = rules.Active
			w.seq++
			m.Seq = w.seq // as the store does when later ones are live
		}
	case rules.Active:
		if rapid.IntRange(0, 4).Draw(t, "back") > 0 {
			if rules.CanCutover(m, w.all) == nil {
				w.run(t, rules.DDL(m, rules.Forward))
				m.Phase = rules.Cutover
			}
		} else if rules.CanRollback(m, w.all, rules.RolledBack) == nil {
			m.Phase = rules.RolledBack
		}
	case rules.Cutover:
		to := rapid.SampledFrom([]rules.Phase{rules.Active, rules.RolledBack, rules.Contracted}).Draw(t, "to")
		switch {
		case to == rules.Contracted && rules.CanContract(m, w.all) == nil:
			m.Phase = to
			w.done = append(w.done, m)
		case to != rules.Contracted && rules.CanRollback(m, w.all, to) == nil:
			w.run(t, rules.DDL(m, rules.Backward))
			m.Phase = to
		}
	}
}

// create stores a draft of one to three operations, good or bad; bad ones must have been refused.
func (w *walk) create(t *rapid.T) {
	now := w.initial.after(t, append(slices.Clone(w.done), w.live()...)...)
	tables := slices.Sorted(maps.Keys(now))
	anyTable := rapid.SampledFrom([]string{"t", "kid", `"Quoted"`, "u", "v", `"W"`, "x"})
	anyColumn := rapid.SampledFrom([]string{"a", "b", `"C"`, "c", "d", "e", "f"})
	var ops []string
	for range rapid.IntRange(1, 3).Draw(t, "operations") {
		table := now[rapid.SampledFrom(tables).Draw(t, "table")]
		if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
			ops = append(ops, "public."+quoted(table.name)+" > "+anyTable.Draw(t, "to"))
			continue
		}
		from := quoted(table.columns[rapid.SampledFrom(slices.Sorted(maps.Keys(table.columns))).Draw(t, "from")])
		if rapid.IntRange(0, 9).Draw(t, "wild") == 0 {
			from = anyColumn.Draw(t, "wild from")
		}
		ops = append(ops, "public."+quoted(table.name)+"."+from+" > "+anyColumn.Draw(t, "to"))
	}
	m := parse(t, fmt.Sprintf("m%d", w.seq+1), ops...)
	if rules.Validate(m, w.all, w.load(t)) != nil {
		return
	}
	w.seq++
	m.Seq = w.seq
	w.all = append(w.all, m)
}

func quoted(name string) string { return `"` + name + `"` }

func (w *walk) live() []*rules.Migration {
	var out []*rules.Migration
	for _, m := range w.all {
		if m.Phase.Live() {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b *rules.Migration) int { return int(a.Seq - b.Seq) })
	return out
}

// compare checks every lens, and that no name means two things in versions that are live together.
func (w *walk) compare(t *rapid.T) {
	snap, err := rules.Build(1, w.all, w.load(t))
	if err != nil {
		t.Fatal(err)
	}
	live := w.live()
	if snap.Live() != (len(live) > 0) {
		t.Fatalf("live is %v with %d live migrations", snap.Live(), len(live))
	}
	if !snap.Live() {
		return
	}
	now := w.initial.after(t, w.done...)
	want := map[string]model{rules.Base: now}
	physical := now
	for _, m := range live {
		now = now.after(t, m)
		want[m.ID] = now
	}
	for _, m := range live {
		if m.Phase == rules.Cutover {
			physical = physical.after(t, m)
		}
	}
	want["physical"] = physical
	w.compareAffected(t, live, snap)
	unambiguous(t, want)
	delete(want, "physical")
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(snap.Lenses))); diff != "" {
		t.Fatal(diff)
	}
	for version, m := range want {
		for _, table := range snap.Lenses[version].Tables {
			logical, really := m[table.OID], physical[table.OID]
			if words := snap.Identifiers; !slices.Contains(words, strings.ToLower(logical.name)) {
				t.Fatalf("%s is not among the identifiers %q", logical.name, words)
			}
			if table.Logical != logical.name || table.Physical != really.name {
				t.Fatalf("%s: table is %+v, want %s=%s", version, table, logical.name, really.name)
			}
			for _, c := range table.Columns {
				if c.Logical != logical.columns[c.Num] || c.Physical != really.columns[c.Num] {
					t.Fatalf("%s: %s.%+v, want %s=%s", version, table.Logical, c, logical.columns[c.Num], really.columns[c.Num])
				}
			}
			if identity := cmp.Equal(logical.columns, really.columns) && logical.name == really.name; identity != table.Identity {
				t.Fatalf("%s: identity of %s is %v", version, table.Logical, table.Identity)
			}
		}
		for oid, table := range m { // what is not in the lens must not differ
			if snap.Lenses[version].Table(oid) == nil && !cmp.Equal(table.columns, physical[oid].columns) {
				t.Fatalf("%s: %s differs and is not in the lens", version, table.name)
			}
		}
	}
}

// compareAffected checks that the tables of a snapshot are those that its migrations affect.
func (w *walk) compareAffected(t *rapid.T, live []*rules.Migration, snap *rules.Snapshot) {
	var all []catalog.OID
	for _, m := range live {
		affected, err := rules.Affected(m, w.all, w.load(t))
		if err != nil || len(affected) == 0 {
			t.Fatalf("%s affects %v, error %v", m.ID, affected, err)
		}
		all = append(all, affected...)
	}
	slices.Sort(all)
	if diff := cmp.Diff(slices.Compact(all), snap.Tables); diff != "" {
		t.Fatal(diff)
	}
	versions := []string{rules.Base}
	for _, m := range live {
		versions = append(versions, m.ID)
	}
	if diff := cmp.Diff(versions, snap.Versions()); diff != "" {
		t.Fatal(diff)
	}
}

// unambiguous checks the promise of stale texts: they fail, they never lie.
func unambiguous(t *rapid.T, versions map[string]model) {
	tables := map[string]catalog.OID{}
	columns := map[string]int16{}
	for version, m := range versions {
		for oid, table := range m {
			if other, ok := tables[table.name]; ok && other != oid {
				t.Fatalf("%s: the name %s means two tables", version, table.name)
			}
			tables[table.name] = oid
			for num, name := range table.columns {
				key := fmt.Sprintf("%d.%s", oid, name)
				if other, ok := columns[key]; ok && other != num {
					t.Fatalf("%s: the name %s.%s means two columns", version, table.name, name)
				}
				columns[key] = num
			}
		}
	}
}

// A model is a schema as plain names.
type model map[catalog.OID]modelTable

type modelTable struct {
	name     string
	columns  map[int16]string
	children []catalog.OID
}

// after applies the operations of the migrations by name.
func (m model) after(t *rapid.T, migrations ...*rules.Migration) model {
	out := model{}
	for oid, table := range m {
		out[oid] = modelTable{table.name, maps.Clone(table.columns), table.children}
	}
	for _, mig := range migrations {
		for _, op := range mig.Operations {
			oid := out.find(t, op.Target().Name)
			switch op := op.(type) {
			case rules.RenameTable:
				table := out[oid]
				table.name = op.To
				out[oid] = table
			case rules.RenameColumn:
				out.renameColumn(oid, op.From, op.To)
			}
		}
	}
	return out
}

func (m model) find(t *rapid.T, name string) catalog.OID {
	for oid, table := range m {
		if table.name == name {
			return oid
		}
	}
	t.Fatalf("the model has no table %s", name)
	return 0
}

func (m model) renameColumn(oid catalog.OID, from, to string) {
	for num, name := range m[oid].columns {
		if name == from {
			m[oid].columns[num] = to
		}
	}
	for _, child := range m[oid].children {
		m.renameColumn(child, from, to)
	}
}
