package assess

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

var (
	subscription = &Hazard{
		ID: "subscription", Group: OfBreak, Severity: Warn,
		What: "a table gets its rows through a subscription, from a publisher that sends them with the names that it has itself: after cutover " +
			"the subscription finds no table or column of the old names, and stops",
		Remedy: "rename at the publisher at the same time: disable the subscription before cutover, and enable it when both have the new names",
	}
	logicalSlot = &Hazard{
		ID: "logical-slot", Group: OfBreak, Severity: Warn,
		What:   "a consumer of logical decoding, such as change data capture, reads the changes of this database: from cutover on they carry the new names",
		Remedy: "let the consumer take both names; drop a slot that nobody reads any more",
	}
)

// lookSubscriptions finds tables that a publisher fills.
func lookSubscriptions(ctx context.Context, s *Subject, r *report) error {
	tables, err := s.tables()
	if err != nil || !s.before() || len(tables) == 0 {
		return err
	}
	rows, err := s.DB.Query(ctx, `
		SELECT x.srrelid::pg_catalog.regclass::pg_catalog.text, pg_catalog.quote_ident(u.subname)
		FROM pg_catalog.pg_subscription_rel x
		JOIN (SELECT DISTINCT subid, subname FROM pg_catalog.pg_stat_subscription) u ON u.subid = x.srsubid -- before 14 not everybody may read the other's oid
		WHERE x.srrelid = ANY ($1::pg_catalog.oid[])
		ORDER BY 1, 2`, numbers(tables))
	if err != nil {
		return fmt.Errorf("cannot read pg_subscription_rel: %w", err)
	}
	var table, name string
	_, err = pgx.ForEachRow(rows, []any{&table, &name}, func() error {
		r.add(subscription, Object{Table, table}, Finding{
			Message: fmt.Sprintf("it gets its rows through subscription %s, whose publisher sends the old names: after cutover that stops", name),
			Hint: fmt.Sprintf("rename at the publisher at the same time: ALTER SUBSCRIPTION %[1]s DISABLE before cutover, "+
				"ALTER SUBSCRIPTION %[1]s ENABLE when both have the new names", name),
		})
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read pg_subscription_rel: %w", err)
	}
	return nil
}

// lookSlots finds who reads the changes of the database other than by a publication: what he gets of a table cannot be told.
func lookSlots(ctx context.Context, s *Subject, r *report) error {
	if !s.before() {
		return nil
	}
	rows, err := s.DB.Query(ctx, `
		SELECT slot_name::pg_catalog.text, plugin::pg_catalog.text, active, pg_catalog.quote_literal(slot_name)
		FROM pg_catalog.pg_replication_slots
		WHERE slot_type = 'logical' AND database = pg_catalog.current_database() AND plugin <> 'pgoutput'
		ORDER BY 1`)
	if err != nil {
		return fmt.Errorf("cannot read pg_replication_slots: %w", err)
	}
	var name, plugin, literal string
	var active bool
	_, err = pgx.ForEachRow(rows, []any{&name, &plugin, &active, &literal}, func() error {
		f := Finding{
			Message: fmt.Sprintf("changes are read through it by the plugin %s: from cutover on they carry the new names", plugin),
			Hint:    "let the consumer take both names",
		}
		if !active {
			f.Message += "; nobody is connected to it now"
			f.Hint += ", or drop the slot if nobody reads it any more: SELECT pg_drop_replication_slot(" + literal + ")"
		}
		r.add(logicalSlot, Object{"replication slot", name}, f)
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read pg_replication_slots: %w", err)
	}
	return nil
}
