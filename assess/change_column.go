package assess

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

var changeColumn = &Hazard{
	ID: "change-column", Group: OfTable, Severity: Warn,
	What: "a column that a change takes has something of its own that those have not which the change gives: a comment, a statistics target, an attribute such as `n_distinct`, a way of " +
		"storage or of compression, a privilege, a constraint, or extended statistics. Found when the new columns are there",
	Remedy: "run the statement that the finding has, past Segue, with what the new columns are to have; or waive it. " +
		"Until cutover it is an error and refuses that, unless it is waived or the request accepts it: `--accept-difference`",
	refusal: lacks,
}

// ownOfColumns lists what old columns ($3) of a table ($1, $2) have of their own and none of the new ones ($4) has, each with the statement
// that would make it. Attributes count that can be set: a server may keep others for itself. What privileges on the table give is no matter
// of columns. Constraints and statistics are alike where they are of one kind and have the same columns besides those of the change.
const ownOfColumns = `
WITH named AS (
	SELECT c.oid, c.relowner, c.relacl, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS name,
		(SELECT pg_catalog.string_agg(pg_catalog.quote_ident(x), ', ') FROM pg_catalog.unnest($4::pg_catalog.text[]) AS x) AS given, pg_catalog.quote_ident(($4::pg_catalog.text[])[1]) AS first
	FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2),
col AS (
	SELECT a.attrelid, a.attnum, pg_catalog.quote_ident(a.attname) AS attname, a.attname = ANY ($3) AS old, coalesce(a.attstattarget, -1) AS target, a.attacl, COMPRESSION AS compression,
		(SELECT pg_catalog.array_agg(o) FROM pg_catalog.unnest(a.attoptions) o WHERE o LIKE 'n\_distinct%') AS attoptions,
		a.attstorage, y.typstorage, pg_catalog.col_description(a.attrelid, a.attnum) AS comment
	FROM named JOIN pg_catalog.pg_attribute a ON a.attrelid = named.oid JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
	WHERE a.attname = ANY ($3) OR a.attname = ANY ($4)),
acl AS (
	SELECT col.attname, col.old, g.grantee, g.privilege_type, pg_catalog.bool_or(g.is_grantable) AS grantable FROM named, col, pg_catalog.aclexplode(col.attacl) g
	WHERE g.grantee <> named.relowner AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(named.relacl) w
		WHERE w.grantee IN (g.grantee, 0) AND w.privilege_type = g.privilege_type AND w.is_grantable >= g.is_grantable)
	GROUP BY col.attname, col.old, g.grantee, g.privilege_type),
over AS (
	SELECT k.contype::pg_catalog.text || k.confrelid AS kind, 'the constraint ' || pg_catalog.quote_ident(k.conname) AS what, k.oid, k.conkey::pg_catalog.int4[] AS cols
	FROM named JOIN pg_catalog.pg_constraint k ON k.conrelid = named.oid WHERE k.contype IN ('u', 'p', 'f', 'x')
	UNION ALL SELECT 's' || pg_catalog.array_to_string(s.stxkind, ''), 'the statistics ' || pg_catalog.quote_ident(s.stxname), s.oid, (
		SELECT pg_catalog.array_agg(d.refobjsubid) FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass AND d.objid = s.oid
			AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = named.oid AND d.refobjsubid > 0)
	FROM named JOIN pg_catalog.pg_statistic_ext s ON s.stxrelid = named.oid),
several AS (
	SELECT over.kind, over.what, over.oid, u.* FROM over, LATERAL (
		SELECT pg_catalog.array_agg(DISTINCT col.attname) FILTER (WHERE col.old) AS old, coalesce(pg_catalog.bool_or(NOT col.old), false) AS new,
			pg_catalog.array_agg(DISTINCT n) FILTER (WHERE col.attnum IS NULL) AS rest
		FROM pg_catalog.unnest(over.cols) AS n LEFT JOIN col ON col.attnum = n) u)
SELECT attname, 'a comment', 'COMMENT ON COLUMN ' || name || '.' || first || ' IS …'
FROM named, col WHERE old AND comment IS NOT NULL AND NOT EXISTS (SELECT FROM col o WHERE NOT o.old AND o.comment IS NOT NULL)
UNION ALL SELECT attname, 'the statistics target ' || target, 'ALTER TABLE ' || name || ' ALTER COLUMN ' || first || ' SET STATISTICS ' || target
FROM named, col WHERE old AND target >= 0 AND NOT EXISTS (SELECT FROM col o WHERE NOT o.old AND o.target >= 0)
UNION ALL SELECT attname, pg_catalog.array_to_string(attoptions, ', '), 'ALTER TABLE ' || name || ' ALTER COLUMN ' || first || ' SET (' || pg_catalog.array_to_string(attoptions, ', ') || ')'
FROM named, col WHERE old AND attoptions IS NOT NULL AND NOT EXISTS (SELECT FROM col o WHERE NOT o.old AND o.attoptions IS NOT NULL)
UNION ALL SELECT attname, 'the storage ' || kind, 'ALTER TABLE ' || name || ' ALTER COLUMN ' || first || ' SET STORAGE ' || kind
FROM named, col, LATERAL (SELECT CASE attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'x' THEN 'EXTENDED' ELSE 'MAIN' END AS kind) k
WHERE old AND attstorage <> typstorage AND EXISTS (SELECT FROM col o WHERE NOT o.old AND o.typstorage <> 'p') AND NOT EXISTS (SELECT FROM col o WHERE NOT o.old AND o.attstorage = col.attstorage)
UNION ALL SELECT attname, 'the compression ' || kind, 'ALTER TABLE ' || name || ' ALTER COLUMN ' || first || ' SET COMPRESSION ' || kind
FROM named, col, LATERAL (SELECT CASE compression WHEN 'l' THEN 'lz4' ELSE 'pglz' END AS kind) k
WHERE old AND compression <> '' AND EXISTS (SELECT FROM col o WHERE NOT o.old AND o.typstorage <> 'p') AND NOT EXISTS (SELECT FROM col o WHERE NOT o.old AND o.compression = col.compression)
UNION ALL SELECT attname, privilege_type || ' for ' || who, 'GRANT ' || privilege_type || ' (' || given || ') ON ' || name || ' TO ' || who || CASE WHEN grantable THEN ' WITH GRANT OPTION' ELSE '' END
FROM named, acl, LATERAL (SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(grantee)) END AS who) k
WHERE old AND NOT EXISTS (SELECT FROM acl o WHERE NOT o.old AND o.grantee IN (acl.grantee, 0) AND o.privilege_type = acl.privilege_type AND o.grantable >= acl.grantable)
UNION ALL SELECT pg_catalog.unnest(old), what, CASE WHEN kind LIKE 's%' THEN 'CREATE STATISTICS … ON ' || given || ', … FROM ' || name || ', as ' || pg_catalog.pg_get_statisticsobjdef(several.oid)
	ELSE 'ALTER TABLE ' || name || ' ADD CONSTRAINT … on ' || given || ', as ' || pg_catalog.pg_get_constraintdef(several.oid) END
FROM named, several WHERE old IS NOT NULL AND NOT EXISTS (SELECT FROM several o WHERE o.new AND o.kind = several.kind AND o.rest IS NOT DISTINCT FROM several.rest)
ORDER BY 1, 2`

// lookChangeColumns finds what old columns have of their own and no new one has.
func lookChangeColumns(ctx context.Context, s *Subject, r *report) error {
	if !s.looksForDifferences() {
		return nil
	}
	compression := "''::pg_catalog.text"
	var has bool
	err := s.DB.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = 'pg_catalog.pg_attribute'::pg_catalog.regclass AND attname = 'attcompression')`).Scan(&has)
	if err != nil {
		return fmt.Errorf("cannot look at the columns: %w", err)
	}
	if has {
		compression = "a.attcompression"
	}
	for _, op := range s.Migration.Changes() {
		side := sidesOf(op, s.Migration.Phase)
		if side.alone || len(side.new) == 0 {
			continue
		}
		rows, err := s.DB.Query(ctx, strings.Replace(ownOfColumns, "COMPRESSION", compression, 1), side.table.Schema, side.table.Name, side.old, side.new)
		if err != nil {
			return fmt.Errorf("cannot look at the columns: %w", err)
		}
		type own struct{ Column, What, SQL string }
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[own])
		if err != nil {
			return fmt.Errorf("cannot look at the columns: %w", err)
		}
		_, to := op.Sides()
		for len(found) > 0 {
			n := slices.IndexFunc(found, func(o own) bool { return o.Column != found[0].Column })
			if n < 0 {
				n = len(found)
			}
			var what, sql []string
			for _, o := range found[:n] {
				what, sql = append(what, o.What), append(sql, o.SQL)
			}
			s.differs(r, changeColumn, Object{Column, side.table.String() + "." + found[0].Column}, Finding{
				Message: fmt.Sprintf("it has what nothing of %s has: %s", strings.Join(to, ", "), strings.Join(what, ", ")),
				Hint:    "run, past Segue and as it is meant for the new columns: " + strings.Join(sql, "; ") + "; or waive it",
			})
			found = found[n:]
		}
	}
	return nil
}
