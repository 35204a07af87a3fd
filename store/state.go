package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// A State is what an instance looks at all the time, read by one statement and so consistent in itself.
type State struct {
	Epoch        int64
	Transition   *Transition // nil when none is pending
	Registered   bool        // the instance has a row that has not expired
	Acknowledged int64       // as its row says
	LastAudit    int64       // highest id in segue.audit
}

// LoadState reads the state for the instance of that id.
func LoadState(ctx context.Context, db DB, id string) (*State, error) {
	rows, err := db.Query(ctx, `
		SELECT e.epoch, coalesce(NOT i.expired, false), coalesce(i.acknowledged, 0),
		       (SELECT coalesce(pg_catalog.max(a.id), 0) FROM segue.audit a), t.migration IS NOT NULL, t.*
		FROM segue.epoch e
		LEFT JOIN segue.instance i ON i.id = $1
		LEFT JOIN (`+selectTransition+`) AS t ON true`, id)
	if err == nil {
		var s *State
		if s, err = pgx.CollectExactlyOneRow(rows, scanState); err == nil {
			return s, nil
		}
	}
	if errors.Is(err, pgx.ErrNoRows) {
		err = errors.New("segue.epoch has no row")
	}
	return nil, fmt.Errorf("cannot read the state in schema segue: %w", err)
}

func scanState(row pgx.CollectableRow) (*State, error) {
	s, t := new(State), new(transitionScan)
	var pending bool
	if err := row.Scan(append([]any{&s.Epoch, &s.Registered, &s.Acknowledged, &s.LastAudit, &pending}, t.targets()...)...); err != nil {
		return nil, err
	}
	if pending {
		s.Transition = t.transition()
	}
	return s, nil
}
