package rewrite_test

import (
	"cmp"
	"context"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy"
	"github.com/seguedb/segue/proxy/startup"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rules"
)

// A stage is a database for the original schema, one for the renamed one, and a proxy in front of the latter. Each run
// of a property sets it anew.
type stage struct {
	original, renamed *pgx.Conn // for what is not under test
	directURL         string
	proxyURL          string
	proxy             *proxy.Server
	stats             *rewrite.Stats
}

func newStage(t *testing.T, versions proxy.VersionPolicy) *stage {
	t.Helper()
	original, renamed := pgtest.Database(t), pgtest.Database(t)
	s := &stage{
		original: pgtest.Connect(t, original), renamed: pgtest.Connect(t, renamed), directURL: original, stats: new(rewrite.Stats),
	}
	to := s.renamed.Config()
	var err error
	s.proxy, err = proxy.New(proxy.Config{
		Config: startup.Config{Upstream: startup.Upstream{
			Network: "tcp", Address: net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))), SSLMode: "disable", Database: to.Database,
		}},
		Versions: versions, StrictOracle: true, DrainTimeout: 5 * time.Second, Rewrite: rewrite.Options{Stats: s.stats},
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.proxy.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		_ = s.proxy.Shutdown(ctx)
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	s.proxyURL = pgtest.Through(t, renamed, l.Addr().String())
	return s
}

// Twins are two sessions that ought to see the same: one on a database that has a version's names, and one of that
// version on a database that has others, through the proxy.
type twins struct {
	*stage
	version    string
	searchPath string
	migrations []*rules.Migration
	client     *pgx.Conn // of the database that has the version's names
	proxied    *pgx.Conn
	tables     map[catalog.OID]catalog.OID // of the original database to the renamed one
	story      []string                    // what was done, for people
	known      map[catalog.OID]bool        // those of the renamed one
	dirty      bool                        // written in a transaction that has not ended
	auto       bool                        // unpinned, and other versions' names are understood

	list                      []*catalog.Relation // what statements are made about, in the client's names
	cat                       *catalog.Catalog
	originalDump, renamedDump string // queries for all rows
}

// unpinned tells whether the session may be understood in another version than that of its twin.
func (w *twins) unpinned() bool { return w.auto }

// draw sets the stage: schema, migrations, how far they are, and the version of the client.
func (s *stage) draw(t *rapid.T, pinned bool) *twins {
	w := s.begin(t, drawSchema(t))
	cat := load(t, w.renamed)
	w.migrations = drawMigrations(t, cat)
	version := 0
	if pinned {
		version = upTo(t, 0, len(w.migrations))
	}
	cutover := upTo(t, 0, len(w.migrations))
	w.connect(t, pinned, version, cutover, oneOf(t, "public", `public, "Sales S"`, `"Sales S", public`))
	return w
}

// begin makes the original schema in both databases.
func (s *stage) begin(t rapid.TB, schema []string) *twins {
	w := &twins{stage: s, version: rules.Base}
	w.proxy.Open(&rules.Snapshot{})
	w.do(t, w.original, schema)
	w.do(t, w.renamed, schema)
	w.pair(load(t, w.original), load(t, w.renamed))
	return w
}

// connect opens the sessions, with so many of the migrations in the client's version, and so many cut over.
func (w *twins) connect(t runner, pinned bool, version, cutover int, searchPath string) {
	for _, m := range w.migrations[:version] {
		w.version = m.ID
		w.do(t, w.original, rules.DDL(m, rules.Forward))
	}
	for _, m := range w.migrations[:cutover] {
		w.do(t, w.renamed, rules.DDL(m, rules.Forward))
		m.Phase = rules.Cutover
	}
	w.reload(t)
	w.searchPath = searchPath
	settings := map[string]string{"search_path": searchPath}
	w.client = connect(t, w.directURL, settings)
	if pinned {
		settings["segue.version"] = w.version
	}
	w.proxied = connect(t, w.proxyURL, settings)
	w.story = append(w.story, "search_path "+searchPath+", version "+w.version)
}

// pair finds for each relation that of the other database, while both have the same names.
func (w *twins) pair(original, renamed *catalog.Catalog) {
	w.tables, w.known = map[catalog.OID]catalog.OID{}, map[catalog.OID]bool{}
	original.Relations(func(r *catalog.Relation) bool {
		if slices.Contains(schemasUsed, r.Schema) {
			other := renamed.Lookup(r.Schema, r.Name).OID
			w.tables[r.OID], w.known[other] = other, true
		}
		return true
	})
}

// do runs what both databases need before the sessions begin.
func (w *twins) do(t rapid.TB, conn *pgx.Conn, statements []string) {
	sql := strings.Join(statements, ";\n")
	if conn == w.original {
		w.story = append(w.story, "-- in the client's database:", sql)
	} else {
		w.story = append(w.story, "-- in the renamed one:", sql)
	}
	if _, err := conn.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("%s\n%v", sql, err)
	}
}

// reload has the proxy know the schema as it is now.
func (w *twins) reload(t rapid.TB) {
	original, renamed := load(t, w.original), load(t, w.renamed)
	snap, err := rules.Build(1, w.migrations, renamed)
	if err != nil {
		t.Fatal(err)
	}
	w.proxy.Open(snap)
	oids := slices.Sorted(maps.Keys(w.tables))
	others := make([]catalog.OID, len(oids))
	for i, oid := range oids {
		others[i] = w.tables[oid]
	}
	w.list, w.cat = relationsOf(original), original
	w.originalDump, w.renamedDump = dump(original, oids), dump(renamed, others)
}

// relationsOf are the tables and views of the schemas used.
func relationsOf(cat *catalog.Catalog) (list []*catalog.Relation) {
	cat.Relations(func(r *catalog.Relation) bool {
		switch r.Kind {
		case catalog.Table, catalog.PartitionedTable, catalog.View:
			if slices.Contains(schemasUsed, r.Schema) {
				list = append(list, r)
			}
		}
		return true
	})
	sortRelations(list)
	return list
}

func sortRelations(list []*catalog.Relation) {
	slices.SortFunc(list, func(a, b *catalog.Relation) int { return cmp.Compare(a.OID, b.OID) })
}

func load(t rapid.TB, conn *pgx.Conn) *catalog.Catalog {
	cat, err := catalog.Load(context.Background(), conn)
	if err != nil {
		t.Fatal(err)
	}
	return cat
}

// A runner is a test, or one run of a property.
type runner interface {
	rapid.TB
	Cleanup(func())
}

func connect(t runner, url string, settings map[string]string) *pgx.Conn {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range settings {
		config.RuntimeParams[name] = value
	}
	conn, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}
