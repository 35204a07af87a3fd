package migrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/store"
)

// own is what this instance reports of its connections. The clock is read first: what is asked for later is not answered by that.
func (i *Instance) own(ctx context.Context, db store.DB) (store.Report, error) {
	r := store.Report{}
	if err := db.QueryRow(ctx, `SELECT pg_catalog.clock_timestamp()`).Scan(&r.AsOf); err != nil {
		return r, fmt.Errorf("cannot read the server's clock: %w", err)
	}
	text, pids, err := i.clients()
	r.Sessions, r.PIDs = text, append(i.lines.backends(), pids...)
	return r, err
}

// clients are the sessions of clients, with their backends.
func (i *Instance) clients() (text []byte, pids []uint32, err error) {
	sessions := i.traffic.Sessions()
	if sessions == nil {
		sessions = []SessionInfo{}
	}
	for _, s := range sessions {
		pids = append(pids, s.PID)
	}
	if text, err = json.Marshal(sessions); err != nil {
		err = fmt.Errorf("cannot list the sessions: %w", err)
	}
	return text, pids, err
}

// report writes down the sessions and the uses of this instance. Neither keeps the other back.
func (i *Instance) report(ctx context.Context, db store.DB) error {
	err := i.storeUses(ctx, db)
	r, failed := i.own(ctx, db)
	if failed == nil {
		failed = store.ReportInstance(ctx, db, i.cfg.ID, r)
	}
	return errors.Join(err, failed)
}

// acknowledge tells the leader that nothing is in flight on the tables of that attempt, and what the proofs of contract
// and rollback need to know, as of now. Only contract, whose proof reads the uses, waits until they are stored.
func (i *Instance) acknowledge(ctx context.Context, attempt, epoch int64, proven bool) error {
	pool, err := i.database()
	if err != nil {
		return err
	}
	if err := i.storeUses(ctx, pool); err != nil {
		if proven || ctx.Err() != nil {
			return err
		}
		i.log.Warn("a gate is acknowledged without the usage, which could not be stored and is kept", "error", err)
	}
	r, err := i.own(ctx, pool)
	if err != nil {
		return err
	}
	_, err = store.Acknowledge(ctx, pool, i.cfg.ID, attempt, epoch, r)
	return err
}

func (i *Instance) withdraw(ctx context.Context, attempt int64) error {
	pool, err := i.database()
	if err != nil {
		return err
	}
	return store.Withdraw(ctx, pool, i.cfg.ID, attempt)
}

func signed(pids []uint32) []int32 {
	out := make([]int32, len(pids))
	for i, pid := range pids {
		out[i] = int32(pid)
	}
	return out
}

func numbers(tables []catalog.OID) []uint32 {
	out := make([]uint32, len(tables))
	for i, oid := range tables {
		out[i] = uint32(oid)
	}
	return out
}

// pids lists the backends of all instances.
func pidsOf(instances []member) []uint32 {
	var all []uint32
	for _, m := range instances {
		all = append(all, m.PIDs...)
	}
	return all
}

// instanceOf tells through which instance the session of that backend comes; "" when through none.
func instanceOf(instances []member, pid uint32) string {
	for _, m := range instances {
		if slices.Contains(m.PIDs, pid) {
			return m.ID
		}
	}
	return ""
}
