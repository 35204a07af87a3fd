package proxy

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rules"
)

const (
	renameThere = "ALTER TABLE individual RENAME last_name TO surname"
	renameBack  = "ALTER TABLE individual RENAME surname TO last_name"
)

// phase makes the change of the database, and installs the migration in that phase.
func (r *running) phase(epoch int64, phase rules.Phase, ddl ...string) {
	r.t.Helper()
	r.run(ddl...)
	r.Open(r.snapshot(epoch, migration(r.t, 1, phase, surname)))
}

// phases walks through the life of a rename and back, and calls check in each.
func (r *running) phases(check func(phase string)) {
	r.t.Helper()
	check("before")
	r.phase(1, rules.Active)
	check("active")
	r.phase(2, rules.Cutover, renameThere)
	check("cutover")
	r.phase(3, rules.Active, renameBack)
	check("active again")
	r.phase(4, rules.RolledBack)
	check("rolled back")
	r.phase(5, rules.Active)
	r.phase(6, rules.Cutover, renameThere)
	check("cutover again")
}

func TestPreparedStatementsOutliveEveryPhase(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	p := openProxy(t)
	p.run(people)
	modes := map[string]pgx.QueryExecMode{
		"named": pgx.QueryExecModeCacheStatement, "described": pgx.QueryExecModeCacheDescribe,
		"unnamed": pgx.QueryExecModeExec, "simple": pgx.QueryExecModeSimpleProtocol,
	}
	conns := map[string]*pgx.Conn{}
	for name := range modes {
		conns[name] = pgtest.Connect(t, p.url)
	}
	explicit := pgtest.Connect(t, p.url)
	if _, err := explicit.Prepare(ctx, "mine", "SELECT last_name FROM individual WHERE id = $1"); err != nil {
		t.Fatal(err)
	}
	if _, err := explicit.Exec(ctx, "PREPARE sql AS SELECT last_name FROM individual WHERE id = $1"); err != nil {
		t.Fatal(err)
	}
	p.phases(func(phase string) {
		for name, mode := range modes {
			var got string
			err := conns[name].QueryRow(ctx, "SELECT last_name FROM individual WHERE id = $1", mode, 1).Scan(&got)
			if err != nil || got != "Moss" {
				t.Errorf("%s, %s: %q, %v", phase, name, got, err)
			}
			tag, err := conns[name].Exec(ctx, "UPDATE individual SET last_name = last_name WHERE id = $1", mode, 2)
			if err != nil || tag.RowsAffected() != 1 {
				t.Errorf("%s, %s: update: %v %v", phase, name, tag, err)
			}
		}
		var got string
		if err := explicit.QueryRow(ctx, "mine", 2).Scan(&got); err != nil || got != "Trenneman" {
			t.Errorf("%s, prepared by name: %q, %v", phase, got, err)
		}
		if err := explicit.QueryRow(ctx, "EXECUTE sql (3)", pgx.QueryExecModeSimpleProtocol).Scan(&got); err != nil || got != "Barber" {
			t.Errorf("%s, prepared in SQL: %q, %v", phase, got, err)
		}
	})
}

func TestAStatementPreparedInATransactionIsPreparedAgainInIt(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(people)
	c := p.login()
	c.Say(messages(parse("s", "SELECT last_name FROM individual WHERE id = $1::int"), syncMsg()))
	c.HearUntil(wire.ReadyForQuery)
	p.phase(1, rules.Cutover, renameThere)
	c.Say(messages(simple("BEGIN"), bind("", "s", []byte("1")), execute(""), syncMsg(), simple("COMMIT")))
	for _, want := range []string{"CZ", "2DCZ", "CZ"} {
		if got := c.HearUntil(wire.ReadyForQuery); got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
}

func TestNothingIsPreparedAgainInAFailedTransaction(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(people)
	c := p.login()
	c.Say(messages(parse("s", "SELECT last_name FROM individual"), parse("r", "ROLLBACK"), syncMsg()))
	c.HearUntil(wire.ReadyForQuery)
	p.phase(1, rules.Cutover, renameThere)
	c.Say(messages(simple("BEGIN"), simple("SELECT 1/0")))
	c.HearUntil(wire.ReadyForQuery)
	c.Hear(wire.ErrorResponse)
	c.Hear(wire.ReadyForQuery)
	c.Say(messages(bind("", "s"), execute(""), syncMsg()))
	if e := c.HearError(); e.Code != "25P02" {
		t.Errorf("%v", e)
	}
	c.Hear(wire.ReadyForQuery)
	c.Say(messages(bind("", "r"), execute(""), syncMsg(), bind("", "s"), execute(""), syncMsg()))
	for _, want := range []string{"2CZ", "2DDDCZ"} {
		if got := c.HearUntil(wire.ReadyForQuery); got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
}

func TestWhatWasDeallocatedDoesNotComeBack(t *testing.T) {
	t.Parallel()
	ways := map[string][]byte{
		"by a simple query":    simple("DEALLOCATE s"),
		"among others":         simple("SELECT 1; DEALLOCATE s; SELECT 2"),
		"by an extended query": messages(parse("", "DEALLOCATE s"), bind("", ""), execute(""), syncMsg()),
		"with all":             simple("DEALLOCATE ALL"),
		"by discard":           simple("DISCARD ALL"),
		"by close":             messages(closing("s"), syncMsg()),
	}
	p := openProxy(t)
	p.run(people)
	for _, phase := range []rules.Phase{rules.Draft, rules.Active} {
		p.phase(1, phase)
		for name, way := range ways {
			c := p.login()
			c.Say(messages(parse("s", "SELECT last_name FROM individual"), syncMsg(), way))
			c.HearUntil(wire.ReadyForQuery)
			c.HearUntil(wire.ReadyForQuery)
			p.phase(2, rules.Cutover, renameThere)
			c.Say(messages(bind("", "s"), syncMsg()))
			if e := c.HearError(); e.Code != "26000" {
				t.Errorf("%s: %v", name, e)
			}
			c.Hear(wire.ReadyForQuery)
			p.phase(3, phase, renameBack)
		}
	}
}

func TestTheUnnamedStatementThatASimpleQueryEndsDoesNotComeBack(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(people)
	p.phase(1, rules.Active)
	for name, query := range map[string][]byte{
		"one that succeeds": simple("SELECT 1"), "one that fails": simple("SELECT FROM FROM"), "an empty one": simple(""),
	} {
		c := p.loginBase()
		hears(c, step{messages(parse("", "SELECT last_name FROM individual"), syncMsg(), query), "ZZ"})
		p.phase(2, rules.Cutover, renameThere)
		c.Say(messages(bind("", ""), execute(""), syncMsg()))
		if e := c.HearError(); e.Code != "26000" {
			t.Errorf("%s: %v", name, e)
		}
		c.Hear(wire.ReadyForQuery)
		hears(c, step{messages(parse("", "SELECT last_name FROM individual"), syncMsg()), "Z"})
		p.phase(3, rules.Active, renameBack)
		if heard := hears(c, step{messages(bind("", ""), execute(""), syncMsg()), "Z"}); heard[0] != `2 ""` {
			t.Errorf("after %s a statement that is kept gives %q", name, heard)
		}
	}
}

func TestTheServersErrorAtPreparingAgainIsTheClients(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(people, "CREATE TABLE other (n int)")
	c := p.login()
	c.Say(messages(parse("s", "SELECT last_name, n FROM individual, other"), syncMsg()))
	c.HearUntil(wire.ReadyForQuery)
	p.phase(1, rules.Cutover, renameThere, "ALTER TABLE other RENAME n TO m")
	c.Say(messages(bind("", "s"), execute(""), syncMsg()))
	if e := c.HearError(); e.Code != "42703" || e.Position != "19" {
		t.Errorf("%+v", e)
	}
	c.Hear(wire.ReadyForQuery)
	p.run("ALTER TABLE other RENAME m TO n")
	p.phase(2, rules.Cutover)
	c.Say(messages(bind("", "s"), execute(""), syncMsg()))
	if got := c.HearUntil(wire.ReadyForQuery); got != "2CZ" {
		t.Errorf("heard %q", got)
	}
}

// TestAResultStaysWhatAClientKnows has a column of the table replaced by another one while clients hold a statement that
// they have seen the result of.
func TestAResultStaysWhatAClientKnows(t *testing.T) {
	t.Parallel()
	const differs = "E S=ERROR V=ERROR C=0A000 M=cached plan must not change result type"
	for name, tc := range map[string]struct {
		sql    string
		before rules.Phase // in which the statement is prepared
		see    []byte      // what the client sends to see the result
		change string
		last   string // what it hears first when it uses the statement afterwards
	}{
		"of the statement": {"SELECT * FROM individual", rules.Active, describe("s"),
			"ALTER TABLE individual DROP more, ADD less int", differs},
		"of a portal": {"SELECT * FROM individual", rules.Active, messages(bind("", "s"), describePortal("")),
			"ALTER TABLE individual DROP more, ADD less int", differs},
		"before a migration is live": {"SELECT *, last_name FROM individual", rules.Draft, describe("s"),
			"ALTER TABLE individual DROP more, ADD less int", differs},
		"of what it returns": {"UPDATE individual SET last_name = 'x' WHERE id = 9 RETURNING *", rules.Active, describe("s"),
			"ALTER TABLE individual DROP more", differs},
		"a type that changes": {"SELECT * FROM individual", rules.Active, describe("s"),
			"ALTER TABLE individual ALTER more TYPE varchar(9)", differs},
		"a modifier that changes": {"SELECT last_name, more FROM individual", rules.Active, describe("s"),
			"ALTER TABLE individual ALTER more TYPE varchar(9)", differs},
		"what it does not show": {"SELECT id, last_name FROM individual", rules.Active, describe("s"),
			"ALTER TABLE individual DROP more, ADD less int", `2 ""`},
		"no result": {"UPDATE individual SET last_name = 'x' WHERE id = 9", rules.Active, describe("s"),
			"ALTER TABLE individual DROP more, ADD less int", `2 ""`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := openProxy(t)
			p.run(people, "ALTER TABLE individual ADD more varchar(5)")
			p.phase(1, tc.before)
			c := p.loginBase()
			hears(c, step{messages(parse("s", tc.sql), tc.see, syncMsg()), "Z"})
			p.phase(2, rules.Cutover, tc.change, renameThere)
			for _, use := range [][]byte{messages(bind("", "s"), execute(""), syncMsg()), messages(bind("", "s"), describePortal(""), execute(""), syncMsg())} {
				if heard := hears(c, step{use, "Z"}); heard[0] != tc.last {
					t.Errorf("the client hears %q, want %q", heard, tc.last)
				}
			}
			heard := hears(c, step{messages(closing("s"), parse("s", tc.sql), bind("", "s"), execute(""), syncMsg()), "Z"})
			if got := strings.Join(heard, " "); !strings.HasPrefix(got, `3 "" 1 "" 2 ""`) || strings.Contains(got, "ERROR") {
				t.Errorf("prepared by the client anew it gives %s", got)
			}
		})
	}
}

func TestTypesThatWereInferredStayWhenAStatementIsPreparedAgain(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(people)
	c := p.login()
	c.Say(messages(parse("s", "SELECT $1, last_name FROM individual WHERE last_name = $2"), describe("s"), syncMsg()))
	c.HearUntil(wire.ReadyForQuery)
	p.phase(1, rules.Cutover, renameThere)
	c.Say(messages(describe("s"), syncMsg()))
	types, err := wire.DecodeParameterDescription(c.Hear(wire.ParameterDescription))
	if err != nil || len(types) != 2 || types[0] != 25 || types[1] != 25 {
		t.Errorf("types %v, %v", types, err)
	}
	c.HearUntil(wire.ReadyForQuery)
}

func TestATextThatWasNotKeptIsAskedOfTheServer(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(people)
	c := p.login()
	long := "/*" + padding(2*maxParse) + "*/"
	c.Say(messages(parse("s", "SELECT last_name FROM individual WHERE id = $1::int "+long), parse("other", "SELECT 1 "+long), syncMsg()))
	c.HearUntil(wire.ReadyForQuery)
	use := func() {
		t.Helper()
		c.Say(messages(bind("", "s", []byte("1")), execute(""), bind("", "other"), execute(""), syncMsg()))
		if got := c.HearUntil(wire.ReadyForQuery); got != "2DC2DCZ" {
			t.Errorf("heard %q", got)
		}
	}
	use()
	p.phase(1, rules.Active)
	use()
	p.phase(2, rules.Cutover, renameThere)
	use()
	p.phase(3, rules.Active, renameBack) // now the server has it in another text than the client's
	c.Say(messages(bind("", "s", []byte("1")), execute(""), syncMsg()))
	if e := c.HearError(); e.Code != "0A000" {
		t.Errorf("%v", e)
	}
	c.Hear(wire.ReadyForQuery)
	c.Say(messages(bind("", "other"), execute(""), syncMsg()))
	if got := c.HearUntil(wire.ReadyForQuery); got != "2DCZ" {
		t.Errorf("heard %q", got)
	}
}

func padding(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = '-'
	}
	return string(b)
}

// TestTheTypeOfANameStaysWhatAClientKnows has a table with a column of type regclass renamed while a client holds a statement
// that shows the column.
func TestTheTypeOfANameStaysWhatAClientKnows(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"a star":          "SELECT * FROM individual ORDER BY id",
		"the column":      "SELECT r, id FROM individual ORDER BY id",
		"an array":        "SELECT ARRAY[r], last_name FROM individual ORDER BY id",
		"out of a query":  "SELECT q.r FROM (SELECT r FROM individual ORDER BY id LIMIT 1) q",
		"returned by all": "UPDATE individual SET age = 1 WHERE id = 1 RETURNING *",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, bySQL := range []bool{false, true} {
				p := openProxy(t)
				p.run("CREATE TABLE individual (id int PRIMARY KEY, last_name text, age int, r regclass); INSERT INTO individual VALUES (1, 'x', 1, 'pg_class'), (2, 'y', 2, NULL)")
				yaml := "id: person\noperations:\n  - rename_table: { from: public.individual, to: person }\n"
				p.Open(p.snapshot(1, migration(t, 1, rules.Active, yaml)))
				c := p.login(wire.Parameter{Name: "segue.version", Value: rules.Base})
				made, use := messages(parse("s", sql), describe("s"), syncMsg()), messages(bind("", "s"), describePortal(""), execute(""), syncMsg())
				if bySQL {
					use = simple("EXECUTE s")
				}
				hears(c, step{made, "Z"})
				before := hears(c, step{use, "Z"})
				p.run("ALTER TABLE individual RENAME TO person")
				p.Open(p.snapshot(2, migration(t, 1, rules.Cutover, yaml)))
				for range 2 {
					after := hears(c, step{use, "Z"})
					if got, want := typesAndRows(after), typesAndRows(before); got != want {
						t.Errorf("by SQL %v: after the rename the client hears\n%s\nbefore\n%s", bySQL, got, want)
					}
				}
				// What the database would print by its name is not printed.
				p.run("UPDATE person SET r = 'person' WHERE id = 1")
				if heard := strings.Join(hears(c, step{use, "Z"}), "\n"); !strings.Contains(heard, "ERROR") || !strings.Contains(heard, "prepare this again") {
					t.Errorf("by SQL %v: of the renamed table itself the client hears %s", bySQL, heard)
				}
			}
		})
	}
}

// typesAndRows is what was heard without the columns of tables that the server says a result comes from.
func typesAndRows(heard []string) string {
	return regexp.MustCompile(` (\S+):\d+:(\d+):(\d+)`).ReplaceAllString(strings.Join(heard, "\n"), " $1:$2:$3")
}
