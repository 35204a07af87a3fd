package assess

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

var viewColumn = &Hazard{
	ID: "view-column", Group: OfFollow, Severity: Note,
	What: "a view or a materialized view reads a column that is renamed, and has a column of the old name itself. It follows the rename, and its own column " +
		"keeps its name, in every version",
	Remedy: "nothing; if the column is to have the new name as well, rename it once no app needs the old one",
}

// lookViews finds the columns of views that are called like the column that they show.
func lookViews(ctx context.Context, s *Subject, r *report) error {
	tables, err := s.tables()
	if err != nil || !s.before() || len(tables) == 0 {
		return err
	}
	names, to := []string{}, map[string]string{}
	for _, n := range s.Migration.Names() {
		if n.Column {
			names = append(names, n.From)
			to[n.From] = n.To
		}
	}
	rows, err := s.DB.Query(ctx, `
		SELECT DISTINCT CASE v.relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END, v.oid::pg_catalog.regclass::pg_catalog.text,
		       a.attname::pg_catalog.text, pg_catalog.quote_ident(a.attname)
		FROM pg_catalog.pg_depend d
		JOIN pg_catalog.pg_attribute read ON read.attrelid = d.refobjid AND read.attnum = d.refobjsubid
		JOIN pg_catalog.pg_rewrite w ON w.oid = d.objid
		JOIN pg_catalog.pg_class v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm')
		JOIN pg_catalog.pg_attribute a ON a.attrelid = v.oid AND a.attname = read.attname AND NOT a.attisdropped
		WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
		  AND d.refobjid = ANY ($1::pg_catalog.oid[]) AND read.attname = ANY ($2::pg_catalog.name[])
		ORDER BY 2, 3`, numbers(tables), names)
	if err != nil {
		return fmt.Errorf("cannot read what views show: %w", err)
	}
	var about Object
	var column, quoted string
	_, err = pgx.ForEachRow(rows, []any{&about.Kind, &about.Name, &column, &quoted}, func() error {
		r.add(viewColumn, about, Finding{
			Message: fmt.Sprintf("it follows the rename, and its own column is still called %s, in every version", quoted),
			Hint: fmt.Sprintf("if it is to be called %q as well, once no app needs the old name: ALTER %s %s RENAME COLUMN %s TO ...",
				to[column], sqlKind(about.Kind), about.Name, quoted),
		})
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read what views show: %w", err)
	}
	return nil
}

// sqlKind is the kind of a view in SQL.
func sqlKind(k ObjectKind) string {
	if k == "materialized view" {
		return "MATERIALIZED VIEW"
	}
	return "VIEW"
}
