package proxy

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rules"
)

// movers change the search_path, or hide the table under another, in ways that the texts which use them do not show.
const movers = people + `;
	CREATE SCHEMA other;
	CREATE TABLE other.individual (id int, last_name text);
	INSERT INTO other.individual VALUES (1, 'Other'), (2, 'Otherwise');
	CREATE FUNCTION moves(text) RETURNS text LANGUAGE sql AS $$ SELECT set_config('search_path', $1, false) $$;
	CREATE FUNCTION hides() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
		CREATE TEMP TABLE individual AS SELECT 1 AS id, 'Hidden' AS last_name; RETURN 1; END $$;
	CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM public.moves('other'); RETURN new; END $$;
	CREATE TABLE note (a int);
	CREATE TRIGGER fires BEFORE INSERT ON note FOR EACH ROW EXECUTE FUNCTION fires()`

// callSetConfig is a FunctionCall of pg_catalog.set_config, all in text.
func callSetConfig(arguments ...string) []byte {
	body := binary.BigEndian.AppendUint32(nil, 2078) // its OID in pg_proc.dat
	body = append(body, 0, 0, 0, byte(len(arguments)))
	for _, a := range arguments {
		body = append(binary.BigEndian.AppendUint32(body, uint32(len(a))), a...)
	}
	return wire.AppendMessage(nil, wire.FuncCall, append(body, 0, 0))
}

func TestChangesOfTheSessionThatAreNotInTheTextAreSeen(t *testing.T) {
	t.Parallel()
	const first, second = "SELECT last_name FROM individual WHERE id = 1", "SELECT last_name FROM individual WHERE id = 2"
	for name, s := range map[string]script{
		"a function that sets search_path": {
			{simple(first), "Z"}, {simple("SELECT moves('other')"), "Z"}, {simple(first), "Z"},
			{simple("SELECT public.moves('public')"), "Z"}, {simple(first), "Z"},
		},
		"one that is used beside the table": {
			{simple("SELECT moves('other'), last_name FROM individual WHERE id = 1"), "Z"}, {simple(first), "Z"},
		},
		"one in a statement of the extended protocol that is executed again": {
			{messages(parse("m", "SELECT public.moves($1)"), parse("s", first), syncMsg()), "Z"},
			{messages(bind("", "m", []byte("other")), execute(""), syncMsg()), "Z"},
			{simple(second), "Z"},
			{messages(bind("", "m", []byte("public")), execute(""), syncMsg()), "Z"},
			{simple(second), "Z"},
			{messages(bind("", "s"), execute(""), syncMsg()), "Z"},
		},
		"one in a statement prepared in SQL": {
			{simple(first), "Z"}, {simple("PREPARE m AS SELECT moves('other')"), "Z"}, {simple(first), "Z"},
			{simple("EXECUTE m"), "Z"}, {simple(first), "Z"},
		},
		"one in a block": {
			{simple(first), "Z"}, {simple("DO $$ BEGIN PERFORM moves('other'); END $$"), "Z"}, {simple(first), "Z"},
		},
		"one that a rollback takes back": {
			{messages(simple("BEGIN"), simple("SELECT moves('other')"), simple(first), simple("ROLLBACK"), simple(first)), "ZZZZZ"},
		},
		"a function that makes a temporary table": {
			{simple(first), "Z"}, {simple("SELECT hides()"), "Z"}, {simple(first), "Z"},
		},
		"a function that is called by its number": {
			{simple(first), "Z"}, {callSetConfig("search_path", "other", "off"), "Z"}, {simple(first), "Z"},
		},
		"a trigger": {
			{simple(first), "Z"}, {simple("INSERT INTO note VALUES (1)"), "Z"}, {simple(first), "Z"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, got := s.directly(t, movers), s.renamed(t, movers)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the client sees (-directly +through the proxy):\n%s", diff)
			}
		})
	}
}

func TestASchemaThatIsMadeWhileSearchPathNamesItIsSeen(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(people, "ALTER TABLE individual RENAME TO person")
	m := migration(t, 1, rules.Cutover, `
id: person
operations:
  - rename_table: { from: public.individual, to: person }
`)
	p.Open(p.snapshot(1, m))
	conn := pgtest.Connect(t, p.url)
	ctx := t.Context()
	if _, err := conn.Exec(ctx, "SET search_path = later, public"); err != nil {
		t.Fatal(err)
	}
	read := func() (name string) {
		t.Helper()
		if err := conn.QueryRow(ctx, "SELECT last_name FROM individual WHERE id = 1").Scan(&name); err != nil {
			t.Fatal(err)
		}
		return name
	}
	if got := read(); got != "Moss" {
		t.Fatalf("the table has %q", got)
	}
	p.run("CREATE SCHEMA later", "CREATE TABLE later.person AS SELECT 1 AS id, 'Stranger' AS last_name")
	p.Open(p.snapshot(1, m))
	if got := read(); got != "Moss" {
		t.Errorf("after another table took the name in the database the version sees %q", got)
	}
}
