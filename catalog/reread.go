package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// Refresh is Load, but of what users have made it reads only the objects that have changed since c was read. q must be of
// the connection that c was read over: after a failover or a restore another server may have other objects under the same
// transaction numbers. c may be nil; then, and whenever else the changes cannot be told, all is read.
func (c *Catalog) Refresh(ctx context.Context, q Querier) (*Catalog, error) {
	if c == nil || c.shipped == nil {
		return Load(ctx, q)
	}
	version, key, horizon, err := identify(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("cannot read the catalog: %w", err)
	}
	if shipped, ok := cachedSystem(key); !ok || shipped != c.shipped || version != c.ServerVersion {
		return Load(ctx, q)
	}
	next, err := c.Reread(ctx, q)
	if err != nil || next.shipped != nil {
		return next, err
	}
	next.shipped, next.horizon = c.shipped, horizon
	return next, next.complete(ctx, q)
}

// Reread reads the catalog anew, but of what users have made only the objects that have changed since c was read. It is
// for a session that must know what it has made itself: Fingerprint of the result is empty, and SessionChangers and Makers are those
// of c. When c was not read, or turns out to be of another server, all is read.
func (c *Catalog) Reread(ctx context.Context, q Querier) (*Catalog, error) {
	if c.shipped == nil {
		return Load(ctx, q)
	}
	ch, err := c.changes(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("cannot read what has changed in the catalog: %w", err)
	}
	if ch.next-c.horizon > maxAge {
		return Load(ctx, q)
	}
	next, err := c.with(ctx, q, ch)
	if errors.Is(err, errUnrelated) {
		return Load(ctx, q)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read what has changed in the catalog: %w", err)
	}
	return next, nil
}

// RereadCode is Reread, but SessionChangers and Makers are those of c and what q shows besides. It takes some milliseconds more. Those of
// c stay because code of other sessions is run as it is now, and a transaction may see the catalogs as they were when it began.
func (c *Catalog) RereadCode(ctx context.Context, q Querier) (*Catalog, error) {
	next, err := c.Reread(ctx, q)
	if err != nil {
		return nil, err
	}
	if next.shipped == nil {
		if err := next.readRunners(ctx, q); err != nil {
			return nil, fmt.Errorf("cannot read which functions change the session or make something: %w", err)
		}
	}
	next.addRunners(c)
	return next, nil
}

// errUnrelated says that there is something which the catalog at hand does not have, though it is older than that.
var errUnrelated = errors.New("the catalog is of another server")

// maxAge is by how many transactions a catalog may be older than what is read of it. xmin has 32 bits, of which a comparison can
// use 31.
const maxAge = 1 << 30

// A row that is visible now and was not visible when the catalog was read was written by a transaction that had not ended
// by then. So its xmin is that of the oldest transaction that was running, or a later one; age turns the comparison
// around, and is right although xids wrap around. A row that was visible then and is not any more has been replaced by
// one that is new, or the object is not listed any more. Objects in a schema that has changed count as changed: the schema
// may have another name. Temporary relations do, because the catalog at hand may be that of another session.
const changesSQL = `
	WITH horizon AS MATERIALIZED (
		SELECT pg_catalog.age($1::pg_catalog.text::pg_catalog.xid) AS age
	), schemas AS MATERIALIZED (
		SELECT oid FROM pg_catalog.pg_namespace WHERE pg_catalog.age(xmin) <= (SELECT age FROM horizon)
	)
	SELECT
	ARRAY(SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.oid >= 16384 AND ` + userVisible + `),
	ARRAY(SELECT oid FROM pg_catalog.pg_class
		WHERE oid >= 16384 AND (pg_catalog.age(xmin) <= (SELECT age FROM horizon) OR relpersistence = 't' OR relnamespace IN (SELECT oid FROM schemas))
		UNION
		SELECT attrelid FROM pg_catalog.pg_attribute WHERE attrelid >= 16384 AND pg_catalog.age(xmin) <= (SELECT age FROM horizon)),
	ARRAY(SELECT oid FROM pg_catalog.pg_proc WHERE oid >= 16384),
	ARRAY(SELECT oid FROM pg_catalog.pg_proc
		WHERE oid >= 16384 AND (pg_catalog.age(xmin) <= (SELECT age FROM horizon) OR pronamespace IN (SELECT oid FROM schemas))),
	ARRAY(SELECT t.oid FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
		WHERE t.oid >= 16384 AND n.nspname <> 'pg_toast'),
	ARRAY(SELECT oid FROM pg_catalog.pg_type
		WHERE oid >= 16384 AND (pg_catalog.age(xmin) <= (SELECT age FROM horizon) OR typnamespace IN (SELECT oid FROM schemas))),
	ARRAY(SELECT inhrelid FROM pg_catalog.pg_inherits WHERE inhrelid >= 16384 ORDER BY inhrelid, inhseqno),
	ARRAY(SELECT inhparent FROM pg_catalog.pg_inherits WHERE inhrelid >= 16384 ORDER BY inhrelid, inhseqno),
	pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())`

// changes are what changesSQL returns: of each kind all objects, and those that have changed; who inherits from whom; and
// the next transaction's number, with its epoch.
type changes struct {
	relations, changedRelations []OID
	functions, changedFunctions []OID
	types, changedTypes         []OID
	heirs, parents              []OID
	next                        int64
}

func (c *Catalog) changes(ctx context.Context, q Querier) (*changes, error) {
	ch := new(changes)
	horizon := strconv.FormatUint(uint64(uint32(c.horizon)), 10)
	err := forEach(ctx, q, changesSQL, []any{horizon}, func(rows pgx.Rows) error {
		return rows.Scan(&ch.relations, &ch.changedRelations, &ch.functions, &ch.changedFunctions, &ch.types, &ch.changedTypes,
			&ch.heirs, &ch.parents, &ch.next)
	})
	return ch, err
}

// with makes the catalog in which the changed objects are as they are now.
func (c *Catalog) with(ctx context.Context, q Querier, ch *changes) (*Catalog, error) {
	ch.changedRelations = append(ch.changedRelations, c.typedBy(ch)...)
	o, err := readChanged(ctx, q, c.ServerVersion, ch)
	if err != nil {
		return nil, err
	}
	relations, err := merged(ch.relations, o.relations, c.relations, (*Relation).oid)
	if err != nil {
		return nil, err
	}
	functions, err := merged(ch.functions, o.functions, c.functionsByOID(), (*Function).oid)
	if err != nil {
		return nil, err
	}
	types, err := merged(ch.types, o.types, c.types, (*Type).oid)
	if err != nil {
		return nil, err
	}
	related(relations, ch.heirs, ch.parents)
	next := New(c.ServerVersion,
		append(relations, c.shipped.relations...),
		append(functions, c.shipped.functions...),
		append(types, c.shipped.types...))
	next.SessionChangers, next.Makers, next.Cleared = c.SessionChangers, c.Makers, c.Cleared
	return next, nil
}

// readChanged reads the objects that have changed.
func readChanged(ctx context.Context, q Querier, version int, ch *changes) (o *objects, err error) {
	o = new(objects)
	if len(ch.changedRelations) > 0 {
		which := these(ch.changedRelations)
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
	}
	if len(ch.changedFunctions) > 0 {
		if o.functions, err = readFunctions(ctx, q, these(ch.changedFunctions)); err != nil {
			return nil, err
		}
	}
	if len(ch.changedTypes) > 0 {
		o.types, err = readTypes(ctx, q, version, these(ch.changedTypes))
	}
	return o, err
}

// typedBy are the relations that have not changed and have a column of a type that has: it may be called otherwise now.
func (c *Catalog) typedBy(ch *changes) (out []OID) {
	changed := make(map[OID]bool, len(ch.changedTypes))
	for _, oid := range ch.changedTypes {
		changed[oid] = c.types[oid] != nil
	}
	known := make(map[OID]bool, len(ch.changedRelations))
	for _, oid := range ch.changedRelations {
		known[oid] = true
	}
	named := func(col Column) bool {
		t := c.types[col.Type]
		return changed[col.Type] || t != nil && changed[t.Elem]
	}
	for _, oid := range ch.relations {
		if r := c.relations[oid]; r != nil && !known[oid] && slices.ContainsFunc(r.Columns, named) {
			out = append(out, oid)
		}
	}
	return out
}

func (r *Relation) oid() OID { return r.OID }
func (f *Function) oid() OID { return f.OID }
func (t *Type) oid() OID     { return t.OID }

// merged lists the objects that there are now, in the order in which Load reads them: each as it was read now, or else as
// it was.
func merged[T any](listed []OID, changed []*T, before map[OID]*T, oid func(*T) OID) ([]*T, error) {
	now := make(map[OID]*T, len(changed))
	for _, x := range changed {
		now[oid(x)] = x
	}
	slices.Sort(listed)
	out := make([]*T, 0, len(listed))
	for _, o := range listed {
		x := now[o]
		if x == nil {
			x = before[o]
		}
		if x == nil {
			return nil, errUnrelated
		}
		out = append(out, x)
	}
	return out, nil
}

func (c *Catalog) functionsByOID() map[OID]*Function {
	out := make(map[OID]*Function, len(c.functions))
	for _, overloads := range c.functions {
		for _, f := range overloads {
			out[f.OID] = f
		}
	}
	return out
}

// related gives the users' relations their parents and children. Those that had or get any are copied first,
// for others may share them.
func related(relations []*Relation, heirs, parents []OID) {
	family := make(map[OID]*Relation, 2*len(heirs))
	for _, oid := range slices.Concat(heirs, parents) {
		family[oid] = nil
	}
	for i, r := range relations {
		if _, in := family[r.OID]; !in && len(r.Parents)+len(r.Children) == 0 {
			continue
		}
		alone := *r
		alone.Parents, alone.Children = nil, nil
		relations[i], family[r.OID] = &alone, &alone
	}
	for i := range heirs {
		if c, p := family[heirs[i]], family[parents[i]]; c != nil && p != nil {
			c.Parents = append(c.Parents, p.OID)
			p.Children = append(p.Children, c.OID)
		}
	}
}
