package migrate

import (
	"context"
	"fmt"
	"strings"

	"github.com/seguedb/segue/rules"
)

// ExitSQL is a script for psql that finishes (to: Contracted) or undoes (to: RolledBack) the migration by hand.
func (i *Instance) ExitSQL(ctx context.Context, id string, to rules.Phase) (string, error) {
	pool, err := i.database()
	if err != nil {
		return "", err
	}
	m, err := load(ctx, pool, id)
	if err != nil {
		return "", err
	}
	return exitSQL(m, to)
}

func exitSQL(m *rules.Migration, to rules.Phase) (string, error) {
	var ddl []string
	switch {
	case to != rules.Contracted && to != rules.RolledBack:
		return "", &ConflictError{Message: fmt.Sprintf("a script by hand leads to %s or %s, not to %q", rules.Contracted, rules.RolledBack, to)}
	case m.Phase == to:
	case m.Phase == rules.Contracted:
		return "", &ConflictError{Message: fmt.Sprintf("%q is contracted, and that is final", m.ID), Hint: "write another migration for the way back"}
	case to == rules.Contracted && m.Phase != rules.Cutover:
		ddl = rules.DDL(m, rules.Forward)
	case to == rules.RolledBack && m.Phase == rules.Cutover:
		ddl = rules.DDL(m, rules.Backward)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `-- Takes migration %[1]s from %[2]s to %[3]s without Segue. Run it with psql, as the owner of the tables:
--   psql --no-psqlrc --set ON_ERROR_STOP=1 --file this-file.sql
-- Stop all instances first: their clients would not be held back. Apps then connect to PostgreSQL directly, and must know
-- the names that are physical afterwards.
BEGIN;
SET LOCAL search_path = pg_catalog;
SET LOCAL lock_timeout = '5s';
DO $check$
BEGIN
	PERFORM FROM segue.epoch FOR UPDATE;
	IF EXISTS (SELECT FROM segue.instance WHERE heartbeat > clock_timestamp() - interval '10 seconds') THEN
		RAISE EXCEPTION 'an instance of Segue is running' USING HINT = 'Stop it, wait ten seconds, and run this again.';
	END IF;
	IF NOT EXISTS (SELECT FROM segue.migration WHERE id = %[4]s AND phase = '%[2]s') THEN
		RAISE EXCEPTION 'the migration is not in phase %[2]s any more' USING HINT = 'Ask for a new script.';
	END IF;
END
$check$;
`, comment(m.ID), m.Phase, to, literal(m.ID))
	for _, sql := range ddl {
		b.WriteString(sql + ";\n")
	}
	fmt.Fprintf(&b, `DELETE FROM segue.transition WHERE migration = %[1]s;
UPDATE segue.migration SET phase = '%[2]s', updated_at = now() WHERE id = %[1]s;
UPDATE segue.epoch SET epoch = epoch + 1, changed_at = now();
INSERT INTO segue.audit (migration, kind, detail, actor) VALUES (%[1]s, '%[3]s', 'by hand: %[4]s → %[2]s', session_user);
NOTIFY %[5]s;
COMMIT;
`, literal(m.ID), to, eventCommitted, m.Phase, rules.Channel)
	return b.String(), nil
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
