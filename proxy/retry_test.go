package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/proxy/wiretest"
	"github.com/seguedb/segue/rules"
)

// prepareThere prepares a statement before the rename is made.
var prepareThere = messages(parse("s", "SELECT last_name FROM individual WHERE id = $1::int"), syncMsg())

// TestAStatementThatMeetsNewerNamesIsSentOnceMore plays each script in a database that was never changed, without a proxy,
// and through a proxy that does not know of the rename yet. The first step comes before the rename.
func TestAStatementThatMeetsNewerNamesIsSentOnceMore(t *testing.T) {
	t.Parallel()
	before := step{prepareThere, "Z"}
	for name, s := range map[string]script{
		"a simple query":      {before, {simple("SELECT last_name FROM individual ORDER BY id"), "Z"}},
		"all columns":         {before, {simple("SELECT * FROM individual ORDER BY id"), "Z"}},
		"the first of a text": {before, {simple("SELECT last_name FROM individual WHERE id = 1; SELECT 2"), "Z"}},
		"a write":             {before, {simple("UPDATE individual SET last_name = 'x' WHERE id = 1 RETURNING *"), "Z"}, {simple("SELECT count(last_name) FROM individual"), "Z"}},
		"an extended query": {before, {messages(parse("", "SELECT last_name FROM individual WHERE id = $1"), describe(""),
			bind("", "", []byte("1")), execute(""), syncMsg()), "Z"}},
		"a named statement": {before, {messages(parse("n", "SELECT last_name FROM individual WHERE id = $1::int"), describe("n"), syncMsg()), "Z"},
			{messages(bind("", "n", []byte("2")), execute(""), syncMsg()), "Z"}},
		"a name that is prepared already": {before, {messages(parse("s", "SELECT last_name FROM individual"), syncMsg()), "Z"},
			{messages(bind("", "s", []byte("1")), execute(""), syncMsg()), "Z"}},
		"a statement prepared before": {before, {messages(bind("p", "s", []byte("1")), describePortal("p"), execute("p"), syncMsg()), "Z"},
			{messages(bind("", "s", []byte("2")), execute(""), syncMsg()), "Z"}},
		"a group that is flushed": {before, {messages(parse("", "SELECT last_name FROM individual WHERE id = $1::int"), describe(""), flush()), "T"},
			{messages(bind("", "", []byte("1")), execute(""), syncMsg()), "Z"}},
		"a group of several statements": {before, {messages(
			parse("", "SELECT last_name FROM individual WHERE id = 1"), bind("", ""), execute(""),
			parse("", "DELETE FROM individual WHERE last_name = 'Moss'"), bind("", ""), execute(""),
			parse("", "SELECT count(*) FROM individual"), bind("", ""), execute(""), syncMsg()), "Z"}},
		"a group of which a later statement fails": {before, {messages(
			parse("", "INSERT INTO individual (id, last_name) VALUES (9, 'x')"), bind("", ""), execute(""),
			parse("", "SELECT 1/0"), bind("", ""), execute(""), syncMsg()), "Z"}, {simple("SELECT count(*) FROM individual"), "Z"}},
		"what is still wrong": {before, {simple("SELECT last_name, nope FROM individual"), "Z"}, {simple("SELECT 1"), "Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := openOutdated(t)
			want := s.directly(t, people)

			c := o.loginBase()
			got := hears(c, s[0])
			o.rename()
			for _, st := range s[1:] {
				got = append(got, hears(c, st)...)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the client sees (-before +after):\n%s", diff)
			}
			o.caughtUp(1)
			o.retried(1)
		})
	}
}

func TestAClientOnTLSIsWokenAsAnyOther(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	authority := wiretest.NewAuthority(t)
	o := openOutdated(t, func(c *Config) { c.TLS = authority.Server(t) })
	o.rename()
	cfg, err := pgx.ParseConfig(o.url)
	if err != nil {
		t.Fatal(err)
	}
	cfg.TLSConfig = &tls.Config{RootCAs: authority.Pool, ServerName: "localhost"}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for range 3 {
		var name string
		if err := conn.QueryRow(ctx, "SELECT last_name FROM individual WHERE id = $1", 1).Scan(&name); err != nil || name != "Moss" {
			t.Fatalf("%q, %v", name, err)
		}
	}
	o.retried(1)
}

func TestTheNewVersionIsServedWhenTheRenameWasTakenBackUnseen(t *testing.T) {
	t.Parallel()
	o := openOutdated(t)
	o.phase(2, rules.Cutover, renameThere)
	o.catchUp = func(context.Context) error {
		o.Open(o.snapshot(3, migration(t, 1, rules.Active, surname)))
		return nil
	}
	c := o.login(wire.Parameter{Name: "segue.version", Value: "surname"})
	c.Say(simple("SELECT surname FROM individual"))
	c.HearUntil(wire.ReadyForQuery)
	o.run(renameBack)
	c.Say(simple("SELECT surname FROM individual"))
	if got := c.HearUntil(wire.ReadyForQuery); got != "TDDDCZ" {
		t.Errorf("heard %q", got)
	}
	o.caughtUp(1)
}

// TestWhatMayHaveBeenExecutedOrSeenIsNotSentOnceMore plays scripts whose last step gets an error that nobody may answer
// with a second try.
func TestWhatMayHaveBeenExecutedOrSeenIsNotSentOnceMore(t *testing.T) {
	t.Parallel()
	const query = "SELECT last_name FROM individual"
	for name, s := range map[string]script{
		"behind the parameters of a description": {{messages(describe("old"), syncMsg()), "Z"}},
		"in a transaction block":                 {{simple("BEGIN"), "Z"}, {simple(query), "Z"}},
		"behind another statement of its text":   {{simple("SELECT 1; " + query), "Z"}},
		"behind a command of its text":           {{simple("CREATE TEMP TABLE t (); " + query), "Z"}},
		"behind another statement of its group": {{messages(parse("", "SELECT 1"), bind("", ""), execute(""),
			parse("", query), bind("", ""), execute(""), syncMsg()), "Z"}},
		"behind another group":              {{messages(simple("SELECT 1"), simple(query)), "ZZ"}},
		"with another group behind":         {{messages(simple(query), simple("SELECT 1")), "ZZ"}},
		"behind a notice":                   {{simple("SELECT 1 AS " + padding64 + "; " + query), "Z"}},
		"in a function's body":              {{simple("SELECT names()"), "Z"}},
		"in a DO block":                     {{simple("DO $$BEGIN PERFORM last_name FROM individual; END$$"), "Z"}},
		"without a position":                {{simple("COPY individual (last_name) TO STDOUT"), "Z"}},
		"in a text of more than 64 KiB":     {{simple(query + " /*" + padding(maxKept) + "*/"), "Z"}},
		"in a group of more than 64 KiB":    {{messages(parse("", query+" WHERE last_name < $1"), bind("", "", []byte(padding(maxKept))), syncMsg()), "Z"}},
		"in a group that begins with Close": {{messages(closing("s"), parse("s", query), syncMsg()), "Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := openOutdated(t)
			o.run("CREATE FUNCTION names() RETURNS SETOF text LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT last_name FROM individual; END'")
			c := o.loginBase()
			hears(c, step{messages(parse("old", query), syncMsg()), "Z"})
			o.rename()
			var heard []string
			for _, st := range s {
				heard = append(heard, hears(c, st)...)
			}
			if all := strings.Join(heard, "\n"); !strings.Contains(all, "C=42703") {
				t.Errorf("the client sees no error:\n%s", all)
			}
			o.caughtUp(0)
		})
	}
}

// padding64 is a name that is too long, of which the server says so.
var padding64 = strings.Repeat("x", 64)

func TestWithoutNewerNamesTheErrorIsTheServers(t *testing.T) {
	t.Parallel()
	const query = "SELECT nope FROM individual"
	for name, s := range map[string]script{
		"a simple query":       {{simple(query), "Z"}, {simple("SELECT 1"), "Z"}},
		"a table":              {{simple("SELECT FROM individual, nope"), "Z"}},
		"an extended query":    {{messages(parse("", query), bind("", ""), execute(""), syncMsg()), "Z"}},
		"a group left open":    {{messages(parse("", query), flush()), "E"}, {messages(bind("", ""), execute(""), syncMsg()), "Z"}},
		"a name is not made":   {{messages(parse("x", query), syncMsg(), bind("", "x"), syncMsg()), "ZZ"}},
		"a pipeline behind it": {{simple(query), "E"}, {messages(simple("SELECT 1"), simple("SELECT 2")), "ZZZ"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := openOutdated(t)
			o.unaware()
			u, err := url.Parse(o.direct)
			if err != nil {
				t.Fatal(err)
			}
			want := s.play(t, u.Host, o.database)
			got := s.play(t, o.addr, o.database, wire.Parameter{Name: "segue.version", Value: rules.Base})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the client sees (-server +proxy):\n%s", diff)
			}
			o.retried(0)
		})
	}
}

func TestTheNewestNamesAreAskedForOnceForEachError(t *testing.T) {
	t.Parallel()
	o := openOutdated(t)
	o.catchUp = func(context.Context) error { return errors.New("the control tables are away") }
	c := o.loginBase()
	for n := range int32(3) {
		c.Say(simple("SELECT nope FROM individual"))
		if e := c.HearError(); e.Code != "42703" {
			t.Errorf("%+v", e)
		}
		c.Hear(wire.ReadyForQuery)
		o.caughtUp(n + 1)
	}
	c.Say(simple("SELECT 1/0"))
	c.HearError()
	o.caughtUp(3)
}

func TestOneTryIsAllThatAGroupGets(t *testing.T) {
	t.Parallel()
	o := openOutdated(t)
	o.rename()
	o.catchUp = func(context.Context) error { // always another snapshot, and always an outdated one
		same := *o.Server.epoch.Load().binder.Snapshot()
		o.Open(&same)
		return nil
	}
	c := o.loginBase()
	c.Say(simple("SELECT last_name FROM individual"))
	if e := c.HearError(); e.Code != "42703" || e.Position != "8" {
		t.Errorf("%+v", e)
	}
	c.Hear(wire.ReadyForQuery)
	o.caughtUp(1)
	o.retried(1)
}

func TestWithNothingLiveNothingIsKept(t *testing.T) {
	t.Parallel()
	o := openOutdated(t)
	o.phase(2, rules.RolledBack)
	o.rename()
	c := o.login()
	c.Say(messages(parse("", "SELECT last_name FROM individual"), syncMsg()))
	if e := c.HearError(); e.Code != "42703" {
		t.Errorf("%+v", e)
	}
	o.caughtUp(0)
}

func TestATextOfATableThatCameUnderMigrationUnseenIsSentOnceMore(t *testing.T) {
	t.Parallel()
	const second = "id: second\noperations:\n  - rename_column: { table: public.other, from: n, to: m }\n"
	o := openOutdated(t)
	o.run("ALTER TABLE other RENAME n TO m")
	o.catchUp = func(context.Context) error {
		o.Open(o.snapshot(2, migration(t, 1, rules.Active, surname), migration(t, 2, rules.Cutover, second)))
		return nil
	}
	c := o.loginBase()
	c.Say(simple("SELECT n FROM other"))
	if got := c.HearUntil(wire.ReadyForQuery); got != "TCZ" {
		t.Errorf("heard %q", got)
	}
	o.caughtUp(1)
}

func TestAStandInOfAnOutdatedSnapshotIsTriedAgain(t *testing.T) {
	t.Parallel()
	o := openOutdated(t)
	o.phase(2, rules.Cutover, renameThere)
	o.catchUp = func(context.Context) error {
		o.Open(o.snapshot(3, migration(t, 1, rules.Contracted, surname)))
		return nil
	}
	c := o.loginBase()
	c.Say(simple("SELECT surname FROM individual WHERE id = 1"))
	if got := c.HearUntil(wire.ReadyForQuery); got != "TDCZ" {
		t.Errorf("heard %q", got)
	}
	o.caughtUp(1)
}

func TestARefusalIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	o := openOutdated(t)
	c := o.login(wire.Parameter{Name: "segue.version", Value: "surname"})
	c.Say(simple("SELECT jsonb_populate_record(NULL::individual, '{}')"))
	if e := c.HearError(); e.Code != "0A000" {
		t.Errorf("%+v", e)
	}
	o.caughtUp(0)
}
