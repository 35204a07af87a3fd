package assess

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/rules"
)

func TestViewsWhoseOwnColumnKeepsTheOldNameAreNoted(t *testing.T) {
	t.Parallel()
	c := on(t, people, peopleShop, `CREATE VIEW plain AS SELECT id, last_name FROM individual`,
		`CREATE MATERIALIZED VIEW kept AS SELECT last_name, count(*) FROM individual GROUP BY 1`,
		`CREATE VIEW labelled AS SELECT last_name AS surname FROM individual`,
		`CREATE VIEW counted AS SELECT count(last_name) FROM individual`,
		`CREATE VIEW other AS SELECT last_name FROM page`)
	found := c.remedied(viewColumn, []string{"materialized view public.kept", "view public.plain"},
		`ALTER MATERIALIZED VIEW kept RENAME COLUMN last_name TO surname`, `ALTER VIEW plain RENAME COLUMN last_name TO surname`)
	for _, f := range found {
		if f.Severity != Note || !strings.Contains(f.Hint, "RENAME COLUMN last_name") {
			t.Errorf("%+v", f)
		}
	}
	// That it is so is PostgreSQL's to say.
	c.run(`CREATE VIEW again AS SELECT last_name FROM individual`)
	c.run(rules.DDL(c.subject().Migration, rules.Forward)...)
	c.run(`SELECT last_name FROM again`, `SELECT surname FROM kept`)
}
