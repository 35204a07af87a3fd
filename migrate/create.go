package migrate

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// Create stores a rule file as a draft. created is false when the same content was stored before. The same id with
// other content is a *ConflictError; a mistake in the file is a *rules.FileError.
func (i *Instance) Create(ctx context.Context, file string, data []byte, actor string) (st *Status, created bool, err error) {
	m, err := rules.Parse(file, data)
	if err != nil {
		return nil, false, err
	}
	pool, err := i.database()
	if err != nil {
		return nil, false, err
	}
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		// Two files are checked one after the other, so that the second is checked against the first.
		if _, err := store.LockEpoch(ctx, tx); err != nil {
			return err
		}
		stored, err := store.LoadMigrations(ctx, tx)
		if err != nil {
			return err
		}
		if !has(stored, m.ID) {
			cat, err := catalog.Load(ctx, tx)
			if err != nil {
				return err
			}
			if outage, err := i.unservable(stored, cat); err != nil {
				return err
			} else if outage != nil {
				return outage.refusal("create", m.ID)
			}
			if err := rules.Validate(m, stored, cat); err != nil {
				return err
			}
		}
		if created, err = store.InsertMigration(ctx, tx, m); err != nil || !created {
			return err
		}
		if err := store.AddAudit(ctx, tx, &store.AuditRow{Migration: m.ID, Kind: eventCreated, Detail: file, Actor: actor}); err != nil {
			return err
		}
		return store.Notify(ctx, tx, "")
	})
	if other, ok := errors.AsType[*store.ContentError](err); ok {
		return nil, false, &ConflictError{
			Message: fmt.Sprintf("a migration %q with other content is stored already", other.ID),
			Hint:    "give this one another id, or delete the stored one while it is a draft or rolled back",
		}
	}
	if store.Unstorable(err) {
		return nil, false, &ConflictError{
			Message: fmt.Sprintf("migration %q has a character in a name or reason that the encoding of this database lacks", m.ID),
			Hint:    "give the table or column another name, and write the reasons of waivers in letters that the database has",
		}
	}
	if err != nil {
		return nil, false, err
	}
	st, err = i.Get(ctx, m.ID)
	return st, created, err
}

func has(all []*rules.Migration, id string) bool {
	for _, m := range all {
		if m.ID == id {
			return true
		}
	}
	return false
}
