package assess

import (
	"strings"
	"testing"
)

// people renames a table too, and a column that has the name of a keyword.
const people = `
id: people
contract_after: 0s
operations:
  - rename_column: { table: public.individual, from: last_name, to: surname }
  - rename_column: { table: public.individual, from: order, to: place }
  - rename_table: { from: public.individual, to: person }
`

// peopleShop are the tables of people, with one that has the same columns and is not renamed.
const peopleShop = `
CREATE TABLE public.individual (id int PRIMARY KEY, last_name text, "order" int, city text);
CREATE TABLE public.page (id int, last_name text, "order" int, individual text);
CREATE TABLE public.log (what text, at timestamptz);`

func TestABodyThatNamesNothingThatWillBeGoneIsNoFinding(t *testing.T) {
	t.Parallel()
	c := on(t, strings.Replace(people, "  - rename_table: { from: public.individual, to: person }\n", "", 1), peopleShop+`
		CREATE FUNCTION sorts() RETURNS SETOF int LANGUAGE sql AS 'SELECT id FROM individual ORDER BY id';
		CREATE FUNCTION sorts_in_a_block() RETURNS int LANGUAGE plpgsql AS $$ DECLARE r record; n int := 0; BEGIN
			FOR r IN SELECT id, city FROM individual ORDER BY id LOOP n := n + r.id; END LOOP; RETURN n; END $$;
		CREATE FUNCTION parameter(last_name text) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM individual WHERE city = $1 OR city = parameter.last_name';
		CREATE FUNCTION of_another() RETURNS SETOF text LANGUAGE sql AS 'SELECT p.last_name FROM page p JOIN individual i USING (id) ORDER BY p."order"';
		CREATE FUNCTION variable() RETURNS text LANGUAGE plpgsql AS $$ DECLARE last_name text; individual int; BEGIN
			SELECT city INTO last_name FROM log, (SELECT 'x'::text AS city) AS c ORDER BY 1; individual := 1; RETURN last_name || individual; END $$;
		CREATE FUNCTION whole_rows() RETURNS SETOF individual LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY SELECT * FROM individual ORDER BY id; END $$;
		CREATE FUNCTION stars() RETURNS int LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN SELECT * INTO r FROM individual ORDER BY id; RETURN r.id; END $$;
		CREATE FUNCTION comments() RETURNS int LANGUAGE plpgsql AS $$ BEGIN -- last_name
			/* "order" of individual */ PERFORM id FROM individual; RAISE NOTICE 'the last_name of an individual is %', 1; RETURN 1; END $$;
		CREATE FUNCTION says() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES ('last_name of individual', now()); RETURN NEW; END $$;
		CREATE TRIGGER t BEFORE UPDATE ON individual FOR EACH ROW EXECUTE FUNCTION says();
		CREATE FUNCTION on_page() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.last_name := upper(NEW.last_name); NEW."order" := 1; RETURN NEW; END $$;
		CREATE TRIGGER t BEFORE UPDATE ON page FOR EACH ROW EXECUTE FUNCTION on_page();
		CREATE FUNCTION executes_page() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'INSERT INTO log VALUES ($1.last_name, $2)' USING NEW, now(); RETURN NEW; END $$;
		CREATE TRIGGER executes BEFORE UPDATE ON page FOR EACH ROW EXECUTE FUNCTION executes_page();
		CREATE FUNCTION executes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'INSERT INTO log VALUES ($1.city, now())' USING NEW; RETURN NEW; END $$;
		CREATE TRIGGER executes BEFORE UPDATE ON individual FOR EACH ROW EXECUTE FUNCTION executes();
		CREATE FUNCTION a_label() RETURNS SETOF record LANGUAGE sql AS 'SELECT p.id AS last_name FROM page AS p';
		CREATE PROCEDURE a_alias() LANGUAGE plpgsql AS $$ BEGIN DELETE FROM page AS individual WHERE individual.last_name = 'x'; END $$;`)
	if found := c.found(functionBody); len(found) > 0 {
		t.Errorf("found %+v", found)
	}
}

func TestABodyThatNamesWhatWillBeGoneIsAFinding(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"column":          `FUNCTION x() RETURNS text LANGUAGE sql AS 'SELECT last_name FROM individual'`,
		"quoted":          `FUNCTION x() RETURNS int LANGUAGE sql AS 'SELECT i."order" FROM individual i ORDER BY 1'`,
		"table":           `FUNCTION x() RETURNS int LANGUAGE sql AS 'SELECT 1 FROM public.Individual'`,
		"update":          `PROCEDURE x() LANGUAGE plpgsql AS $$ BEGIN UPDATE individual SET last_name = 'x'; END $$`,
		"insert":          `PROCEDURE x() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO individual (id, last_name) VALUES (1, 'x'); END $$`,
		"type":            `FUNCTION x() RETURNS int LANGUAGE plpgsql AS $$ DECLARE v individual.last_name%TYPE; BEGIN RETURN 1; END $$`,
		"row type":        `FUNCTION x() RETURNS int LANGUAGE plpgsql AS $$ DECLARE v individual; BEGIN RETURN 1; END $$`,
		"record":          `FUNCTION x() RETURNS text LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN SELECT * INTO r FROM individual; RETURN r.last_name; END $$`,
		"any row":         `FUNCTION x(p record) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN p.last_name; END $$`,
		"a function":      `FUNCTION x(p individual) RETURNS text LANGUAGE sql AS 'SELECT p.last_name'`,
		"functional":      `FUNCTION x(p individual) RETURNS text LANGUAGE sql AS 'SELECT last_name(p)'`,
		"join":            `FUNCTION x() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM individual JOIN page USING (last_name)'`,
		"constant":        `PROCEDURE x() LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'UPDATE page SET id = (SELECT max("order") FROM individual)'; END $$`,
		"computed":        `PROCEDURE x() LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('UPDATE %I SET last_name = 1', 'page'); END $$`,
		"passed":          `FUNCTION x() RETURNS text LANGUAGE sql AS 'SELECT look(''last_name'')'`,
		"json":            `FUNCTION x() RETURNS SETOF text LANGUAGE sql AS 'SELECT to_jsonb(i) ->> ''last_name'' FROM individual i'`,
		"from json":       `PROCEDURE x() LANGUAGE sql AS 'INSERT INTO individual SELECT * FROM jsonb_populate_record(NULL::individual, ''{"last_name": "x"}'')'`,
		"regclass":        `FUNCTION x() RETURNS oid LANGUAGE sql AS 'SELECT ''individual''::regclass::oid'`,
		"catalogs":        `FUNCTION x() RETURNS bool LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attname = ''last_name'')'`,
		"temporary":       `FUNCTION x() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT last_name FROM made_later); END $$`,
		"old":             `FUNCTION x() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE o ALIAS FOR old; BEGIN RAISE NOTICE '%', o.last_name; RETURN NEW; END $$`,
		"unreadable":      `FUNCTION x() RETURNS trigger LANGUAGE plpgsql AS $$ <<last_name>> BEGIN CASE 1 WHEN 1 THEN RETURN NEW; END CASE; RETURN OLD; EXCEPTION WHEN SQLSTATE '22000' THEN NEW.last_name := 1; END $$`,
		"two schemas":     `SCHEMA s2 CREATE TABLE individual (last_name text); CREATE FUNCTION x() RETURNS text LANGUAGE sql AS 'SELECT last_name FROM individual'`,
		"other words":     `PROCEDURE x() LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'TABLE ' || 'individual'; END $$`,
		"executed":        `FUNCTION x() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT $1.last_name' USING OLD; RETURN NEW; END $$`,
		"executed second": `FUNCTION x() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1; SELECT (($2))."last_name"' USING 1, NEW; RETURN NEW; END $$`,
		"executed record": `FUNCTION x() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE r record := NEW; BEGIN EXECUTE 'SELECT last_name($1)' USING r; RETURN NEW; END $$`,
		"executed json":   `FUNCTION x() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT to_jsonb($1) ->> ''last_name''' USING NEW; RETURN NEW; END $$`,
		"executed loop":   `FUNCTION x(p individual) RETURNS int LANGUAGE plpgsql AS $$ DECLARE s text; BEGIN FOR s IN EXECUTE 'SELECT $1.last_name' USING p LOOP NULL; END LOOP; RETURN 1; END $$`,
		"executed format": `FUNCTION x() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('SELECT $1.%I', 'last_name') USING NEW; RETURN NEW; END $$`,
		"transitions":     `FUNCTION x() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log SELECT last_name FROM newrows; RETURN NULL; END $$`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := on(t, people, peopleShop, `CREATE FUNCTION look(c text) RETURNS text LANGUAGE sql AS 'SELECT $1'`,
				`SET check_function_bodies = off`, "CREATE "+body)
			found := c.found(functionBody)
			if len(found) != 1 || !strings.HasPrefix(found[0].About.Name, "public.x(") || found[0].Severity != Block {
				t.Errorf("found %+v", found)
			}
		})
	}
}

func TestWhatCannotBeReadIsJudgedByItsWordsAndSaysSo(t *testing.T) {
	t.Parallel()
	c := on(t, people, peopleShop, `CREATE PROCEDURE public.x(c text) LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT last_name FROM ' || c; END $$`)
	found := c.found(functionBody)
	want := "its body is kept as text and names last_name (by its words alone: it computes the text of statements), so cutover is refused"
	if len(found) != 1 || found[0].About != (Object{Procedure, "public.x(text)"}) || found[0].Message != want {
		t.Errorf("found %+v", found)
	}
}

func TestARefusalTellsWhatToDoAboutEachKindOnce(t *testing.T) {
	t.Parallel()
	plain, trigger, argument := Finding{ID: functionBody.ID, Hint: hintBody}, Finding{ID: functionBody.ID, Hint: hintTriggerBody}, Finding{ID: triggerArgument.ID, Hint: hintArgument}
	for _, tc := range []struct {
		found []Finding
		want  string
	}{
		{[]Finding{plain, plain}, hintBody},
		{[]Finding{trigger}, hintTriggerBody},
		{[]Finding{argument}, hintArgument},
		{[]Finding{plain, trigger, argument}, hintBody + "; " + hintTriggerBody + "; " + hintArgument},
	} {
		if got := Refuse("people", tc.found); got.Hint != tc.want+"; "+overrideForce || got.HintCLI != tc.want+"; "+overrideForceCLI {
			t.Errorf("of %+v: %q, %q", tc.found, got.Hint, got.HintCLI)
		}
	}
}
