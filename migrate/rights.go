package migrate

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// rights lists what the role of the connection lacks for the DDL of the migration, and for that of the way back.
func rights(ctx context.Context, db store.DB, m *rules.Migration, tables []catalog.OID) ([]string, error) {
	heirs, schemas := false, []string{}
	for _, op := range m.Operations {
		needed := op.Rights()
		heirs = heirs || needed.OwnHeirs
		if needed.CreateIn != "" {
			schemas = append(schemas, needed.CreateIn)
		}
	}
	// Where no operation reaches the tables that inherit one, they stay as they are, whoever owns them.
	rows, err := db.Query(ctx, `
		SELECT 'table ' || c.oid::pg_catalog.regclass::pg_catalog.text || ' belongs to ' || pg_catalog.pg_get_userbyid(c.relowner)
		       || ', whose rights ' || current_user || ' does not have'
		FROM pg_catalog.pg_class c
		WHERE c.oid = ANY ($1::pg_catalog.oid[]) AND NOT pg_catalog.pg_has_role(c.relowner, 'USAGE')
		  AND ($2 OR NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid AND i.inhparent = ANY ($1::pg_catalog.oid[])))
		UNION ALL
		SELECT current_user || ' has no CREATE on schema ' || pg_catalog.quote_ident(n.nspname) || ', in which a table is renamed'
		FROM pg_catalog.pg_namespace n
		WHERE n.nspname = ANY ($3::pg_catalog.name[]) AND NOT pg_catalog.has_schema_privilege(n.oid, 'CREATE')
		ORDER BY 1`, numbers(tables), heirs, schemas)
	if err != nil {
		return nil, fmt.Errorf("cannot read the owners of the tables: %w", err)
	}
	lacking, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("cannot read the owners of the tables: %w", err)
	}
	return lacking, nil
}

// hintRights is what to do about what rights lists.
const hintRights = "make the role of the upstream URL their owner (ALTER TABLE ... OWNER TO) or a member of the owner (GRANT), or grant it CREATE on the schema"

// rightsConflict refuses to begin what the role could neither finish nor take back.
func rightsConflict(ctx context.Context, db store.DB, m *rules.Migration, all []*rules.Migration, cat *catalog.Catalog, kind Kind) error {
	tables, err := rules.Affected(m, all, cat)
	if err != nil {
		return err
	}
	lacking, err := rights(ctx, db, m, tables)
	if err != nil || len(lacking) == 0 {
		return err
	}
	return &ConflictError{
		Message: fmt.Sprintf("%s of %q is refused: the rights to rename are missing", kind, m.ID),
		Hint:    hintRights,
		Missing: lacking,
	}
}
