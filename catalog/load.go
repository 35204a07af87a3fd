package catalog

import (
	"context"
	"fmt"

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
	version, key, err := identify(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("cannot read the catalog: %w", err)
	}
	shipped, ok := cachedSystem(key)
	if !ok {
		if shipped, err = read(ctx, q, version, 0, firstUserOID-1); err != nil {
			return nil, fmt.Errorf("cannot read the system catalog: %w", err)
		}
		cacheSystem(key, shipped)
	}
	users, err := read(ctx, q, version, firstUserOID, 1<<32-1)
	if err != nil {
		return nil, fmt.Errorf("cannot read the catalog: %w", err)
	}
	fingerprint, err := Fingerprint(ctx, q)
	if err != nil {
		return nil, err
	}
	c := New(version,
		append(users.relations, shipped.relations...),
		append(users.functions, shipped.functions...),
		append(users.types, shipped.types...))
	c.Fingerprint = fingerprint
	if c.SessionChangers, err = readSessionChangers(ctx, q); err != nil {
		return nil, fmt.Errorf("cannot read which functions change the session: %w", err)
	}
	return c, nil
}

// objects is what was read of one range of OIDs.
type objects struct {
	relations []*Relation
	functions []*Function
	types     []*Type
}

// read reads the objects with OIDs from low to high.
func read(ctx context.Context, q Querier, version int, low, high uint32) (*objects, error) {
	o := new(objects)
	var err error
	if o.relations, err = readRelations(ctx, q, low, high); err != nil {
		return nil, err
	}
	byOID := make(map[OID]*Relation, len(o.relations))
	for _, r := range o.relations {
		byOID[r.OID] = r
	}
	if err = readColumns(ctx, q, byOID, low, high); err != nil {
		return nil, err
	}
	if err = readInheritance(ctx, q, byOID, low, high); err != nil {
		return nil, err
	}
	if o.functions, err = readFunctions(ctx, q, low, high); err != nil {
		return nil, err
	}
	if o.types, err = readTypes(ctx, q, version, low, high); err != nil {
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
