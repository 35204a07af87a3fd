package proxy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// TestAfterDDLOfOthersATextMeansWhatItMeansInItsVersion has a session use texts before and after something is changed around it
// and the catalog has been read again.
func TestAfterDDLOfOthersATextMeansWhatItMeansInItsVersion(t *testing.T) {
	t.Parallel()
	const on = parts + `; CREATE VIEW whole AS SELECT b AS b FROM bystander b;
		CREATE FUNCTION passing() RETURNS SETOF bystander LANGUAGE sql AS 'SELECT * FROM bystander';
		CREATE TABLE heir (more int) INHERITS (bystander)`
	for what, tc := range map[string]struct {
		session, ddl string
		use          []string
	}{
		"nothing": {"", "SELECT 1", []string{"SELECT last_name FROM individual ORDER BY 1"}},
		"a column of another table": {"", "ALTER TABLE bystander ADD surname text DEFAULT 'x', ADD nick text DEFAULT 'y'", []string{
			"SELECT * FROM individual, bystander WHERE individual.id = 1", "SELECT surname FROM individual, bystander WHERE individual.id = 1",
			"SELECT (b).*, last_name FROM whole, individual i WHERE i.id = 1", "SELECT p.*, i.last_name FROM passing() p, individual i WHERE i.id = 1",
			"SELECT h.*, i.last_name FROM heir h RIGHT JOIN individual i ON true WHERE i.id = 1", "SELECT last_name FROM individual WHERE id = 1"}},
		"a column that goes": {"", "ALTER TABLE bystander DROP last_name CASCADE", []string{
			"SELECT last_name FROM individual, bystander WHERE individual.id = 1", "SELECT * FROM individual NATURAL JOIN bystander"}},
		"a table in an earlier schema": {"SET search_path = apart, public", "CREATE SCHEMA apart; CREATE TABLE apart.individual (last_name int); INSERT INTO apart.individual VALUES (7)",
			[]string{"SELECT last_name FROM individual ORDER BY 1", "SELECT last_name FROM public.individual ORDER BY 1"}},
		"a table that moves into an earlier schema": {"SET search_path = apart, public", "CREATE SCHEMA apart; ALTER TABLE bystander SET SCHEMA apart; ALTER TABLE apart.bystander RENAME TO individual",
			[]string{"SELECT last_name FROM individual ORDER BY 1", "SELECT * FROM bystander, individual LIMIT 1"}},
		"another table of the same name": {"", "DROP TABLE bystander CASCADE; CREATE TABLE bystander (last_name text, surname int)", []string{
			"SELECT i.last_name FROM individual i LEFT JOIN bystander ON surname = id ORDER BY 1", "SELECT last_name FROM individual, bystander"}},
		"a view in place of a table": {"", "DROP TABLE holder; CREATE VIEW holder AS SELECT i AS id FROM individual i", []string{
			"SELECT to_json(h) FROM holder h ORDER BY (h.id).id", "SELECT last_name, holder.id FROM individual, holder WHERE individual.id = 1"}},
		"a function of the table's rows": {"", "CREATE FUNCTION nick(individual) RETURNS text LANGUAGE sql AS 'SELECT ''n'''", []string{
			"SELECT i.nick FROM individual i", "SELECT nick(i), last_name FROM individual i ORDER BY 2"}},
		"what a temporary view shows": {"CREATE TEMP VIEW mine AS SELECT b AS b FROM bystander b", "ALTER TABLE bystander ADD surname text DEFAULT 'x'", []string{
			"SELECT (m.b).*, i.last_name FROM mine m, individual i WHERE i.id = 1", "SELECT m.*, i.last_name FROM mine m, individual i WHERE i.id = 1"}},
		"a setting that a trigger changes": {"", `CREATE SCHEMA apart; CREATE TABLE apart.individual (last_name int);
			CREATE FUNCTION moves() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM set_config(''search_path'', ''apart, public'', false); RETURN NEW; END';
			CREATE TRIGGER moving BEFORE INSERT ON holder FOR EACH ROW EXECUTE FUNCTION moves()`, []string{
			"INSERT INTO holder SELECT id FROM individual WHERE last_name = 'Moss' RETURNING id", "SELECT last_name FROM individual ORDER BY 1"}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			p := openProxy(t)
			p.run(on, "ALTER TABLE individual RENAME last_name TO surname")
			p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, surname)))
			direct := pgtest.Database(t)
			pgtest.Exec(t, direct, on)
			through, plain := pinnedTo(t, p, rules.Base), pgtest.Connect(t, direct)
			compare := func(when string) {
				t.Helper()
				for range 2 { // the second time by what is kept of the first
					for _, sql := range tc.use {
						if diff := cmp.Diff(outcomeOf(t, plain, sql), outcomeOf(t, through, sql)); diff != "" {
							t.Errorf("%s, %s (-direct +through):\n%s", when, sql, diff)
						}
					}
				}
			}
			if tc.session != "" {
				outcomeOf(t, plain, tc.session)
				outcomeOf(t, through, tc.session)
			}
			compare("before")
			pgtest.Exec(t, direct, tc.ddl)
			p.run(tc.ddl)
			p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, surname)))
			compare("afterwards")
		})
	}
}

// outcomeOf is what a text returns, with its labels, or the error.
func outcomeOf(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	results, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
	var b strings.Builder
	for _, r := range results {
		for _, f := range r.FieldDescriptions {
			fmt.Fprintf(&b, "%s|", f.Name)
		}
		for _, row := range r.Rows {
			fmt.Fprintf(&b, "\n%s", row)
		}
	}
	if err != nil {
		fmt.Fprintf(&b, "\n%v", err)
	}
	return b.String()
}
