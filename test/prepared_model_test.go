package test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// The same plans in every run, and few of them. For a hunt:
//
//	go test ./test -run WhatIsPrepared -rapid.seed=0 -rapid.checks=3000 -timeout=2h
func init() {
	for name, value := range map[string]string{"rapid.seed": "1", "rapid.checks": "25", "rapid.nofailfile": "true"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
}

// preparedSchema is small, so that a plan is fast. Rows come back to what they are here before each plan.
const preparedSchema = `CREATE TABLE individual (id int CONSTRAINT the_key PRIMARY KEY, first_name text, last_name text);`

// TestWhatIsPreparedStaysTheClientsOwn drives what a session can prepare, by Parse and by SQL, through changes of phase
// at any moment. The oracle is a PostgreSQL that has the version's names all the time: each message must be the same.
func TestWhatIsPreparedStaysTheClientsOwn(t *testing.T) {
	t.Parallel()
	for _, version := range []string{rules.Base, "surname"} {
		t.Run("as "+version, func(t *testing.T) {
			t.Parallel()
			m := newPreparedModel(t, version)
			rapid.Check(t, func(t *rapid.T) { m.run(t, drawPlan(t, m.names, version)) })
			t.Logf("%d plans, %d of them ended at a refusal; %d messages compared, %d changes of phase", m.plans, m.refused, m.compared, m.changes)
			if m.refused > m.plans/4 {
				t.Errorf("%d of %d plans ended at a refusal: too little was compared", m.refused, m.plans)
			}
		})
	}
}

// A preparedModel is a database with a migration, an instance in front of it, and the oracle.
type preparedModel struct {
	fleet   *fleet
	through string // connection strings
	twin    string
	onTable *pgx.Conn // around the instance
	onTwin  *pgx.Conn
	version string
	names   names
	phase   rules.Phase

	plans, refused, compared, changes int
}

func newPreparedModel(t *testing.T, version string) *preparedModel {
	m := &preparedModel{
		fleet: newFleet(t, 1, preparedSchema), twin: pgtest.Database(t), version: version,
		names: names{"individual", "last_name"}, phase: rules.Draft,
	}
	pgtest.Exec(t, m.twin, preparedSchema)
	if version != rules.Base {
		m.names = names{"person", "surname"}
		pgtest.Exec(t, m.twin, renamedShop)
	}
	m.fleet.create(t, surname)
	m.through = pgtest.Through(t, m.fleet.direct, m.fleet.instances[0].Addr())
	m.onTable, m.onTwin = pgtest.Connect(t, m.fleet.direct), pgtest.Connect(t, m.twin)
	return m
}

// run plays a plan on the oracle and through the instance, and compares.
func (m *preparedModel) run(t *rapid.T, p plan) {
	m.plans++
	m.phase = m.now(t)
	for m.phase != p.start {
		m.change(t, towards(m.phase, p.start))
	}
	restore(t, m.onTwin, m.names)
	restore(t, m.onTable, physical(m.phase))
	want, err := dialWire(m.twin, "")
	if err != nil {
		t.Fatal(err)
	}
	defer want.close()
	got, err := dialWire(m.through, m.version)
	if err != nil {
		t.Fatal(err)
	}
	var pending chan error
	defer func() {
		got.close()
		if pending != nil {
			<-pending
		}
	}()
	settle := func() {
		if pending != nil {
			if err := <-pending; err != nil {
				t.Fatalf("change of phase: %v", err)
			}
			pending = nil
		}
	}
	for i, pl := range append(p.pipelines, ending) {
		if _, err := want.conn.Write(pl.bytes(0, len(pl.messages))); err != nil {
			t.Fatal(err)
		}
		expected, err := want.hear(pl.groups)
		if err != nil {
			t.Fatalf("pipeline %d on the server: %v after %q", i, err, expected)
		}
		cut := pl.cut
		change := pl.change && (pending == nil || got.status == 'I') // else one waits for this session's transaction
		if change {
			settle()
		} else {
			cut = 0
		}
		if _, err := got.conn.Write(pl.bytes(0, cut)); err != nil {
			t.Fatal(err)
		}
		if change {
			pending = m.begin(pl.pick)
			if got.status == 'I' && cut == 0 {
				settle()
			}
		}
		if _, err := got.conn.Write(pl.bytes(cut, len(pl.messages))); err != nil {
			t.Fatal(err)
		}
		heard, err := got.hear(pl.groups)
		if err != nil {
			t.Fatalf("pipeline %d through the instance: %v after %q", i, err, heard)
		}
		m.compared += len(heard)
		if diff := cmp.Diff(expected, heard); diff != "" {
			if refusal(expected, heard) {
				m.refused++
				break
			}
			t.Fatalf("as %s, started %s, pipeline %d (-server +instance):\n%s\n%s", m.version, p.start, i, diff, p)
		}
		if got.status == 'I' {
			settle()
		}
	}
	got.close()
	settle()
}

// now is the phase that is stored.
func (m *preparedModel) now(t *rapid.T) (p rules.Phase) {
	if err := m.onTable.QueryRow(context.Background(), `SELECT phase FROM segue.migration`).Scan(&p); err != nil {
		t.Fatal(err)
	}
	return p
}

// begin starts a change of phase in the background and returns where its end is told: it waits for open transactions.
func (m *preparedModel) begin(pick int) chan error {
	next := m.nexts()[pick%len(m.nexts())]
	m.phase = next.leads
	m.changes++
	done := make(chan error, 1)
	go func() { done <- m.fleet.try("surname", next.request) }()
	return done
}

// change makes a change of phase while no session is open.
func (m *preparedModel) change(t *rapid.T, s transition) {
	if err := m.fleet.try("surname", s.request); err != nil {
		t.Fatalf("%s: %v", s.request.Kind, err)
	}
	m.phase = s.leads
}

// restore gives the table the rows that each plan starts with.
func restore(t *rapid.T, conn *pgx.Conn, n names) {
	_, err := conn.PgConn().Exec(context.Background(),
		n.fill(`TRUNCATE {T}; INSERT INTO {T} (id, first_name, {C}) VALUES (1, 'Ada', 'Lovelace'), (2, 'Grace', 'Hopper')`)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
}

// A transition is a request and the phase that it leads to.
type transition struct {
	request migrate.Request
	leads   rules.Phase
}

// nexts are the transitions from the present phase that leave the model's version served.
func (m *preparedModel) nexts() []transition {
	all := transitionsFrom(m.phase)
	return slices.DeleteFunc(slices.Clone(all), func(s transition) bool {
		return m.version != rules.Base && s.leads == rules.RolledBack
	})
}

func transitionsFrom(p rules.Phase) []transition {
	back := transition{migrate.Request{Kind: migrate.Rollback}, rules.RolledBack}
	switch p {
	case rules.Active:
		return []transition{{migrate.Request{Kind: migrate.Cutover}, rules.Cutover}, back}
	case rules.Cutover:
		return []transition{{migrate.Request{Kind: migrate.Rollback, To: rules.Active}, rules.Active}, back}
	}
	return []transition{{migrate.Request{Kind: migrate.Activate}, rules.Active}}
}

// towards is the first step from one phase to another.
func towards(from, to rules.Phase) transition {
	all := transitionsFrom(from)
	for _, s := range all {
		if s.leads == to {
			return s
		}
	}
	return all[0]
}

// physical are the names that the database has in a phase.
func physical(p rules.Phase) names {
	if p == rules.Cutover {
		return names{"person", "surname"}
	}
	return names{"individual", "last_name"}
}

// refusal reports whether the first thing that differs is that Segue refused what the server did: that is published.
func refusal(want, got []string) bool {
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			return strings.HasPrefix(got[i], "E ") && strings.Contains(got[i], `C="0A000"`) && !strings.Contains(want[i], `C="0A000"`)
		}
	}
	return false
}

func (p plan) String() string {
	var b strings.Builder
	for i, pl := range p.pipelines {
		fmt.Fprintf(&b, "pipeline %d", i)
		if pl.change {
			fmt.Fprintf(&b, ", phase changes before message %d", pl.cut)
		}
		b.WriteByte('\n')
		for j, m := range pl.messages {
			fmt.Fprintf(&b, "  %d %s\n", j, m.words)
		}
	}
	return b.String()
}
