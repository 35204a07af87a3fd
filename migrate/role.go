package migrate

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/store"
)

// The predefined roles whose rights Segue has a use for.
const (
	rightStats  = "pg_read_all_stats"
	rightSignal = "pg_signal_backend"
)

// A lack is a predefined role whose rights the role of the upstream URL does not have. Segue works without it, but worse.
type lack struct {
	role  string // that lacks it
	right string
	costs string // one sentence
	grant string // the statement that mends it
}

// lacks lists what the role of the connection lacks. It asks for USAGE as the server does (has_privs_of_role in
// pgstatfuncs.c and signalfuncs.c): a member that does not inherit has no rights by it.
func lacks(ctx context.Context, db store.DB) ([]lack, error) {
	rows, err := db.Query(ctx, `
		SELECT current_user::pg_catalog.text, right_, 'GRANT ' || right_ || ' TO ' || pg_catalog.quote_ident(current_user)
		FROM pg_catalog.unnest($1::pg_catalog.text[]) AS right_
		WHERE NOT pg_catalog.pg_has_role(current_user, right_, 'USAGE')
		ORDER BY 2`, []string{rightStats, rightSignal})
	if err != nil {
		return nil, fmt.Errorf("cannot read the rights of the role: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (lack, error) {
		var l lack
		err := row.Scan(&l.role, &l.right, &l.grant)
		l.costs = fmt.Sprintf("role %s lacks %s: %s", l.role, l.right, map[string]string{
			rightStats:  "how old a transaction is that does not come through Segue, and what it runs, is unknown, so a cutover waits longer before it tries",
			rightSignal: "--end-sessions cannot end a session unless it comes through an instance that is alive",
		}[l.right])
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the rights of the role: %w", err)
	}
	return found, nil
}

// warnOfRole logs what the role lacks. It is told at the start only.
func (i *Instance) warnOfRole(ctx context.Context, db store.DB) {
	found, err := lacks(ctx, db)
	if err != nil {
		i.log.Warn("what the role of the upstream URL may do is not known", "error", err)
	}
	for _, l := range found {
		i.log.Warn(l.costs, "mend", l.grant)
	}
}

// role finds what the role lacks, whatever the migration.
func (a *assessment) role(ctx context.Context) error {
	found, err := lacks(ctx, a.pool)
	for _, l := range found {
		a.found = append(a.found, Finding{
			ID: findingRights, Severity: Warns, Object: l.role, Message: l.costs, Hint: "a superuser runs: " + l.grant, Mend: []string{l.grant},
		})
	}
	return err
}
