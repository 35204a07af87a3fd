package assess

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

var publication = &Hazard{
	ID: "publication", Group: OfBreak, Severity: Warn,
	What:   "a table is published: its subscribers do not follow a rename",
	Remedy: "rename it at the subscribers when you cut over, or take it out of the publication",
}

func lookPublications(ctx context.Context, s *Subject, r *report) error {
	tables, err := s.tables()
	if err != nil || !s.before() || len(tables) == 0 {
		return err
	}
	rows, err := s.DB.Query(ctx, `
		SELECT t.schemaname || '.' || t.tablename, pg_catalog.string_agg(t.pubname, ', ' ORDER BY t.pubname)
		FROM pg_catalog.pg_publication_tables t
		JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname
		JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
		WHERE c.oid = ANY ($1::pg_catalog.oid[])
		GROUP BY 1 ORDER BY 1`, numbers(tables))
	if err != nil {
		return fmt.Errorf("cannot read pg_publication_tables: %w", err)
	}
	var table, publications string
	_, err = pgx.ForEachRow(rows, []any{&table, &publications}, func() error {
		r.add(publication, Object{Table, table}, Finding{
			Message: "it is published by " + publications + "; subscribers do not follow a rename",
			Hint:    "rename it at the subscribers when you cut over",
		})
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read pg_publication_tables: %w", err)
	}
	return nil
}
