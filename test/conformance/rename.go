package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// suffix is what the physical names of renamed columns and tables have behind the names that the scripts know. No
// script of the suite has a name that ends so, so that the catalog alone tells what was renamed.
const suffix = "_phys"

const maxIdentifier = 63 // NAMEDATALEN-1, in bytes

// A renamer renames the columns of tables, and of some the tables, behind the back of whoever uses them.
type renamer struct {
	conn   *pgx.Conn
	tables bool // rename every fourth table, too
	seen   map[catalog.OID]bool

	renamed int      // tables of which something was renamed
	skipped []string // what could not be renamed, and why
}

// newRenamer connects to the database.
func newRenamer(ctx context.Context, url string, tables bool) (*renamer, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	cfg.RuntimeParams["application_name"] = "conformance"
	cfg.RuntimeParams["jit"] = "off" // as control connections do
	cfg.RuntimeParams["search_path"] = "pg_catalog"
	cfg.RuntimeParams["lock_timeout"] = "300ms"
	cfg.RuntimeParams["statement_timeout"] = "20s"
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &renamer{conn: conn, tables: tables, seen: map[catalog.OID]bool{}}, nil
}

// candidate is a table that may be renamed, with the columns that are its own and not inherited.
type candidate struct {
	oid          catalog.OID
	schema, name string
	columns      []string
}

// candidatesSQL leaves out typed tables, whose columns are their type's, tables that are made for the limit on columns,
// which would slow down every later snapshot, and what has been looked at already.
const candidatesSQL = `
	SELECT c.oid, n.nspname, c.relname,
		array(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
			AND a.attinhcount = 0 AND a.attname NOT LIKE '%\_phys' AND octet_length(a.attname) <= $1 ORDER BY a.attnum)
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND c.reloftype = 0 AND c.relnatts <= 100 AND c.oid >= 16384
		AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND NOT (c.oid = ANY ($2)) ORDER BY c.oid`

// rename renames what is there and was not looked at before.
func (r *renamer) rename(ctx context.Context) error {
	seen := make([]uint32, 0, len(r.seen))
	for oid := range r.seen {
		seen = append(seen, uint32(oid))
	}
	rows, err := r.conn.Query(ctx, candidatesSQL, maxIdentifier-len(suffix), seen)
	if err != nil {
		return err
	}
	tables, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c candidate, err error) {
		return c, row.Scan(&c.oid, &c.schema, &c.name, &c.columns)
	})
	if err != nil {
		return err
	}
	for _, t := range tables {
		if err := r.table(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// table renames one table's columns in one transaction, or where that fails one by one.
func (r *renamer) table(ctx context.Context, t candidate) error {
	r.seen[t.oid] = true
	full := pgx.Identifier{t.schema, t.name}.Sanitize()
	var all []string
	for _, c := range t.columns {
		all = append(all, fmt.Sprintf("ALTER TABLE %s RENAME COLUMN %s TO %s", full,
			pgx.Identifier{c}.Sanitize(), pgx.Identifier{c + suffix}.Sanitize()))
	}
	if r.tables && everyFourth(t.name) && len(t.name)+len(suffix) <= maxIdentifier {
		all = append(all, fmt.Sprintf("ALTER TABLE %s RENAME TO %s", full, pgx.Identifier{t.name + suffix}.Sanitize()))
	}
	if len(all) == 0 {
		return nil
	}
	_, err := r.conn.PgConn().Exec(ctx, strings.Join(all, ";")).ReadAll()
	if err == nil {
		r.renamed++
		return nil
	}
	if isLockTimeout(err) {
		delete(r.seen, t.oid) // the next step tries again
		return nil
	}
	done := false
	for _, sql := range all {
		_, err := r.conn.PgConn().Exec(ctx, sql).ReadAll()
		switch {
		case err == nil:
			done = true
		case r.conn.IsClosed():
			return err
		default:
			r.skipped = append(r.skipped, fmt.Sprintf("%s: %v", sql, err))
		}
	}
	if done {
		r.renamed++
	}
	return nil
}

// releaseSQL finds the families of the tables that have one of the names, or whose schema has: their members with what of
// them was renamed.
const releaseSQL = `
	WITH RECURSIVE up AS (
		SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND c.oid >= 16384
			AND (lower(regexp_replace(c.relname, '_phys$', '')) = ANY ($1) OR $2 AND lower(n.nspname) = ANY ($1))
		UNION SELECT i.inhparent FROM up JOIN pg_inherits i ON i.inhrelid = up.oid),
	family AS (SELECT oid FROM up UNION SELECT i.inhrelid FROM family JOIN pg_inherits i ON i.inhparent = family.oid)
	SELECT c.oid, n.nspname, c.relname,
		array(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
			AND a.attinhcount = 0 AND a.attname LIKE '%\_phys' ORDER BY a.attnum)
	FROM family JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY c.oid`

// release gives the tables that have one of the names, and their families, back the names that they had. One that is
// locked keeps what it has.
func (r *renamer) release(ctx context.Context, names []string) error {
	rows, err := r.conn.Query(ctx, releaseSQL, names, slices.Contains(names[:min(2, len(names))], "schema"))
	if err != nil {
		return err
	}
	tables, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c candidate, err error) {
		return c, row.Scan(&c.oid, &c.schema, &c.name, &c.columns)
	})
	if err != nil {
		return err
	}
	for _, t := range tables {
		full := pgx.Identifier{t.schema, t.name}.Sanitize()
		var all []string
		for _, c := range t.columns {
			all = append(all, fmt.Sprintf("ALTER TABLE %s RENAME COLUMN %s TO %s", full,
				pgx.Identifier{c}.Sanitize(), pgx.Identifier{strings.TrimSuffix(c, suffix)}.Sanitize()))
		}
		if name, ok := strings.CutSuffix(t.name, suffix); ok {
			all = append(all, fmt.Sprintf("ALTER TABLE %s RENAME TO %s", full, pgx.Identifier{name}.Sanitize()))
		}
		r.seen[t.oid] = true
		if _, err := r.conn.PgConn().Exec(ctx, strings.Join(all, ";")).ReadAll(); err != nil && !isLockTimeout(err) {
			r.skipped = append(r.skipped, fmt.Sprintf("not released: %s: %v", full, err))
		}
		if r.conn.IsClosed() {
			return errors.New("the connection was lost")
		}
		if _, err := r.conn.Exec(ctx, recreateSQL, suffix, strings.TrimSuffix(t.name, suffix), append(t.columns, t.name)); err != nil {
			return err
		}
	}
	return nil
}

// recreateSQL gives function bodies that are kept as text and speak of a table the names that it and its columns had before
// they were renamed. Such a function does not follow: Segue refuses to end a migration while one names what will be gone, and
// whoever wants to makes it anew.
const recreateSQL = `
	UPDATE pg_proc SET prosrc = regexp_replace(prosrc, '\m(' || (
		SELECT string_agg(regexp_replace(c, $1 || '$', ''), '|') FROM unnest($3::text[]) c) || ')' || $1 || '\M', '\1', 'g')
	WHERE oid >= 16384 AND prosrc ~* ('\m' || $2 || '(' || $1 || ')?\M') AND prosrc ~ $1`

// everyFourth chooses tables by their names, alike in every run.
func everyFourth(name string) bool {
	sum := 0
	for i := range len(name) {
		sum += int(name[i])
	}
	return sum%4 == 0
}

func isLockTimeout(err error) bool {
	var pg interface{ SQLState() string }
	return errors.As(err, &pg) && pg.SQLState() == "55P03"
}

// snapshot is what an instance of Segue would serve if the renames had been made by one migration which is in phase
// cutover.
func (r *renamer) snapshot(ctx context.Context, epoch int64) (*rules.Snapshot, error) {
	cat, err := catalog.Load(ctx, r.conn)
	if err != nil {
		return nil, err
	}
	return rules.Build(epoch, []*rules.Migration{renames(cat)}, cat)
}

// renames reads the migration off the catalog.
func renames(cat *catalog.Catalog) *rules.Migration {
	m := &rules.Migration{ID: "renamed", Phase: rules.Cutover, Seq: 1, CreatedAt: time.Unix(0, 0), UpdatedAt: time.Unix(0, 0)}
	cat.Relations(func(r *catalog.Relation) bool {
		if r.Kind != catalog.Table && r.Kind != catalog.PartitionedTable || r.Temp || r.OID < 16384 {
			return true
		}
		name := strings.TrimSuffix(r.Name, suffix)
		if name != r.Name && cat.Lookup(r.Schema, name) != nil {
			name = r.Name
		}
		for i := range r.Columns {
			c := &r.Columns[i]
			logical, ok := strings.CutSuffix(c.Name, suffix)
			if ok && logical != "" && c.Inherited == 0 && free(cat, r, logical) {
				m.Operations = append(m.Operations, rules.RenameColumn{
					Table: rules.Name{Schema: r.Schema, Name: name}, From: logical, To: c.Name,
				})
			}
		}
		if name != r.Name {
			m.Operations = append(m.Operations, rules.RenameTable{From: rules.Name{Schema: r.Schema, Name: name}, To: r.Name})
		}
		return true
	})
	return m
}

// free tells whether no column of the table and its descendants has that name.
func free(cat *catalog.Catalog, r *catalog.Relation, column string) bool {
	if r.Column(column) != nil {
		return false
	}
	for _, oid := range cat.Descendants(r.OID) {
		if d := cat.Relation(oid); d != nil && d.Column(column) != nil {
			return false
		}
	}
	return true
}
