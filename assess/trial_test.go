package assess

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgcluster"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// TestMain has a cluster that can decode its log, and that looks for old tables often.
func TestMain(m *testing.M) {
	pgtest.MainWith(m, pgcluster.Options{Settings: map[string]string{"wal_level": "logical", "autovacuum_naptime": "1s"}})
}

// A trial is a rule file on a database of its own.
type trial struct {
	t      *testing.T
	url    string
	file   string
	phase  rules.Phase // "" for a draft
	others []*rules.Migration
	fleet  fleet
	conn   *pgx.Conn // of the instance
}

// on makes a database with these objects.
func on(t *testing.T, file string, sql ...string) *trial {
	t.Helper()
	c := &trial{t: t, url: pgtest.Database(t), file: file}
	c.run(sql...)
	return c
}

func (c *trial) run(sql ...string) {
	c.t.Helper()
	pgtest.Exec(c.t, c.url, sql...)
}

// subject is the migration as an instance assesses it at this moment.
func (c *trial) subject() *Subject {
	c.t.Helper()
	if c.conn == nil || c.conn.IsClosed() { // one for all looks: who waits for a finding takes many
		c.conn = pgtest.Connect(c.t, c.url)
		if _, err := c.conn.Exec(c.t.Context(), `SET search_path = pg_catalog`); err != nil { // as an instance has it
			c.t.Fatal(err)
		}
	}
	conn := c.conn
	cat, err := catalog.Load(c.t.Context(), conn)
	if err != nil {
		c.t.Fatal(err)
	}
	m, err := rules.Parse("file.yaml", []byte(c.file))
	if err != nil {
		c.t.Fatal(err)
	}
	m.Phase, m.Seq = rules.Draft, 1
	if c.phase != "" {
		m.Phase = c.phase
	}
	return &Subject{Migration: m, All: append([]*rules.Migration{m}, c.others...), Catalog: cat, DB: conn, Fleet: &c.fleet}
}

// found lists what is found of a hazard.
func (c *trial) found(h *Hazard) []Finding {
	c.t.Helper()
	all, err := Look(c.t.Context(), c.subject())
	if err != nil {
		c.t.Fatal(err)
	}
	for _, f := range all {
		known := slices.ContainsFunc(Hazards(), func(h *Hazard) bool { return h.ID == f.ID && h.Group == f.Group })
		if !known || f.Severity == "" || f.Message == "" || f.Object == "" || f.Object != f.About.String() {
			c.t.Errorf("a finding is not whole: %+v", f)
		}
	}
	return slices.DeleteFunc(all, func(f Finding) bool { return f.ID != h.ID })
}

// remedied checks that something is found of a hazard, about these objects, and nothing any more after the remedy.
func (c *trial) remedied(h *Hazard, objects []string, remedy ...string) []Finding {
	c.t.Helper()
	found := c.found(h)
	var about []string
	for _, f := range found {
		about = append(about, f.Object)
		if f.Hint == "" && f.Severity != Note {
			c.t.Errorf("%s of %s does not say what to do", f.ID, f.Object)
		}
	}
	if !slices.Equal(about, objects) {
		c.t.Errorf("%s is found of %q, want %q: %+v", h.ID, about, objects, found)
	}
	c.run(remedy...)
	if left := c.found(h); len(left) > 0 {
		c.t.Errorf("after %q %s is still found: %+v", remedy, h.ID, left)
	}
	return found
}

// A fleet says what the test has put into it.
type fleet struct {
	clients []Client
	silent  []Silent
	direct  []Blocker
	holders []Blocker
	use     *Use
	uses    []Use
	watched time.Duration
}

func (f *fleet) Clients(context.Context) ([]Client, []Silent, error) { return f.clients, f.silent, nil }
func (f *fleet) Direct(context.Context) ([]Blocker, error)           { return slices.Clone(f.direct), nil }
func (f *fleet) Holders(context.Context, []catalog.OID) ([]Blocker, error) {
	return f.holders, nil
}
func (f *fleet) LastOldUse(context.Context) (*Use, error)       { return f.use, nil }
func (f *fleet) Uses(context.Context) ([]Use, error)            { return f.uses, nil }
func (f *fleet) Watched(context.Context) (time.Duration, error) { return f.watched, nil }
