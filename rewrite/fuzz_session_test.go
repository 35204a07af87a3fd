package rewrite

import (
	"fmt"
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax/syntaxtest"
	"github.com/seguedb/segue/rules"
)

// FuzzRewriteInAnySession feeds SQL to the rewriter over lenses with chains of renames, partitions, children, names in
// several schemas and names that need quotes, for sessions of any state, which the bits of mode choose. Whatever the
// text and the session, it must not panic, and must make no rewrite that fails its proof.
func FuzzRewriteInAnySession(f *testing.F) {
	mode := uint16(0)
	for _, list := range [][]string{readingStatements, writingStatements, capturingStatements, syntaxtest.Texts, syntaxtest.Unreadable} {
		for _, template := range list {
			mode += 37
			f.Add(inNames(template, differentialNames[[]string{"old", "new"}[mode%2]]), mode)
		}
	}
	stats := new(Stats)
	binders := make([]*Binder, 3)
	for i := range binders {
		binders[i] = NewBinder(chainSnapshot(f, i), Options{Stats: stats, MaxCached: 1})
	}
	f.Fuzz(func(t *testing.T, sql string, mode uint16) {
		if len(sql) > 1000 {
			return
		}
		s, binder := sessionOf(mode), binders[mode>>12%3]
		if s.Encoding == "" {
			checkAnyText(t, binder, s, sql)
			return
		}
		before := stats.Unproven.Load()
		text := settled(t, binder, s, sql)
		if stats.Unproven.Load() > before {
			t.Fatalf("%q as %+v: a rewrite failed its proof", sql, s)
		}
		if text.Client != sql || text.Changed != (text.SQL != sql) {
			t.Fatalf("%q: Client = %q, Changed = %v", sql, text.Client, text.Changed)
		}
	})
}

// sessionOf is a session in the state that the bits choose.
func sessionOf(mode uint16) *Session {
	paths := [][]string{
		{"pg_catalog", "public"}, {"pg_catalog", "public", "shop"}, {"shop", "public", "pg_catalog"}, {"pg_catalog"},
	}
	return &Session{
		Version:         []string{"first", rules.Base, "second", "", "gone", "first", "", "second"}[mode&7],
		Unpinned:        UnpinnedMode(mode >> 3 % 3),
		SearchPath:      paths[mode>>5&3],
		StandardStrings: mode>>7&1 == 0,
		Encoding:        []string{"", "", "", "LATIN1", "SJIS", "SQL_ASCII", "", "EUC_JP"}[mode>>8&7],
		Overlay:         map[rules.Name]*catalog.Relation{},
	}
}

// chainSnapshot has two migrations, of which so many are cut over: the catalog has the names that follow from that.
func chainSnapshot(t testing.TB, cutover int) *rules.Snapshot {
	t.Helper()
	migrations := []*rules.Migration{
		chainMigration(t, "first", "rename_column: {table: public.individual, from: last_name, to: surname}",
			"rename_table: {from: public.individual, to: person}", `rename_column: {table: 'public."LineItem"', from: '"Qty"', to: '"order"'}`,
			`rename_column: {table: shop.book, from: id, to: 'größe'}`),
		chainMigration(t, "second", "rename_column: {table: public.person, from: surname, to: '\"Family Name\"'}",
			"rename_table: {from: public.person, to: '\"user\"'}", "rename_column: {table: public.event, from: at, to: day}"),
	}
	names := [][]string{
		{"individual", "last_name", "Qty", "id", "at"}, {"person", "surname", "order", "größe", "at"},
		{"user", "Family Name", "order", "größe", "day"},
	}[min(cutover, 2)]
	for i, m := range migrations {
		if m.Seq, m.Phase = int64(i+1), rules.Active; i < cutover {
			m.Phase = rules.Cutover
		}
	}
	individual := chainTable(16400, "public", names[0], "id", "first_name", names[1], "city", "größe")
	child := chainTable(16410, "public", "child", "id", "first_name", names[1], "city", "größe", "own")
	event := chainTable(16420, "public", "event", names[4], "id")
	part := chainTable(16430, "public", "event_2024", "id", names[4])
	event.Kind = catalog.PartitionedTable
	inherits(individual, child)
	inherits(event, part)
	book := chainTable(16440, "public", "book", "surname", "last_name", "person", "individual")
	snap, err := rules.Build(1, migrations, catalog.New(150000, []*catalog.Relation{
		individual, child, event, part, book, chainTable(16450, "shop", "book", names[3], "individual"),
		chainTable(16460, "public", "LineItem", names[2], "price", "sku"), chainTable(16470, "shop", "person", "surname", "x"),
		chainTable(16480, "public", "orders", "order_id", "individual_id", "total", "note"),
	}, []*catalog.Function{
		{OID: 16600, Schema: "public", Name: "people", Kind: 'f', Return: individual.RowType, ReturnsSet: true},
		{OID: 16601, Schema: "public", Name: "label", Kind: 'f', Args: 1, Return: 25, ArgTypes: []catalog.OID{individual.RowType}},
	}, nil))
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

func chainMigration(t testing.TB, id string, operations ...string) *rules.Migration {
	t.Helper()
	file := "id: " + id + "\noperations:\n"
	for _, op := range operations {
		file += "- " + op + "\n"
	}
	m, err := rules.Parse(id+".yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func chainTable(oid catalog.OID, schema, name string, columns ...string) *catalog.Relation {
	r := testRelation(oid, name, columns...)
	r.Schema, r.RowType = schema, oid+1
	return r
}

func inherits(parent, child *catalog.Relation) {
	parent.Children, child.Parents = append(parent.Children, child.OID), append(child.Parents, parent.OID)
	for i := range child.Columns {
		if parent.Column(child.Columns[i].Name) != nil {
			child.Columns[i].Inherited = 1
		}
	}
}

// TestTheSnapshotsOfTheFuzzTargetAreUnderstood keeps the target from feeding what is refused for another reason.
func TestTheSnapshotsOfTheFuzzTargetAreUnderstood(t *testing.T) {
	t.Parallel()
	for cutover := range 3 {
		binder := NewBinder(chainSnapshot(t, cutover), Options{Stats: new(Stats)})
		for version, table := range map[string]string{rules.Base: "individual", "first": "person", "second": `"user"`} {
			sql := fmt.Sprintf("SELECT x.*, label(x) FROM %s x, people() y, child, event_2024 JOIN event USING (id)", table)
			text := settled(t, binder, &Session{Version: version, StandardStrings: true, SearchPath: []string{"pg_catalog", "public"},
				Overlay: map[rules.Name]*catalog.Relation{}}, sql)
			if f := text.Statements[0].Failure; f != nil {
				t.Errorf("%s at cutover %d: %s: %v", version, cutover, sql, f)
			}
			if _, err := ast.Parse(text.SQL); err != nil {
				t.Error(err)
			}
		}
	}
}
