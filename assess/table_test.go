package assess

import "testing"

func TestTablesOfExtensionsAreFound(t *testing.T) {
	t.Parallel()
	c := on(t, people, peopleShop, `CREATE EXTENSION hstore`, `ALTER EXTENSION hstore ADD TABLE individual`)
	found := c.found(extensionMember)
	if len(found) != 1 || len(found[0].Mend) != 1 {
		t.Fatalf("found %+v", found)
	}
	c.remedied(extensionMember, []string{"public.individual"}, found[0].Mend...)
}
