package rewrite

import (
	"strconv"
	"strings"
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"

	"github.com/seguedb/segue/rewrite/prefilter"
	"github.com/seguedb/segue/rewrite/syntax"
)

// ordinary is a text of 500 bytes as apps send them, without a name that matters.
const ordinary = `SELECT "orders"."id", "orders"."customer_id", "orders"."created_at", "orders"."total_cents", "customers"."email"
FROM "orders" INNER JOIN "customers" ON "customers"."id" = "orders"."customer_id" LEFT OUTER JOIN "shipments" ON
"shipments"."order_id" = "orders"."id" AND "shipments"."cancelled_at" IS NULL WHERE "orders"."state" IN ($1, $2, $3) AND
"orders"."created_at" BETWEEN $4 AND $5 AND ("customers"."country" = $6 OR "customers"."vip" = TRUE) ORDER BY
"orders"."created_at" DESC, "orders"."id" LIMIT $7 OFFSET $8`

// matcherFor is a binder that only the prefilter is asked of.
func matcherFor(identifiers ...string) *Binder {
	return NewBinder(&rules.Snapshot{
		Lenses:      map[string]*rules.Lens{rules.Base: rules.NewLens(rules.Base, nil)},
		Catalog:     catalog.New(150000, nil, nil, nil),
		Identifiers: identifiers,
	}, Options{})
}

func BenchmarkPrefilterMiss(b *testing.B) {
	for name, identifiers := range map[string][]string{
		"two names":    {"individual", "person"},
		"forty names":  strings.Fields(strings.Repeat("individual person households addresses invoice_lines payments ledger journal_rows ", 5)),
		"a short name": {"individual", "t"},
	} {
		b.Run(name, func(b *testing.B) {
			binder := matcherFor(identifiers...)
			sql := []byte(ordinary)
			b.SetBytes(int64(len(sql)))
			b.ReportAllocs()
			for b.Loop() {
				if binder.Match(sql, false) != prefilter.Miss {
					b.Fatal("hit")
				}
			}
		})
	}
}

// concerned is a text as apps send them that names the table under migration.
const concerned = `SELECT i.id, i.surname, o.total FROM individual i JOIN orders o ON o.owner = i.id WHERE i.surname = $1 AND o.state IN ($2, $3) ORDER BY i.surname LIMIT 10`

// realBinder has the binder proper.
func realBinder(o Options) *Binder { return NewBinder(testSnapshot(150000), o) }

func BenchmarkRewriteCached(b *testing.B) {
	binder := realBinder(Options{})
	s := pinned("surname")
	mustRewrite(b, binder, s, concerned)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := binder.Rewrite(s, concerned); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRewriteCachedParallel(b *testing.B) {
	binder := realBinder(Options{})
	mustRewrite(b, binder, pinned("surname"), concerned)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		s := pinned("surname")
		for pb.Next() {
			if _, err := binder.Rewrite(s, concerned); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRewriteByTemplate is what a text takes that differs from earlier ones in a value.
func BenchmarkRewriteByTemplate(b *testing.B) {
	binder := realBinder(Options{})
	s := pinned("surname")
	texts := make([]string, 4096)
	for i := range texts {
		texts[i] = strings.ReplaceAll(concerned, "LIMIT 10", "LIMIT "+strconv.Itoa(i+10))
	}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if text := mustRewrite(b, binder, s, texts[i%len(texts)]); !text.Changed || text.Statements[0].Failure != nil {
			b.Fatal(text.SQL)
		}
		i++
	}
}

// BenchmarkRewriteCold is to be read beside BenchmarkParse: two parses are needed, one to bind and one to prove.
func BenchmarkRewriteCold(b *testing.B) {
	binder := realBinder(Options{MaxCached: 1})
	s := pinned("surname")
	b.ReportAllocs()
	for b.Loop() {
		if text := mustRewrite(b, binder, s, concerned); !text.Changed || text.Statements[0].Failure != nil {
			b.Fatal(text.SQL)
		}
	}
}

// BenchmarkBind is what a cold rewrite takes without parser and proof.
func BenchmarkBind(b *testing.B) {
	snap, s := testSnapshot(150000), pinned("surname")
	toks, err := syntax.Scan(concerned)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		tree := mustParse(b, concerned)
		b.StartTimer()
		if _, err := bind(&bindInput{snap: snap, lens: snap.Lens("surname"), sess: s, sql: concerned, tree: tree, tokens: toks}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		mustParse(b, concerned)
	}
}

func BenchmarkScan(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := syntax.Scan(concerned); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSameTree(b *testing.B) {
	one, two := mustParse(b, concerned), mustParse(b, concerned)
	b.ReportAllocs()
	for b.Loop() {
		if !sameTree(one, two) {
			b.Fatal("not the same")
		}
	}
}
