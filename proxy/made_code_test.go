package proxy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rules"
)

// something has a function that makes a table, unseen, and one that makes what it is given.
const something = `
	DO $$ BEGIN CREATE ROLE nobody_s; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
	CREATE TABLE individual (id int, last_name text);
	INSERT INTO individual VALUES (1, 'King'), (2, 'Earl');
	CREATE SCHEMA other;
	GRANT SELECT, UPDATE ON individual TO nobody_s;
	CREATE FUNCTION makes(what text DEFAULT 'CREATE TABLE anything (id int)') RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE what; RETURN 'done'; END $$`

// TestABodyIsUnderstoodAfterCodeHasMadeSomething has the catalog never read again after what the session does, as long as
// its transaction is open, or for a while behind that.
func TestABodyIsUnderstoodAfterCodeHasMadeSomething(t *testing.T) {
	t.Parallel()
	const (
		named  = "CREATE FUNCTION named(int) RETURNS text LANGUAGE sql AS 'SELECT last_name FROM individual WHERE id = $1'"
		call   = "SELECT named(1), named(2)"
		moving = "SELECT makes('CREATE FUNCTION moving() RETURNS text LANGUAGE sql AS ''SELECT set_config(''''search_path'''', ''''other'''', false)''')"
	)
	for name, s := range map[string]script{
		"at once":          {{simple("SELECT makes()"), "Z"}, {simple(named), "Z"}, {simple(call), "Z"}},
		"in a transaction": {{simple("BEGIN"), "Z"}, {simple("SELECT makes()"), "Z"}, {simple(named), "Z"}, {simple(call), "Z"}, {simple("COMMIT"), "Z"}, {simple(call), "Z"}},
		"a block": {
			{simple("BEGIN"), "Z"}, {simple("SELECT makes()"), "Z"},
			{simple("DO $$ BEGIN UPDATE individual SET last_name = upper(last_name); PERFORM lower(last_name) FROM individual; END $$"), "Z"},
			{simple("COMMIT"), "Z"}, {simple("SELECT last_name FROM individual ORDER BY 1"), "Z"},
		},
		"prepared": {
			{messages(parse("s", "SELECT makes()"), bind("", "s"), execute(""), syncMsg()), "Z"},
			{messages(parse("f", named), bind("", "f"), execute(""), syncMsg()), "Z"}, {simple(call), "Z"},
		},
		"beside what changes the session": {
			{simple("BEGIN"), "Z"}, {simple(moving), "Z"}, {simple(named), "Z"}, {simple(call), "Z"},
			{simple("SELECT moving()"), "Z"}, {simple("SELECT last_name FROM individual"), "Z"}, {simple("COMMIT"), "Z"},
			{simple("SELECT last_name FROM individual"), "Z"},
		},
		"as a role that is nobody's": {
			{simple("SET ROLE nobody_s"), "Z"}, {simple("SELECT makes('CREATE TEMPORARY TABLE anything (id int)')"), "Z"},
			{simple("DO $$ BEGIN PERFORM last_name FROM individual; END $$"), "Z"},
		},
		"a savepoint": {
			{simple("BEGIN"), "Z"}, {simple("SAVEPOINT a"), "Z"}, {simple(moving), "Z"}, {simple(named), "Z"}, {simple("ROLLBACK TO a"), "Z"},
			{simple("CREATE FUNCTION moving() RETURNS text LANGUAGE sql AS 'SELECT last_name FROM individual WHERE id = 2'"), "Z"},
			{simple(strings.Replace(named, "SELECT last", "SELECT moving() || last", 1)), "Z"}, {simple(call), "Z"}, {simple("COMMIT"), "Z"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, got := s.directly(t, something), s.unreadRenamed(t, something)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the client sees (-directly +through the proxy):\n%s", diff)
			}
		})
	}
	for name, s := range map[string]script{
		"a function": {{simple("BEGIN"), "Z"}, {simple(moving), "Z"}, {simple(strings.Replace(named, "SELECT last", "SELECT moving(); SELECT last", 1)), "Z"}},
		"a block":    {{simple(moving), "Z"}, {simple("DO $$ BEGIN PERFORM moving(); UPDATE individual SET last_name = 'x'; END $$"), "Z"}},
		"a function, where backslashes escape": {{simple("SET standard_conforming_strings = off"), "Z"}, {simple(moving), "Z"},
			{simple("DO $$ BEGIN PERFORM moving(); UPDATE individual SET last_name = 'x'; END $$"), "Z"}},
		"a function, where all names are printed in quotes": {{simple("SET quote_all_identifiers = on"), "Z"},
			{simple("SELECT makes('CREATE FUNCTION moving() RETURNS text BEGIN ATOMIC SELECT set_config(''search_'' || ''path'', ''other'', false); END')"), "Z"},
			{simple("DO $$ BEGIN PERFORM moving(); UPDATE individual SET last_name = 'x'; END $$"), "Z"}},
		"a statement that was understood before": {
			{simple("SELECT makes('CREATE FUNCTION moving() RETURNS text LANGUAGE sql AS ''SELECT 1::text''')"), "Z"},
			{messages(parse("d", "DO $$ BEGIN PERFORM moving(); UPDATE individual SET last_name = upper(last_name); END $$"), bind("", "d"), execute(""), syncMsg()), "Z"},
			{simple(strings.Replace(moving, "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)), "Z"},
			{messages(bind("", "d"), execute(""), syncMsg()), "Z"},
		},
		"a function of a function": {
			{simple(moving), "Z"}, {simple("SELECT makes('CREATE FUNCTION further() RETURNS text LANGUAGE sql AS ''SELECT moving()''')"), "Z"},
			{simple("DO $$ BEGIN PERFORM further(); UPDATE individual SET last_name = 'x'; END $$"), "Z"},
		},
	} {
		t.Run("refused/"+name, func(t *testing.T) {
			t.Parallel()
			got := s.unreadRenamed(t, something)
			if heard := strings.Join(got, "\n"); !strings.Contains(heard, "C=0A000") || !strings.Contains(heard, "changes what names mean") {
				t.Errorf("it is not refused because of what names mean:\n%s", heard)
			}
		})
	}
}

// unreadRenamed plays a script as the old version after cutover, through a proxy that never reads the catalog again.
func (s script) unreadRenamed(t *testing.T, schema string) []string {
	t.Helper()
	p := openProxy(t, unread)
	p.run(schema, "ALTER TABLE individual RENAME last_name TO surname")
	p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, surname)))
	return s.play(t, p.addr, p.database, wire.Parameter{Name: "segue.version", Value: rules.Base})
}
