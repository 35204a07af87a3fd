package catalog

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// Querier is a connection or transaction. For a catalog of one moment give it a REPEATABLE READ transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// firstUserOID is FirstNormalObjectId (access/transam.h): what has a smaller OID was made by initdb.
const firstUserOID = 16384

// Load reads the catalog of the connection's database: all schemas but TOAST and the temporary tables of other sessions.
// What initdb made is read once for each kind of server and kept in memory, so that loading again costs only what users
// have made.
func Load(ctx context.Context, q Querier) (*Catalog, error) {
	version, key, horizon, err := identify(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("cannot read the catalog: %w", err)
	}
	shipped, ok := cachedSystem(key)
	if !ok {
		if shipped, err = read(ctx, q, version, between(0, firstUserOID-1)); err != nil {
			return nil, fmt.Errorf("cannot read the system catalog: %w", err)
		}
		cacheSystem(key, shipped)
	}
	users, err := read(ctx, q, version, between(firstUserOID, 1<<32-1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the catalog: %w", err)
	}
	c := New(version,
		append(users.relations, shipped.relations...),
		append(users.functions, shipped.functions...),
		append(users.types, shipped.types...))
	c.shipped, c.horizon = shipped, horizon
	return c, c.complete(ctx, q)
}

// complete reads what is of the catalog as a whole.
func (c *Catalog) complete(ctx context.Context, q Querier) (err error) {
	err = forEach(ctx, q, "SELECT ("+fingerprintSQL+"), ("+schemaAccessSQL+")", nil, func(rows pgx.Rows) error {
		return rows.Scan(&c.Fingerprint, &c.SchemaAccess)
	})
	if err != nil {
		return fmt.Errorf("cannot take the fingerprint of the catalog: %w", err)
	}
	if err = c.readRunners(ctx, q); err != nil {
		return fmt.Errorf("cannot read which functions change the session or make something: %w", err)
	}
	return nil
}

// schemaAccessSQL hashes what object_aclmask (aclchk.c) goes by for USAGE of a schema.
const schemaAccessSQL = `
	SELECT pg_catalog.md5(pg_catalog.concat_ws(' ',
		(SELECT pg_catalog.sum(pg_catalog.hashtextextended(pg_catalog.concat_ws(' ', nspname, nspowner, nspacl), oid::pg_catalog.int8))
		 FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'),
		(SELECT pg_catalog.sum(pg_catalog.hashtextextended(pg_catalog.concat_ws(' ', rolname, rolsuper, rolinherit), oid::pg_catalog.int8))
		 FROM pg_catalog.pg_roles),
		(SELECT pg_catalog.sum(pg_catalog.hashtextextended(m::pg_catalog.text, 0)) FROM pg_catalog.pg_auth_members m)))`

// objects is what was read of one range of OIDs.
type objects struct {
	relations []*Relation
	functions []*Function
	types     []*Type
}

// A selection says which objects to read, by OID.
type selection struct {
	condition string // of an OID's column, which stands in it as %s
	args      []any
}

func between(low, high uint32) selection {
	return selection{"%s BETWEEN $1 AND $2", []any{low, high}}
}

// these selects objects one by one. The list goes as text, which needs no type that a driver would have to know.
func these(oids []OID) selection {
	list := []byte{'{'}
	for i, oid := range oids {
		if i > 0 {
			list = append(list, ',')
		}
		list = strconv.AppendUint(list, uint64(oid), 10)
	}
	return selection{"%s = ANY ($1::pg_catalog.text::pg_catalog.oid[])", []any{string(append(list, '}'))}}
}

// in puts the condition into a query, which has %s for it.
func (s selection) in(sql, column string) string {
	return fmt.Sprintf(sql, fmt.Sprintf(s.condition, column))
}

// read reads the objects that are selected.
func read(ctx context.Context, q Querier, version int, which selection) (*objects, error) {
	o := new(objects)
	var err error
	if o.relations, err = readRelations(ctx, q, which); err != nil {
		return nil, err
	}
	byOID := make(map[OID]*Relation, len(o.relations))
	for _, r := range o.relations {
		byOID[r.OID] = r
	}
	if err = readColumns(ctx, q, byOID, which); err != nil {
		return nil, err
	}
	if err = readInheritance(ctx, q, byOID, which); err != nil {
		return nil, err
	}
	if o.functions, err = readFunctions(ctx, q, which); err != nil {
		return nil, err
	}
	if o.types, err = readTypes(ctx, q, version, which); err != nil {
		return nil, err
	}
	return o, nil
}

// forEach calls scan for each row of a query.
func forEach(ctx context.Context, q Querier, sql string, args []any, scan func(pgx.Rows) error) error {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
