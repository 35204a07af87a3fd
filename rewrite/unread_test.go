package rewrite

import (
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// unreadSnapshot has a table that version "surname" calls person, and a function people that returns its rows.
func unreadSnapshot(serverVersion int) *rules.Snapshot {
	table := func(name, lastName string) []*rules.TableLens {
		return []*rules.TableLens{{OID: individualOID, Schema: "public", Logical: name, Physical: "individual", Identity: name == "individual",
			Columns: []rules.ColumnLens{{Logical: "id", Physical: "id", Num: 1}, {Logical: lastName, Physical: "last_name", Num: 2}}}}
	}
	individual := testRelation(individualOID, "individual", "id", "last_name")
	individual.RowType = 16402
	return &rules.Snapshot{
		Migrations: []*rules.Migration{{ID: "surname", Phase: rules.Active, Seq: 1}},
		Lenses: map[string]*rules.Lens{
			rules.Base: rules.NewLens(rules.Base, table("individual", "last_name")),
			"surname":  rules.NewLens("surname", table("person", "surname")),
		},
		Catalog: catalog.New(serverVersion, []*catalog.Relation{individual, testRelation(16500, "book", "id", "title")},
			[]*catalog.Function{{OID: 16700, Schema: "public", Name: "people", Kind: 'f', Return: 16402, ReturnsSet: true}}, nil),
		Tables:      []catalog.OID{individualOID},
		Identifiers: []string{"_individual", "individual", "people", "person"},
	}
}

func TestATextThatCannotBeReadIsTheServersWhereNothingChanges(t *testing.T) {
	t.Parallel()
	for sql, passes := range map[string]bool{
		`SELECT now() AT LOCAL FROM individual`:                                                         true,
		`MERGE INTO individual i USING book b ON true WHEN MATCHED THEN DELETE RETURNING i.*`:           true,
		`SELECT now() AT LOCAL IS NULL /* individual */`:                                                true,
		`SELECT now() AT LOCAL FROM pg_class`:                                                           true,
		`EXPLAIN SELECT last_name, now() AT LOCAL FROM individual`:                                      true,
		`WITH x AS (DELETE FROM individual RETURNING WITH (OLD AS o) o.last_name) SELECT * FROM x`:      true,
		`ALTER TABLE individual ADD CONSTRAINT c NOT NULL last_name NOT VALID NO INHERIT SOMETHING NEW`: false, // INHERIT
		`ALTER TABLE individual ADD CONSTRAINT c CHECK (now() AT LOCAL IS NULL)`:                        true,
		`ALTER TABLE individual ADD surname text CHECK (now() AT LOCAL IS NULL)`:                        false, // the other version's
		`ALTER TABLE individual DROP last_name, ADD CHECK (now() AT LOCAL IS NULL)`:                     false,
		`PREPARE p AS SELECT now() AT LOCAL FROM individual`:                                            false,
		`SELECT now() AT LOCAL FROM individual; SELECT 1`:                                               false,
		`CREATE TABLE person (x int CHECK (now() AT LOCAL IS NULL))`:                                    false,
	} {
		text := mustRewrite(t, NewBinder(unreadSnapshot(180000), Options{}), pinned(rules.Base), sql)
		if got := text.Statements[0].Failure == nil && text.SQL == sql && !text.Changed; got != passes {
			t.Errorf("%s passes: %v, %+v", sql, got, text.Statements[0].Failure)
		}
		if passes && text.Statements[0].Failure == nil && len(text.Tables) == 0 && sql != `SELECT now() AT LOCAL IS NULL /* individual */` {
			t.Errorf("%s is held by no gate", sql)
		}
	}
}

func TestATextThatCannotBeReadIsTheServersWhereItNamesNothing(t *testing.T) {
	t.Parallel()
	for sql, passes := range map[string]bool{
		`SELECT now() AT LOCAL /* individual */ -- person`:                           true,
		`SELECT now() AT LOCAL, 'individual', $$person$$`:                            true,
		`SELECT now() AT LOCAL AS individual`:                                        true,
		`SELECT individual.id, now() AT LOCAL FROM book AS individual`:               true,
		`SELECT individual.id, now() AT LOCAL FROM book individual`:                  true,
		`INSERT INTO book AS person VALUES (1) RETURNING WITH (OLD AS individual) 1`: true,

		`SELECT now() AT LOCAL FROM individual`:                                            false,
		`SELECT now() AT LOCAL FROM person`:                                                false,
		`SELECT now() AT LOCAL FROM public.individual AS i`:                                false,
		`SELECT individual.id, now() AT LOCAL`:                                             false,
		`SELECT now() AT LOCAL AS individual FROM individual`:                              false,
		`SELECT now() AT LOCAL FROM "individual"`:                                          false,
		`SELECT now() AT LOCAL FROM INDIVIDUAL`:                                            false,
		`SELECT now() AT LOCAL FROM U&"\0069ndividual"`:                                    false,
		`SELECT now() AT LOCAL FROM U&"!0069ndividual" UESCAPE '!'`:                        false,
		`SELECT now() AT LOCAL, 'individual'::regclass`:                                    false,
		`SELECT now() AT LOCAL, E'\x69ndividual'::regclass`:                                false,
		`SELECT now() AT LOCAL, U&'\0069ndividual'::regclass`:                              false,
		`SELECT now() AT LOCAL, query_to_xml('SELECT * FROM individual', true, false, '')`: false,
		`SELECT CAST(x AS individual), now() AT LOCAL FROM book`:                           false,
		`SELECT now() AT LOCAL FROM pg_class`:                                              false,
		`SELECT now() AT LOCAL FROM information_schema.columns`:                            false,
		`CREATE TABLE x (c individual CHECK (now() AT LOCAL IS NULL))`:                     false,
		`CREATE FUNCTION f() RETURNS int NEW OPTION AS 'SELECT 1 FROM individual'`:         false,
		`DO NEW OPTION 'BEGIN DELETE FROM individual; END'`:                                false,
	} {
		text := mustRewrite(t, NewBinder(unreadSnapshot(180000), Options{}), pinned("surname"), sql)
		if got := text.Statements[0].Failure == nil && text.SQL == sql; got != passes {
			t.Errorf("%s passes: %v, %+v", sql, got, text.Statements[0].Failure)
		}
	}
}

func TestABodyThatCannotBeReadIsRefusedIfItMayShowATable(t *testing.T) {
	t.Parallel()
	for sql, refused := range map[string]bool{
		`CREATE FUNCTION f() RETURNS SETOF json LANGUAGE sql AS $$ SELECT to_json(p) FROM people() p ORDER BY now() AT LOCAL $$`:                   true,
		`CREATE FUNCTION f() RETURNS SETOF json LANGUAGE sql AS $$ SELECT to_json(p) FROM "people"() p ORDER BY now() AT LOCAL $$`:                 true,
		`CREATE FUNCTION f() RETURNS SETOF json LANGUAGE sql AS $$ SELECT to_json(p) FROM U&"peopl\0065"() p ORDER BY now() AT LOCAL $$`:           true,
		`CREATE FUNCTION f() RETURNS json LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT to_json(p) FROM people() p ORDER BY now() AT LOCAL); END $$`: true,
		`CREATE FUNCTION f() RETURNS json LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT * FROM people()'; RETURN now() AT LOCAL; END $$`:            true,
		`DO $$ BEGIN PERFORM to_json(p), now() AT LOCAL FROM people() p; END $$`:                                                                   true,
		`CREATE FUNCTION f() RETURNS timestamp LANGUAGE sql AS $$ SELECT now() AT LOCAL -- people()
			$$`: false,
		`CREATE FUNCTION f() RETURNS timestamp LANGUAGE sql AS $$ SELECT now() AT LOCAL FROM book $$`: false,
		`DO $$ BEGIN PERFORM now() AT LOCAL FROM book; END $$`:                                        false,
	} {
		text := mustRewrite(t, NewBinder(unreadSnapshot(180000), Options{}), pinned("surname"), sql)
		f := text.Statements[0].Failure
		if got := f != nil && f.Code == codeRefused; got != refused {
			t.Errorf("%s is refused: %v, %+v", sql, got, f)
		}
		if f := mustRewrite(t, NewBinder(unreadSnapshot(180000), Options{}), pinned(rules.Base), sql).Statements[0].Failure; f != nil {
			t.Errorf("%s is refused to the version that has the names of the database: %v", sql, f)
		}
		if f := mustRewrite(t, NewBinder(unreadSnapshot(150000), Options{}), pinned("surname"), sql).Statements[0].Failure; f != nil {
			t.Errorf("%s is refused for a server that cannot read it: %v", sql, f)
		}
	}
}
