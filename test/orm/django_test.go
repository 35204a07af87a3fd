package orm

import "testing"

// TestDjangoSeesTheShopOfItsVersion needs Debian's python3-django and python3-psycopg2.
func TestDjangoSeesTheShopOfItsVersion(t *testing.T) {
	t.Parallel()
	inEachVersion(t, func(t *testing.T, db database) string {
		return printed(t, db, "", "", "/usr/bin/python3", "testdata/django/program.py")
	})
}
