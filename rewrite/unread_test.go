package rewrite

import (
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rules"
)

// newerServer is the number of a version whose grammar the parser does not have.
const newerServer = (ast.GrammarVersion + 2) * 10000

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
		`SELECT now() AT NOWHERE FROM individual`:                                                       true,
		`SELECT now() AT NOWHERE IS NULL /* individual */`:                                              true,
		`SELECT now() AT NOWHERE FROM pg_class`:                                                         true,
		`EXPLAIN SELECT last_name, now() AT NOWHERE FROM individual`:                                    true,
		`ALTER TABLE individual ADD CONSTRAINT c NOT NULL last_name NOT VALID NO INHERIT SOMETHING NEW`: false, // INHERIT
		`ALTER TABLE individual ADD CONSTRAINT c CHECK (now() AT NOWHERE IS NULL)`:                      true,
		`ALTER TABLE individual ADD surname text CHECK (now() AT NOWHERE IS NULL)`:                      false, // the other version's
		`ALTER TABLE individual DROP last_name, ADD CHECK (now() AT NOWHERE IS NULL)`:                   false,
		`PREPARE p AS SELECT now() AT NOWHERE FROM individual`:                                          false,
		`SELECT now() AT NOWHERE FROM individual; SELECT 1`:                                             false,
		`CREATE TABLE person (x int CHECK (now() AT NOWHERE IS NULL))`:                                  false,
	} {
		text := mustRewrite(t, NewBinder(unreadSnapshot(newerServer), Options{}), pinned(rules.Base), sql)
		if got := text.Statements[0].Failure == nil && text.SQL == sql && !text.Changed; got != passes {
			t.Errorf("%s passes: %v, %+v", sql, got, text.Statements[0].Failure)
		}
		if passes && text.Statements[0].Failure == nil && len(text.Tables) == 0 && sql != `SELECT now() AT NOWHERE IS NULL /* individual */` {
			t.Errorf("%s is held by no gate", sql)
		}
	}
}

func TestATextThatCannotBeReadIsTheServersWhereItNamesNothing(t *testing.T) {
	t.Parallel()
	for sql, passes := range map[string]bool{
		`SELECT now() AT NOWHERE /* individual */ -- person`:                         true,
		`SELECT now() AT NOWHERE, 'individual', $$person$$`:                          true,
		`SELECT now() AT NOWHERE AS individual`:                                      true,
		`SELECT individual.id, now() AT NOWHERE FROM book AS individual`:             true,
		`SELECT individual.id, now() AT NOWHERE FROM book individual`:                true,
		`INSERT INTO book AS person VALUES (1) RETURNING WITH (OLD AS individual) 1`: true,

		`SELECT now() AT NOWHERE FROM individual`:                                            false,
		`SELECT now() AT NOWHERE FROM person`:                                                false,
		`SELECT now() AT NOWHERE FROM public.individual AS i`:                                false,
		`SELECT individual.id, now() AT NOWHERE`:                                             false,
		`SELECT now() AT NOWHERE AS individual FROM individual`:                              false,
		`SELECT now() AT NOWHERE FROM "individual"`:                                          false,
		`SELECT now() AT NOWHERE FROM INDIVIDUAL`:                                            false,
		`SELECT now() AT NOWHERE FROM U&"\0069ndividual"`:                                    false,
		`SELECT now() AT NOWHERE FROM U&"!0069ndividual" UESCAPE '!'`:                        false,
		`SELECT now() AT NOWHERE, 'individual'::regclass`:                                    false,
		`SELECT now() AT NOWHERE, E'\x69ndividual'::regclass`:                                false,
		`SELECT now() AT NOWHERE, U&'\0069ndividual'::regclass`:                              false,
		`SELECT now() AT NOWHERE, query_to_xml('SELECT * FROM individual', true, false, '')`: false,
		`SELECT CAST(x AS individual), now() AT NOWHERE FROM book`:                           false,
		`SELECT now() AT NOWHERE FROM pg_class`:                                              false,
		`SELECT now() AT NOWHERE FROM information_schema.columns`:                            false,
		`CREATE TABLE x (c individual CHECK (now() AT NOWHERE IS NULL))`:                     false,
		`CREATE FUNCTION f() RETURNS int NEW OPTION AS 'SELECT 1 FROM individual'`:           false,
		`DO NEW OPTION 'BEGIN DELETE FROM individual; END'`:                                  false,
	} {
		text := mustRewrite(t, NewBinder(unreadSnapshot(newerServer), Options{}), pinned("surname"), sql)
		if got := text.Statements[0].Failure == nil && text.SQL == sql; got != passes {
			t.Errorf("%s passes: %v, %+v", sql, got, text.Statements[0].Failure)
		}
	}
}

func TestABodyThatCannotBeReadIsRefusedIfItMayShowATable(t *testing.T) {
	t.Parallel()
	for sql, refused := range map[string]bool{
		`CREATE FUNCTION f() RETURNS SETOF json LANGUAGE sql AS $$ SELECT to_json(p) FROM people() p ORDER BY now() AT NOWHERE $$`:                   true,
		`CREATE FUNCTION f() RETURNS SETOF json LANGUAGE sql AS $$ SELECT to_json(p) FROM "people"() p ORDER BY now() AT NOWHERE $$`:                 true,
		`CREATE FUNCTION f() RETURNS SETOF json LANGUAGE sql AS $$ SELECT to_json(p) FROM U&"peopl\0065"() p ORDER BY now() AT NOWHERE $$`:           true,
		`CREATE FUNCTION f() RETURNS json LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT to_json(p) FROM people() p ORDER BY now() AT NOWHERE); END $$`: true,
		`CREATE FUNCTION f() RETURNS json LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT * FROM people()'; RETURN now() AT NOWHERE; END $$`:            true,
		`DO $$ BEGIN PERFORM to_json(p), now() AT NOWHERE FROM people() p; END $$`:                                                                   true,
		`CREATE FUNCTION f() RETURNS timestamp LANGUAGE sql AS $$ SELECT now() AT NOWHERE -- people()
			$$`: false,
		`CREATE FUNCTION f() RETURNS timestamp LANGUAGE sql AS $$ SELECT now() AT NOWHERE FROM book $$`: false,
		`DO $$ BEGIN PERFORM now() AT NOWHERE FROM book; END $$`:                                        false,
	} {
		text := mustRewrite(t, NewBinder(unreadSnapshot(newerServer), Options{}), pinned("surname"), sql)
		f := text.Statements[0].Failure
		if got := f != nil && f.Code == codeRefused; got != refused {
			t.Errorf("%s is refused: %v, %+v", sql, got, f)
		}
		if f := mustRewrite(t, NewBinder(unreadSnapshot(newerServer), Options{}), pinned(rules.Base), sql).Statements[0].Failure; f != nil {
			t.Errorf("%s is refused to the version that has the names of the database: %v", sql, f)
		}
		if f := mustRewrite(t, NewBinder(unreadSnapshot(150000), Options{}), pinned("surname"), sql).Statements[0].Failure; f != nil {
			t.Errorf("%s is refused for a server that cannot read it: %v", sql, f)
		}
	}
}
