package orm

import "testing"

// TestActiveRecordSeesTheShopOfItsVersion needs Debian's ruby-activerecord and ruby-pg.
func TestActiveRecordSeesTheShopOfItsVersion(t *testing.T) {
	t.Parallel()
	inEachVersion(t, func(t *testing.T, db database) string {
		return printed(t, db, "", "", "/usr/bin/ruby", "testdata/activerecord/program.rb")
	})
}
