package catalog_test

import (
	"context"
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
)

// BenchmarkCatalog is a catalog of 2,000 tables of ten columns, read whole, and read again after one of them has changed.
func BenchmarkCatalog(b *testing.B) {
	url := pgtest.Database(b)
	pgtest.Exec(b, url, `DO $$ BEGIN FOR i IN 1 .. 2000 LOOP
		EXECUTE format('CREATE TABLE t%s (a int, b int, c int, d text, e text, f text, g date, h date, i bigint, j bigint)', i);
	END LOOP; END $$`)
	ctx := context.Background()
	conn := pgtest.Connect(b, url)
	before, err := catalog.Load(ctx, conn)
	if err != nil {
		b.Fatal(err)
	}
	pgtest.Exec(b, url, `ALTER TABLE t1 RENAME a TO z`)
	b.Run("whole", func(b *testing.B) {
		for b.Loop() {
			if _, err := catalog.Load(ctx, conn); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("what has changed", func(b *testing.B) {
		for b.Loop() {
			if _, err := before.Refresh(ctx, conn); err != nil {
				b.Fatal(err)
			}
		}
	})
}
