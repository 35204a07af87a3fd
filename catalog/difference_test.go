package catalog_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
)

// changing is a schema with things that use each other.
const changing = `
	CREATE TABLE orders (id int, total int);
	CREATE TABLE orders_old () INHERITS (orders);
	CREATE TABLE pets (id int);
	CREATE TYPE money_amount AS (amount int, currency text);
	CREATE DOMAIN price AS money_amount;
	CREATE TABLE products (id int, costs price[]);
	CREATE FUNCTION dearest() RETURNS SETOF products LANGUAGE sql AS 'SELECT * FROM products';
	CREATE FUNCTION first_order(int) RETURNS orders LANGUAGE sql AS 'SELECT * FROM orders LIMIT 1';
	CREATE VIEW whole AS SELECT o AS o FROM orders o;
	CREATE VIEW part AS SELECT o.id FROM orders o;
	CREATE TABLE parted (id int) PARTITION BY LIST (id)`

// TestTheDifferenceIsWhatHasAnotherMeaning compares the catalogs before and after DDL.
func TestTheDifferenceIsWhatHasAnotherMeaning(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string][]string{
		"SELECT 1":                          nil,
		"VACUUM orders":                     nil,
		"CREATE TABLE made (id int)":        {"_made", "made"},
		"CREATE VIEW made AS SELECT 1 AS a": {"_made", "made"},
		"CREATE INDEX made ON orders (id)":  {"made"},
		"DROP VIEW part":                    {"_part", "part"},
		"CREATE FUNCTION made() RETURNS int LANGUAGE sql AS 'SELECT 1'":                                           {"made"},
		"CREATE OR REPLACE FUNCTION dearest() RETURNS SETOF products LANGUAGE sql AS 'SELECT * FROM products'":    nil,
		"CREATE OR REPLACE FUNCTION dearest() RETURNS SETOF products LANGUAGE plpgsql AS 'BEGIN RESET ROLE; END'": {"dearest"},
		"ALTER TABLE pets ADD name text":                         {"_pets", "pets"},
		"ALTER TABLE pets RENAME TO animals":                     {"_animals", "_pets", "animals", "pets"},
		"ALTER TABLE orders ADD paid bool":                       {"_orders", "_orders_old", "_whole", "first_order", "orders", "orders_old", "whole"},
		"ALTER TABLE orders RENAME total TO sum":                 {"_orders", "_orders_old", "_whole", "first_order", "orders", "orders_old", "whole"},
		"ALTER TABLE orders_old NO INHERIT orders":               {"_orders", "_orders_old", "_whole", "first_order", "orders", "orders_old", "whole"},
		"ALTER TYPE money_amount ADD ATTRIBUTE at date":          {"_money_amount", "_price", "_products", "dearest", "money_amount", "price", "products"},
		"CREATE TABLE parted_1 PARTITION OF parted DEFAULT":      {"_parted", "_parted_1", "parted", "parted_1"},
		"CREATE SCHEMA apart; ALTER TABLE pets SET SCHEMA apart": {"_pets", "pets"},
		"CREATE FUNCTION moves() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN SET search_path = x; RETURN NEW; END';" +
			"CREATE TRIGGER moving BEFORE INSERT ON pets FOR EACH ROW EXECUTE FUNCTION moves()": {"moves", "pets"},
	} {
		t.Run(sql, func(t *testing.T) {
			t.Parallel()
			before, conn := load(t, changing)
			if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
				t.Fatal(err)
			}
			for how, read := range map[string]func() (*catalog.Catalog, error){
				"in part": func() (*catalog.Catalog, error) { return before.Refresh(t.Context(), conn) },
				"whole":   func() (*catalog.Catalog, error) { return catalog.Load(t.Context(), conn) },
			} {
				after, err := read()
				if err != nil {
					t.Fatal(err)
				}
				got := catalog.Difference(before, after)
				if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
					t.Errorf("read %s, the difference is (-want +got):\n%s", how, diff)
				}
			}
		})
	}
}

// TestNoPartOfAnObjectIsLeftOutOfTheDifference changes one field after the other.
func TestNoPartOfAnObjectIsLeftOutOfTheDifference(t *testing.T) {
	t.Parallel()
	of := func(r catalog.Relation, f catalog.Function, typ catalog.Type) *catalog.Catalog {
		return catalog.New(150000, []*catalog.Relation{&r}, []*catalog.Function{&f}, []*catalog.Type{&typ})
	}
	for i := range 3 {
		objects := func() (catalog.Relation, catalog.Function, catalog.Type) {
			return catalog.Relation{OID: 1, Name: "r"}, catalog.Function{OID: 2, Name: "f"}, catalog.Type{OID: 3, Name: "t"}
		}
		r, f, typ := objects()
		changed := []reflect.Value{reflect.ValueOf(&r), reflect.ValueOf(&f), reflect.ValueOf(&typ)}[i].Elem()
		for j := range changed.NumField() {
			r, f, typ = objects()
			change(changed.Field(j))
			before, after := of(objects()), of(r, f, typ)
			if len(catalog.Difference(before, after)) == 0 {
				t.Errorf("%s of %s is left out", changed.Type().Field(j).Name, changed.Type())
			}
		}
	}
	if d := catalog.Difference(of(catalog.Relation{OID: 1}, catalog.Function{OID: 2}, catalog.Type{OID: 3}),
		of(catalog.Relation{OID: 1}, catalog.Function{OID: 2}, catalog.Type{OID: 3})); len(d) > 0 {
		t.Errorf("equal catalogs differ in %q", d)
	}
}

// change gives a field another value.
func change(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int16, reflect.Int32:
		v.SetInt(v.Int() + 7)
	case reflect.Uint8, reflect.Uint32:
		v.SetUint(v.Uint() + 7)
	case reflect.Slice:
		v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
	default:
		panic("no other value of a " + v.Kind().String())
	}
}

// TestUsersAreWhatShowsARelation lists what is called by another name than the relation and shows its rows.
func TestUsersAreWhatShowsARelation(t *testing.T) {
	t.Parallel()
	c, _ := load(t, changing)
	for name, want := range map[string][]string{
		"orders":   {"_orders", "_orders_old", "_whole", "first_order", "orders", "orders_old", "whole"},
		"pets":     {"_pets", "pets"},
		"products": {"_products", "dearest", "products"},
		"nobody":   nil,
	} {
		got := c.Users(name)
		got = slices.DeleteFunc(got, func(n string) bool { return n == "_"+name && !slices.Contains(want, n) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("users of %s (-want +got):\n%s", name, diff)
		}
	}
}

// TestAccessToSchemasChangesWithWhoMayUseThem compares what is read before and after a statement.
func TestAccessToSchemasChangesWithWhoMayUseThem(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	conn := pgtest.Connect(t, url)
	read := func() string {
		c, err := catalog.Load(t.Context(), conn)
		if err != nil {
			t.Fatal(err)
		}
		return c.SchemaAccess
	}
	before := read()
	for _, tc := range []struct {
		sql     string
		changes bool
	}{
		{"CREATE TABLE t (n int)", false},
		{"CREATE SCHEMA apart", true},
		{"CREATE TABLE apart.t (n int)", false},
		{"GRANT SELECT ON apart.t TO PUBLIC", false},
		{"GRANT USAGE ON SCHEMA apart TO PUBLIC", true},
		{"ALTER SCHEMA apart RENAME TO beside", true},
		{"CREATE TEMP TABLE mine (n int)", false},
		{"DROP SCHEMA beside CASCADE", true},
	} {
		if _, err := conn.Exec(t.Context(), tc.sql); err != nil {
			t.Fatal(err)
		}
		after := read()
		if (after != before) != tc.changes {
			t.Errorf("%s: it changes = %v", tc.sql, after != before)
		}
		before = after
	}
}
