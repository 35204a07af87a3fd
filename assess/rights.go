package assess

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/rules"
)

var rights = &Hazard{
	ID: "rights", Group: OfRights, Severity: Block,
	What: "the role of the upstream URL does not own a table, or may not create in its schema, so that it could neither rename it nor take that back. " +
		"As a warning: it lacks `pg_read_all_stats` or `pg_signal_backend`, without which Segue knows less and can end fewer sessions",
	Remedy:  "the `GRANT` or `ALTER TABLE … OWNER TO` that the finding names: [Rights](cutover.md#rights)",
	refusal: &refusal{says: func([]Finding) string { return "the rights to rename are missing" }},
}

// rightsChecks are about what the role of the upstream URL may do.
var rightsChecks = []check{
	{[]*Hazard{rights}, lookRights},
}

func lookRights(ctx context.Context, s *Subject, r *report) error {
	if err := lookRole(ctx, s, r); err != nil {
		return err
	}
	return lookOwners(ctx, s, r)
}

// lookOwners finds what the role lacks for the DDL of the migration, and for that of the way back.
func lookOwners(ctx context.Context, s *Subject, r *report) error {
	if !s.before() || s.To != "" && s.To != rules.Active && s.To != rules.Cutover {
		return nil
	}
	tables, err := s.tables()
	if err != nil || len(tables) == 0 {
		return err
	}
	blocks := []rules.Phase{rules.Active, rules.Cutover}
	if s.Migration.Phase == rules.Active {
		blocks = blocks[1:]
	}
	heirs, schemas := false, []string{}
	for _, op := range s.Migration.Operations {
		needed := op.Rights()
		heirs = heirs || needed.OwnHeirs
		if needed.CreateIn != "" {
			schemas = append(schemas, needed.CreateIn)
		}
	}
	// Where no operation reaches the tables that inherit one, they stay as they are, whoever owns them.
	rows, err := s.DB.Query(ctx, `
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
		return fmt.Errorf("cannot read the owners of the tables: %w", err)
	}
	lacking, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("cannot read the owners of the tables: %w", err)
	}
	for _, what := range lacking {
		r.add(rights, Object{Migration, s.Migration.ID}, Finding{Message: what, Hint: HintRights, Blocks: slices.Clone(blocks)})
	}
	return nil
}

// HintRights is what to do where the role may not rename a table.
const HintRights = "make the role of the upstream URL their owner (ALTER TABLE ... OWNER TO) or a member of the owner (GRANT), or grant it CREATE on the schema"
