package proxy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rules"
)

const (
	family = `CREATE TABLE individual (id int PRIMARY KEY, last_name text NOT NULL);
		CREATE TABLE orders (id int CONSTRAINT orders_key PRIMARY KEY, owner int CONSTRAINT owned REFERENCES individual DEFERRABLE);
		CREATE TABLE parts (id int CONSTRAINT part_of REFERENCES orders);
		CREATE TABLE held (note text);
		CREATE TABLE holder (last_name held, id int);
		INSERT INTO individual VALUES (1, 'Moss')`
	renamedFamily = `ALTER TABLE individual RENAME TO person; ALTER TABLE person RENAME last_name TO surname;
		ALTER TABLE holder RENAME last_name TO surname`
	personRules = `
id: person
operations:
  - rename_table:  { from: public.individual, to: person }
  - rename_column: { table: public.person, from: last_name, to: surname }
  - rename_column: { table: public.holder, from: last_name, to: surname }
`
	// adder fails in the function, of which the text says nothing.
	adder = `CREATE FUNCTION adder() RETURNS void LANGUAGE sql BEGIN ATOMIC INSERT INTO person (id) VALUES (7); END`
)

// bystanders name no table under migration, but their errors do.
var bystanders = map[string]script{
	"a foreign key": {
		{simple("INSERT INTO orders VALUES (1, 7)"), "Z"},
		{messages(parse("", "INSERT INTO orders VALUES (1, $1::int)"), bind("", "", []byte("7")), execute(""), syncMsg()), "Z"},
	},
	"a foreign key that is checked at the end": {
		{messages(simple("BEGIN"), simple("SET CONSTRAINTS ALL DEFERRED"), simple("INSERT INTO orders VALUES (1, 7)"), simple("COMMIT")), "ZZZZ"},
		{messages(parse("", "SET CONSTRAINTS ALL DEFERRED"), bind("", ""), execute(""),
			parse("", "INSERT INTO orders VALUES (1, 7)"), bind("", ""), execute(""), syncMsg()), "Z"},
	},
	"a foreign key that is checked in COPY": {
		{simple("COPY orders FROM STDIN"), "G"},
		{messages(copyData("1\t7\n"), copyDone()), "Z"},
	},
	"values are not names": {
		{simple("DO $$ BEGIN RAISE NOTICE 'not the table \"per%', 'son\"'; RAISE 'nor \"per%', 'son\"'; END $$"), "Z"},
		{messages(parse("", "SELECT $1::int"), bind("", "", []byte("person")), execute(""), syncMsg()), "Z"},
	},
	"after what cannot change the version": {
		{messages(simple("RESET ROLE"), simple("BEGIN"), simple("SAVEPOINT s"), simple("INSERT INTO orders VALUES (1, 7)")), "ZZZZ"},
		{messages(simple("ROLLBACK TO s"), simple("INSERT INTO orders VALUES (1, 8)"), simple("ROLLBACK")), "ZZZ"},
		{simple("INSERT INTO orders VALUES (1, 9)"), "Z"},
	},
	"at the end of a transaction that has gone back": {
		{messages(simple("BEGIN"), simple("SAVEPOINT s"), simple("INSERT INTO orders VALUES (1, 7)"), simple("ROLLBACK TO s")), "ZZZZ"},
		{simple("SET CONSTRAINTS ALL DEFERRED"), "Z"},
		{simple("SELECT 'person, last_name, surname'"), "Z"},
		{simple("INSERT INTO orders VALUES (1, 7)"), "Z"},
		{simple("COMMIT"), "Z"},
	},
	"in a transaction that has made something": {
		{simple("BEGIN"), "Z"},
		{simple("CREATE TEMP TABLE made (id int)"), "Z"},
		{simple("SELECT 'person, last_name, surname'"), "Z"},
		{simple("INSERT INTO orders VALUES (1, 7)"), "Z"},
	},
	"a column that has the type of its rows": {
		{simple("ALTER TABLE held ALTER note TYPE varchar"), "Z"},
		{simple("CREATE TABLE fresh (person int, individual int, surname text, last_name text)"), "Z"},
		{simple("ALTER TABLE held ALTER note TYPE varchar"), "Z"},
		{simple("PREPARE fresh AS SELECT person, individual, surname, last_name FROM fresh"), "Z"},
		{simple("ALTER TABLE held ALTER note TYPE varchar"), "Z"},
		{messages(parse("", "ALTER TABLE held ALTER note TYPE varchar"), bind("", ""), execute(""), syncMsg()), "Z"},
	},
	"other errors": {
		{simple("INSERT INTO orders VALUES (1, 1), (1, 1)"), "Z"},
		{simple("SELECT nope FROM orders"), "Z"},
		{simple("TRUNCATE orders"), "Z"},
		{simple("TRUNCATE orders CASCADE"), "Z"},
	},
}

func TestErrorsOfOtherTablesSpeakTheNamesOfTheVersion(t *testing.T) {
	t.Parallel()
	for name, s := range bystanders {
		for _, tc := range []struct {
			version string
			phase   rules.Phase
			ddl     string // of the database
			twin    string // of the one that the version is to see
		}{
			{rules.Base, rules.Cutover, renamedFamily, ""},
			{"person", rules.Active, "", renamedFamily},
			{"person", rules.Cutover, renamedFamily, renamedFamily},
		} {
			t.Run(name+" as "+tc.version+" in phase "+string(tc.phase), func(t *testing.T) {
				t.Parallel()
				p := openProxy(t)
				p.run(family, tc.ddl)
				p.Open(p.snapshot(1, migration(t, 1, tc.phase, personRules)))
				want := s.directly(t, family, tc.twin)
				got := s.play(t, p.addr, p.database, wire.Parameter{Name: "segue.version", Value: tc.version})
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("the client sees (-twin +proxy):\n%s", diff)
				}
			})
		}
	}
}

func TestErrorsInsideAFunctionSpeakTheNamesOfTheVersion(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(family, renamedFamily, adder)
	p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, personRules)))
	c := p.login(wire.Parameter{Name: "segue.version", Value: rules.Base})
	c.Say(simple("SELECT adder()"))
	e := c.HearError()
	if want := `null value in column "last_name" of relation "individual" violates not-null constraint`; e.Message != want {
		t.Errorf("%s\nwant %s", e.Message, want)
	}
}

func TestASessionThatMayHaveAnotherVersionGetsTheServersWordsUntilItIsKnown(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(family, renamedFamily)
	p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, personRules)))
	c := p.login(wire.Parameter{Name: "segue.version", Value: rules.Base})
	fails := func(table string) {
		t.Helper()
		c.Say(simple("INSERT INTO orders VALUES (1, 7)"))
		if e, want := c.HearError(), `Key (owner)=(7) is not present in table "`+table+`".`; e.Detail != want {
			t.Errorf("%s\nwant %s", e.Detail, want)
		}
		c.Hear(wire.ReadyForQuery)
	}
	fails("individual")
	c.Say(simple("SET segue.version = 'person'"))
	c.HearUntil(wire.ReadyForQuery)
	fails("person")
	c.Say(messages(simple("BEGIN"), simple("SET segue.version = 'base'"), simple("ROLLBACK")))
	for range 3 {
		c.HearUntil(wire.ReadyForQuery)
	}
	fails("person")
	c.Say(messages(simple("SET segue.version = 'base'"), simple("SELECT last_name FROM individual")))
	c.HearUntil(wire.ReadyForQuery)
	c.HearUntil(wire.ReadyForQuery)
	fails("individual")
	c.Say(simple("ALTER TABLE parts ADD more int"))
	c.HearUntil(wire.ReadyForQuery)
	fails("individual")
	p.Open(p.snapshot(2))
	c.Say(simple("SET segue.version = 'person'"))
	c.HearUntil(wire.ReadyForQuery)
	p.Open(p.snapshot(3, migration(t, 1, rules.Cutover, personRules)))
	fails("person")
}
