package assess

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

var publication = &Hazard{
	ID: "publication", Group: OfBreak, Severity: Warn,
	What: "a table is published. Column lists and row filters follow a rename, its subscribers do not: they look for the new names, and where they " +
		"are not there, replication stops, and the server keeps its log for it until the disk is full",
	Remedy: "run the same DDL at each subscriber when you cut over, or take the table out of the publication",
}

// lookPublications finds the tables that are published, with the slots through which subscribers read.
func lookPublications(ctx context.Context, s *Subject, r *report) error {
	tables, err := s.tables()
	if err != nil || !s.before() || len(tables) == 0 {
		return err
	}
	slots, err := publicationSlots(ctx, s.DB)
	if err != nil {
		return err
	}
	changed, renames := s.changedTables(), s.renames()
	// Servers before 15 publish whole tables, and have no prattrs and prqual.
	rows, err := s.DB.Query(ctx, `
		SELECT c.oid, t.schemaname || '.' || t.tablename, pg_catalog.string_agg(t.pubname || pg_catalog.concat(
			CASE WHEN pg_catalog.to_jsonb(x) ->> 'prattrs' IS NOT NULL THEN ' (with a list of columns)' END,
			CASE WHEN pg_catalog.to_jsonb(x) ->> 'prqual' IS NOT NULL THEN ' (with a filter of rows)' END), ', ' ORDER BY t.pubname)
		FROM pg_catalog.pg_publication_tables t
		JOIN pg_catalog.pg_publication p ON p.pubname = t.pubname
		JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname
		JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
		LEFT JOIN pg_catalog.pg_publication_rel x ON x.prpubid = p.oid AND x.prrelid = c.oid
		WHERE c.oid = ANY ($1::pg_catalog.oid[])
		GROUP BY 1, 2 ORDER BY 2`, numbers(tables))
	if err != nil {
		return fmt.Errorf("cannot read pg_publication_tables: %w", err)
	}
	var oid uint32
	var table, publications string
	_, err = pgx.ForEachRow(rows, []any{&oid, &table, &publications}, func() error {
		if slices.Contains(changed, catalog.OID(oid)) {
			r.add(publication, Object{Table, table}, Finding{
				Message: "it is published by " + publications + slots + "; subscribers do not have the columns that a change adds",
				Hint:    "take it out of the publication: ALTER PUBLICATION … DROP TABLE " + table,
			})
			return nil
		}
		r.add(publication, Object{Table, table}, Finding{
			Message: "it is published by " + publications + slots + "; subscribers do not follow a rename, and stop at the first change of the table after it",
			Hint:    "rename it at the subscribers when you cut over: " + strings.Join(rules.DDL(renames, rules.Forward), "; "),
		})
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read pg_publication_tables: %w", err)
	}
	return nil
}

// changedTables lists the tables whose columns the migration changes, with all that inherit them.
func (s *Subject) changedTables() (out []catalog.OID) {
	for _, op := range s.Migration.Changes() {
		name := op.Table(s.Migration.Phase)
		if table := s.Catalog.Lookup(name.Schema, name.Name); table != nil {
			out = append(append(out, table.OID), s.Catalog.Descendants(table.OID)...)
		}
	}
	return out
}

// renames is the migration without its changes of columns.
func (s *Subject) renames() *rules.Migration {
	m := *s.Migration
	m.Operations = slices.DeleteFunc(slices.Clone(m.Operations), func(op rules.Operation) bool {
		_, is := op.(rules.Changing)
		return is
	})
	return &m
}

// publicationSlots says through which slots publications of the database are read, as part of a sentence.
func publicationSlots(ctx context.Context, db DB) (string, error) {
	var names []string
	err := db.QueryRow(ctx, `
		SELECT coalesce(pg_catalog.array_agg(slot_name::pg_catalog.text || CASE WHEN active THEN '' ELSE ' (not connected now)' END ORDER BY slot_name), '{}')
		FROM pg_catalog.pg_replication_slots
		WHERE slot_type = 'logical' AND database = pg_catalog.current_database() AND plugin = 'pgoutput'`).Scan(&names)
	if err != nil {
		return "", fmt.Errorf("cannot read pg_replication_slots: %w", err)
	}
	if len(names) == 0 {
		return "", nil
	}
	return ", which is read through the slots " + some(names), nil
}
