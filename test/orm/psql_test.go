package orm

import (
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
)

func TestPsqlDescribesTheShopOfItsVersion(t *testing.T) {
	t.Parallel()
	inEachVersion(t, func(t *testing.T, db database) string {
		return printed(t, db, "", fill(t, "psql.sql", db.Names), pgtest.Bin("psql"), "-X", "-a")
	})
}
