package assess

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// The predefined roles whose rights Segue has a use for.
const (
	RightStats  = "pg_read_all_stats"
	RightSignal = "pg_signal_backend"
)

// A Lack is a predefined role whose rights the role of the upstream URL does not have. Segue works without it, but worse.
type Lack struct {
	Role  string // that lacks it
	Right string
	Costs string // one sentence
	Grant string // the statement that mends it
}

// Lacks lists what the role of the connection lacks. It asks for USAGE as the server does (has_privs_of_role in
// pgstatfuncs.c and signalfuncs.c): a member that does not inherit has no rights by it.
func Lacks(ctx context.Context, db DB) ([]Lack, error) {
	rows, err := db.Query(ctx, `
		SELECT current_user::pg_catalog.text, right_, 'GRANT ' || right_ || ' TO ' || pg_catalog.quote_ident(current_user)
		FROM pg_catalog.unnest($1::pg_catalog.text[]) AS right_
		WHERE NOT pg_catalog.pg_has_role(current_user, right_, 'USAGE')
		ORDER BY 2`, []string{RightStats, RightSignal})
	if err != nil {
		return nil, fmt.Errorf("cannot read the rights of the role: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Lack, error) {
		var l Lack
		err := row.Scan(&l.Role, &l.Right, &l.Grant)
		l.Costs = fmt.Sprintf("role %s lacks %s: %s", l.Role, l.Right, map[string]string{
			RightStats:  "how old a transaction is that does not come through Segue, and what it runs, is unknown, so a cutover waits longer before it tries",
			RightSignal: "--end-sessions cannot end a session unless it comes through an instance that is alive",
		}[l.Right])
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the rights of the role: %w", err)
	}
	return found, nil
}

// lookRole finds what the role lacks, whatever the migration.
func lookRole(ctx context.Context, s *Subject, r *report) error {
	if s.To != "" {
		return nil // it refuses nothing
	}
	found, err := Lacks(ctx, s.DB)
	for _, l := range found {
		r.add(rights, Object{Role, l.Role}, Finding{Severity: Warn, Message: l.Costs, Hint: "a superuser runs: " + l.Grant, Mend: []string{l.Grant}})
	}
	return err
}
