package assess

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

var extensionMember = &Hazard{
	ID: "extension-member", Group: OfTable, Severity: Warn,
	What:   "a table belongs to an extension, whose scripts for newer versions speak of the old names, and which a dump restores with them",
	Remedy: "leave such tables alone, or take the table out of the extension with `ALTER EXTENSION … DROP TABLE`",
}

// lookExtensions finds tables that belong to an extension.
func lookExtensions(ctx context.Context, s *Subject, r *report) error {
	tables, err := s.tables()
	if err != nil || !s.before() || len(tables) == 0 {
		return err
	}
	rows, err := s.DB.Query(ctx, `
		SELECT d.objid::pg_catalog.regclass::pg_catalog.text, pg_catalog.quote_ident(x.extname)
		FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid
		WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
		  AND d.deptype = 'e' AND d.objid = ANY ($1::pg_catalog.oid[])
		ORDER BY 1`, numbers(tables))
	if err != nil {
		return fmt.Errorf("cannot read what extensions have: %w", err)
	}
	var table, extension string
	_, err = pgx.ForEachRow(rows, []any{&table, &extension}, func() error {
		r.add(extensionMember, Object{Table, table}, Finding{
			Message: fmt.Sprintf("it belongs to extension %s, whose own scripts and dumps have the old names", extension),
			Hint:    "leave it alone, or take it out of the extension",
			Mend:    []string{"ALTER EXTENSION " + extension + " DROP TABLE " + table},
		})
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read what extensions have: %w", err)
	}
	return nil
}
