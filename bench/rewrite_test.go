package bench

import (
	"strconv"
	"strings"
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/prefilter"
	"github.com/seguedb/segue/rules"
)

// concerned names a table under migration, as apps do; unconcerned is as long and names none.
const (
	concerned = `SELECT i.id, i.last_name, o.total FROM individual i JOIN orders o ON o.owner = i.id
WHERE i.last_name = $1 AND o.state IN ($2, $3) ORDER BY i.last_name LIMIT 10`
	unconcerned = `SELECT c.id, c.last_name, o.total FROM customers c JOIN orders o ON o.owner = c.id
WHERE c.last_name = $1 AND o.state IN ($2, $3) ORDER BY c.last_name LIMIT 10`
)

const rename = `
id: surname
operations:
  - rename_column: { table: public.individual, from: last_name, to: surname }
  - rename_table:  { from: public.individual, to: person }
`

// afterCutover is the snapshot of a shop whose individual.last_name is person.surname in the database.
func afterCutover(b *testing.B) *rules.Snapshot {
	b.Helper()
	m, err := rules.Parse("surname.yaml", []byte(rename))
	if err != nil {
		b.Fatal(err)
	}
	m.Phase, m.Seq = rules.Cutover, 1
	table := func(oid catalog.OID, name string, columns ...string) *catalog.Relation {
		r := &catalog.Relation{OID: oid, Schema: "public", Name: name, Kind: catalog.Table, RowType: oid + 1}
		for i, c := range columns {
			r.Columns = append(r.Columns, catalog.Column{Num: int16(i + 1), Name: c, Type: 25, Typmod: -1, TypeName: "text"})
		}
		return r
	}
	cat := catalog.New(150000, []*catalog.Relation{
		table(16384, "person", "id", "first_name", "surname", "city"),
		table(16390, "customers", "id", "last_name"),
		table(16400, "orders", "id", "owner", "state", "total"),
	}, nil, nil)
	snap, err := rules.Build(1, []*rules.Migration{m}, cat)
	if err != nil {
		b.Fatal(err)
	}
	return snap
}

func oldApp() *rewrite.Session {
	return &rewrite.Session{Version: rules.Base, SearchPath: []string{"pg_catalog", "public"}, StandardStrings: true}
}

func mustRewrite(b *testing.B, binder *rewrite.Binder, s *rewrite.Session, sql string) {
	b.Helper()
	text, err := binder.Rewrite(s, sql)
	if err != nil {
		b.Fatal(err)
	}
	if !text.Changed || text.Statements[0].Failure != nil || !strings.Contains(text.SQL, "person") {
		b.Fatalf("rewritten to %s", text.SQL)
	}
}

// BenchmarkRewriter is to be read as a whole: cold beside parse, and beside both a hit, a text with other values than those
// before, and a miss.
func BenchmarkRewriter(b *testing.B) {
	snap := afterCutover(b)
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ast.Parse(concerned); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("cold", func(b *testing.B) {
		binder, s := rewrite.NewBinder(snap, rewrite.Options{MaxCached: 1}), oldApp()
		b.ReportAllocs()
		for b.Loop() {
			mustRewrite(b, binder, s, concerned)
		}
	})
	b.Run("cache hit", func(b *testing.B) {
		binder, s := rewrite.NewBinder(snap, rewrite.Options{}), oldApp()
		mustRewrite(b, binder, s, concerned)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := binder.Rewrite(s, concerned); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("other values", func(b *testing.B) {
		binder, s := rewrite.NewBinder(snap, rewrite.Options{}), oldApp()
		texts := make([]string, 5000)
		for i := range texts {
			texts[i] = strings.Replace(concerned, "LIMIT 10", "LIMIT "+strconv.Itoa(i), 1)
		}
		n := 0
		b.ReportAllocs()
		for b.Loop() {
			mustRewrite(b, binder, s, texts[n%len(texts)])
			n++
		}
	})
	b.Run("prefilter miss", func(b *testing.B) {
		binder, sql := rewrite.NewBinder(snap, rewrite.Options{}), []byte(unconcerned)
		b.SetBytes(int64(len(sql)))
		b.ReportAllocs()
		for b.Loop() {
			if binder.Match(sql, false) != prefilter.Miss {
				b.Fatal("hit")
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(sql)), "ns/byte")
	})
}
