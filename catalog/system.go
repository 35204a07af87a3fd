package catalog

import (
	"context"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
)

// What initdb makes differs only between builds of the server. It is kept for a few of them, keyed by the server's
// version text and a count and hash of the names, so that a server which is not quite alike is not taken for another.
var system struct {
	sync.Mutex
	byKey map[string]*objects
}

// maxSystems bounds the cache: more kinds of server than that are not met by one process in practice.
const maxSystems = 8

func cachedSystem(key string) (*objects, bool) {
	system.Lock()
	defer system.Unlock()
	o, ok := system.byKey[key]
	return o, ok
}

func cacheSystem(key string, o *objects) {
	system.Lock()
	defer system.Unlock()
	if system.byKey == nil || len(system.byKey) >= maxSystems {
		system.byKey = make(map[string]*objects)
	}
	system.byKey[key] = o
}

const identifySQL = `
	SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
	       pg_catalog.txid_snapshot_xmin(pg_catalog.txid_current_snapshot()),
	       pg_catalog.concat_ws(' ', pg_catalog.version(),
	           (SELECT pg_catalog.count(*) FROM pg_catalog.pg_proc WHERE oid < 16384),
	           (SELECT pg_catalog.count(*) FROM pg_catalog.pg_type WHERE oid < 16384),
	           (SELECT pg_catalog.sum(pg_catalog.hashtextextended(relname::pg_catalog.text, oid::pg_catalog.int8)) FROM pg_catalog.pg_class WHERE oid < 16384))`

// identify returns server_version_num, the key of what the server ships, and the oldest transaction that is running.
func identify(ctx context.Context, q Querier) (version int, key string, horizon int64, err error) {
	err = forEach(ctx, q, identifySQL, nil, func(rows pgx.Rows) error { return rows.Scan(&version, &horizon, &key) })
	if err == nil && version == 0 {
		err = fmt.Errorf("the server did not tell its version")
	}
	return version, key, horizon, err
}
