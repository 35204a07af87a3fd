package migrate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// Purged is where the script leads that drops by hand what a migration that is over has left. No migration is stored in that phase.
const Purged rules.Phase = "purged"

// ExitSQL is a script for psql that finishes (to: Contracted) or undoes (to: RolledBack) the migration by hand, or drops what it has left (to:
// Purged). It looks itself for what is done already, as somebody may have renamed a part by hand; where nothing is left to do it says so.
func (i *Instance) ExitSQL(ctx context.Context, id string, to rules.Phase) (string, error) {
	pool, err := i.database()
	if err != nil {
		return "", err
	}
	m, err := load(ctx, pool, id)
	if err != nil {
		return "", err
	}
	all, err := store.LoadMigrations(ctx, pool)
	if err != nil {
		return "", err
	}
	return exitSQL(m, all, to)
}

func exitSQL(m *rules.Migration, all []*rules.Migration, to rules.Phase) (string, error) {
	switch {
	case to == Purged:
		return purgeSQL(m)
	case to != rules.Contracted && to != rules.RolledBack:
		return "", &ConflictError{Message: fmt.Sprintf("a script by hand leads to %s, %s or %s, not to %q", rules.Contracted, rules.RolledBack, Purged, to)}
	case m.Phase == to && m.Leftovers():
		return fmt.Sprintf("-- Migration %s is %s: nothing is left to do. The script of --to %s drops what it has left in the database.\n", comment(m.ID), spoken(to), Purged), nil
	case m.Phase == to:
		return fmt.Sprintf("-- Migration %s is %s: nothing is left to do.\n", comment(m.ID), spoken(to)), nil
	case m.Phase == rules.Contracted && !m.Returns():
		return "", &ConflictError{Message: fmt.Sprintf("%q is contracted, and that is final", m.ID), Hint: "write another migration for the way back"}
	}
	if stage := m.Unfinished(); to == rules.Contracted && stage != "" && m.Phase.Live() {
		return "", &ConflictError{
			Message: fmt.Sprintf("the columns of %q are not complete yet (%s), and no script can fill them", m.ID, stage),
			Hint:    "wait until the new version is served, or ask for the script that leads to rolled_back",
		}
	}
	var b strings.Builder
	begin(&b, m, fmt.Sprintf("Takes migration %s from %s to %s", comment(m.ID), m.Phase, to), `Apps then connect to PostgreSQL directly, and must know
-- the names that are physical afterwards. What was renamed by hand already is left as it is.`)
	for _, other := range rules.First(m, all, to) {
		fmt.Fprintf(&b, `DO $order$
BEGIN
	IF EXISTS (SELECT FROM segue.migration WHERE id = %[1]s AND phase IN ('active', 'cutover')) THEN
		RAISE EXCEPTION '%%', %[2]s USING HINT = %[3]s;
	END IF;
END
$order$;
`, literal(other), literal(fmt.Sprintf("migration %q on the same table has to be %s first", other, spoken(to))), literal("Run the script of that one: segue exit-sql "+other+" --to "+string(to)))
	}
	if rules.Renames(m, all, to) {
		for _, t := range tablesOf(m) {
			t.write(&b, to)
		}
	}
	for _, sql := range otherSteps(m, to) {
		b.WriteString(sql + ";\n")
	}
	writeStages(&b, m, to)
	fmt.Fprintf(&b, `DELETE FROM segue.transition WHERE migration = %[1]s;
UPDATE segue.migration SET phase = '%[2]s', updated_at = now() WHERE id = %[1]s;
UPDATE segue.epoch SET epoch = epoch + 1, changed_at = now();
INSERT INTO segue.audit (migration, kind, detail, actor) VALUES (%[1]s, '%[3]s', 'by hand: %[4]s -> %[2]s', session_user);
NOTIFY %[5]s;
COMMIT;
`, literal(m.ID), to, eventCommitted, m.Phase, store.Channel)
	return b.String(), nil
}

// begin begins a script and the transaction in it. what is what it does, and after follows on a sentence of its head.
func begin(b *strings.Builder, m *rules.Migration, what, after string) {
	fmt.Fprintf(b, `-- %[1]s without Segue. Run it with psql, as the owner of the tables:
--   psql --no-psqlrc --set ON_ERROR_STOP=1 --file this-file.sql
-- Stop all instances first: their clients would not be held back. %[2]s
BEGIN;
SET LOCAL search_path = pg_catalog;
SET LOCAL lock_timeout = '5s';
DO $check$
BEGIN
	PERFORM FROM segue.epoch FOR UPDATE;
	IF EXISTS (SELECT FROM segue.instance WHERE heartbeat > clock_timestamp() - interval '10 seconds') THEN
		RAISE EXCEPTION 'an instance of Segue is running' USING HINT = 'Stop it, wait ten seconds, and run this again.';
	END IF;
	IF NOT EXISTS (SELECT FROM segue.migration WHERE id = %[3]s AND phase = '%[4]s') THEN
		RAISE EXCEPTION 'the migration is not in phase %[4]s any more' USING HINT = 'Ask for a new script.';
	END IF;
END
$check$;
`, what, after, literal(m.ID), m.Phase)
}

// purgeSQL is the script that drops what a migration has left which is over.
func purgeSQL(m *rules.Migration) (string, error) {
	switch {
	case m.Phase != rules.Contracted && m.Phase != rules.RolledBack:
		return "", &ConflictError{Message: fmt.Sprintf("%q is %s, and only what is over leaves something to purge", m.ID, spoken(m.Phase)), Hint: fmt.Sprintf("ask for the script that leads to %s or to %s", rules.Contracted, rules.RolledBack)}
	case !m.Leftovers():
		return fmt.Sprintf("-- Migration %s has left nothing in the database: nothing is left to do.\n", comment(m.ID)), nil
	}
	if err := purgeable(m); err != nil {
		return "", err
	}
	var b strings.Builder
	begin(&b, m, fmt.Sprintf("Drops what migration %s has left, which is %s,", comment(m.ID), spoken(m.Phase)), "There is no way back from this, and what is dropped\n-- cannot be looked at any more.")
	for _, sql := range rules.Statements(rules.PurgeSteps(m)) {
		b.WriteString(sql + ";\n")
	}
	fmt.Fprintf(&b, `DELETE FROM segue.transition WHERE migration = %[1]s;
DELETE FROM segue.change WHERE migration = %[1]s;
DELETE FROM segue.backfill WHERE migration = %[1]s;
UPDATE segue.epoch SET epoch = epoch + 1, changed_at = now();
INSERT INTO segue.audit (migration, kind, detail, actor) VALUES (%[1]s, '%[2]s', 'by hand: %[3]s', session_user);
NOTIFY %[4]s;
COMMIT;
`, literal(m.ID), eventCommitted, Purged, store.Channel)
	return b.String(), nil
}

// writeStages writes how the changes of columns are afterwards.
func writeStages(b *strings.Builder, m *rules.Migration, to rules.Phase) {
	if m.Unfinished() == rules.Watched {
		fmt.Fprintf(b, "DELETE FROM segue.change WHERE migration = %s;\n", literal(m.ID))
		return
	}
	after := m.After(to)
	for _, i := range slices.Sorted(maps.Keys(after)) {
		if after[i] == nil {
			fmt.Fprintf(b, "DELETE FROM segue.change WHERE migration = %s AND operation = %d;\n", literal(m.ID), i)
			continue
		}
		fmt.Fprintf(b, "UPDATE segue.change SET stage = %s, changed_at = now() WHERE migration = %s AND operation = %d;\n", literal(string(after[i].Stage)), literal(m.ID), i)
	}
}

// otherSteps lists the statements of the operations that rename nothing, which need not look for what is done already.
func otherSteps(m *rules.Migration, to rules.Phase) []string {
	rest := &rules.Migration{}
	for _, op := range m.Operations {
		if len(op.Names()) == 0 {
			rest.Operations = append(rest.Operations, op)
		}
	}
	if m.Phase == rules.Draft && to == rules.RolledBack {
		return nil
	}
	way := []rules.Phase{m.Phase, to}
	if to == rules.Contracted {
		way = wayOn[m.Phase]
	}
	var out []string
	for i := range len(way) - 1 {
		out = append(out, rules.Statements(rules.Steps(rest, way[i], way[i+1]))...)
	}
	return out
}

// spoken is a phase in words.
func spoken(p rules.Phase) string { return strings.ReplaceAll(string(p), "_", " ") }

// A renaming is what a migration does to one table in all: the names that it goes through, from the first to the last,
// and those of each of its columns.
type renaming struct {
	schema  string
	names   []string
	columns [][]string
}

// tablesOf lists what the migration does, table by table.
func tablesOf(m *rules.Migration) []*renaming {
	var all []*renaming
	table := func(n rules.Name) *renaming {
		for _, t := range all {
			if t.schema == n.Schema && last(t.names) == n.Name {
				return t
			}
		}
		t := &renaming{schema: n.Schema, names: []string{n.Name}}
		all = append(all, t)
		return t
	}
	for _, n := range m.Names() {
		t := table(n.Table)
		if !n.Column {
			t.names = append(t.names, n.To)
			continue
		}
		i := slices.IndexFunc(t.columns, func(c []string) bool { return last(c) == n.From })
		if i < 0 {
			t.columns = append(t.columns, []string{n.From})
			i = len(t.columns) - 1
		}
		t.columns[i] = append(t.columns[i], n.To)
	}
	return all
}

func last(names []string) string { return names[len(names)-1] }

// wanted is the name that is to be there in the end.
func wanted(names []string, to rules.Phase) string {
	if to == rules.RolledBack {
		return names[0]
	}
	return last(names)
}

// write writes the statements that give the table and its columns the names of the phase, whichever they have.
func (t *renaming) write(b *strings.Builder, to rules.Phase) {
	var columns []string
	for _, c := range t.columns {
		columns = append(columns, fmt.Sprintf("(%s, %s)", array(c), literal(wanted(c, to))))
	}
	if columns == nil {
		columns = []string{"(ARRAY[]::text[], '')"}
	}
	body := fmt.Sprintf(`DECLARE
	tables CONSTANT text[] := %[1]s;
	there text[]; -- of the names, those that exist
	tab text;
	col record;
BEGIN
	there := ARRAY(SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	               WHERE n.nspname = %[2]s AND c.relname = ANY (tables) AND c.relkind IN ('r', 'p', 'f') ORDER BY 1);
	IF cardinality(there) <> 1 THEN
		RAISE EXCEPTION 'of the names %% one must be that of the table in schema %%, but there are: %%', tables, %[2]s, there
			USING HINT = 'Rename the table to one of them, and whatever else has one of them to another name; then run this again.';
	END IF;
	tab := format('%%I.%%I', %[2]s, there[1]);
	FOR col IN SELECT * FROM (VALUES %[3]s) AS c (names, wanted) WHERE names <> '{}' LOOP
		there := ARRAY(SELECT a.attname::text FROM pg_attribute a
		               WHERE a.attrelid = tab::regclass AND a.attname = ANY (col.names) AND NOT a.attisdropped ORDER BY 1);
		IF cardinality(there) <> 1 THEN
			RAISE EXCEPTION 'of the names %% one must be that of the column of table %%, but there are: %%', col.names, tab, there
				USING HINT = 'Rename the column to one of them, and drop or rename whatever else has one of them; then run this again.';
		END IF;
		IF there[1] = col.wanted THEN
			RAISE NOTICE 'column %% of table %% has its name already', there[1], tab;
		ELSE
			EXECUTE format('ALTER TABLE %%s RENAME COLUMN %%I TO %%I', tab, there[1], col.wanted);
		END IF;
	END LOOP;
	IF tab <> format('%%I.%%I', %[2]s, %[4]s) THEN
		EXECUTE format('ALTER TABLE %%s RENAME TO %%I', tab, %[4]s);
	END IF;
END`, array(t.names), literal(t.schema), strings.Join(columns, ", "), literal(wanted(t.names, to)))
	tag := "$rename$"
	for strings.Contains(body, tag) { // a name may hold anything
		tag = "$x" + tag[1:]
	}
	fmt.Fprintf(b, "DO %[1]s\n%[2]s\n%[1]s;\n", tag, body)
}

// array writes an array of texts.
func array(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = literal(n)
	}
	return "ARRAY[" + strings.Join(quoted, ", ") + "]"
}

// literal writes a string constant. Ids hold no quotes, but that is not for this place to rely on.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// comment makes a text harmless in a line comment.
func comment(s string) string { return strings.Map(notNewline, s) }

func notNewline(r rune) rune {
	if r == '\n' || r == '\r' {
		return ' '
	}
	return r
}
