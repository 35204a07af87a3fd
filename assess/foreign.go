package assess

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

var foreignTable = &Hazard{
	ID: "foreign-table", Group: OfBreak, Severity: Warn,
	What: "a foreign table of `postgres_fdw` in this database reads a table under its name through a server that may lead back to this database: " +
		"names at the other end do not follow a rename. Foreign tables in other databases cannot be seen from here; their sessions are, as `bypass`",
	Remedy: "let the server lead through an instance of Segue, with `options '-c segue.version=base'`, or change the options `table_name` and `column_name` when you cut over",
}

// lookForeignTables finds foreign tables that are about the names which go. Defaults are those of postgres_fdw: the names of
// the foreign table itself.
func lookForeignTables(ctx context.Context, s *Subject, r *report) error {
	tables, err := s.tables()
	if err != nil || !s.before() || len(tables) == 0 {
		return err
	}
	renamed, columns := false, []string{}
	for _, n := range s.Migration.Names() {
		if n.Column {
			columns = append(columns, n.From)
		} else {
			renamed = true
		}
	}
	rows, err := s.DB.Query(ctx, `
		WITH option AS MATERIALIZED (
			SELECT t.ftrelid, c.relname, n.nspname, v.srvname, v.srvoptions, t.ftoptions
			FROM pg_catalog.pg_foreign_table t
			JOIN pg_catalog.pg_class c ON c.oid = t.ftrelid
			JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			JOIN pg_catalog.pg_foreign_server v ON v.oid = t.ftserver
			JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = v.srvfdw AND w.fdwname = 'postgres_fdw'
		), remote AS (
			SELECT o.*,
			       coalesce((SELECT option_value FROM pg_catalog.pg_options_to_table(ftoptions) WHERE option_name = 'schema_name'), nspname) AS schema,
			       coalesce((SELECT option_value FROM pg_catalog.pg_options_to_table(ftoptions) WHERE option_name = 'table_name'), relname) AS name
			FROM option o
			WHERE coalesce((SELECT option_value FROM pg_catalog.pg_options_to_table(srvoptions) WHERE option_name = 'dbname'), pg_catalog.current_database())
			      = pg_catalog.current_database()
		)
		SELECT f.ftrelid::pg_catalog.regclass::pg_catalog.text, pg_catalog.quote_ident(f.srvname), c.oid::pg_catalog.regclass::pg_catalog.text,
		       ARRAY(SELECT coalesce((SELECT option_value FROM pg_catalog.pg_options_to_table(a.attfdwoptions) WHERE option_name = 'column_name'), a.attname)
		             FROM pg_catalog.pg_attribute a WHERE a.attrelid = f.ftrelid AND a.attnum > 0 AND NOT a.attisdropped)
		FROM remote f
		JOIN pg_catalog.pg_namespace n ON n.nspname = f.schema
		JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = f.name
		WHERE c.oid = ANY ($1::pg_catalog.oid[])
		ORDER BY 1`, numbers(tables))
	if err != nil {
		return fmt.Errorf("cannot read the foreign tables: %w", err)
	}
	var name, server, table string
	var read []string
	_, err = pgx.ForEachRow(rows, []any{&name, &server, &table, &read}, func() error {
		if !renamed && !slices.ContainsFunc(read, func(c string) bool { return slices.Contains(columns, c) }) {
			return nil
		}
		r.add(foreignTable, Object{"foreign table", name}, Finding{
			Message: fmt.Sprintf("it reads %s through server %s by names that are kept in its options; if that leads to this database, it fails after cutover", table, server),
			Hint: fmt.Sprintf("let the server lead through Segue: ALTER SERVER %s OPTIONS (ADD options '-c segue.version=base'), with host and port of an instance; "+
				"or give the foreign table the new names when you cut over, by ALTER FOREIGN TABLE and the options table_name and column_name", server),
		})
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read the foreign tables: %w", err)
	}
	return nil
}
