package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// A Finding is something to know before a migration moves on. A rule file can accept one by its id, under waive.
type Finding struct {
	ID       string   `json:"id"` // of the kind of finding
	Severity Severity `json:"severity"`
	Object   string   `json:"object"` // what it is about
	Message  string   `json:"message"`
	Hint     string   `json:"hint,omitempty"`
	HintCLI  string   `json:"hint_cli,omitempty"` // the same in commands and flags, where that differs
	Mend     []string `json:"mend,omitempty"`     // statements that take it away, in order
}

// Severity says what a finding means for the transitions to come.
type Severity string

// The severities.
const (
	Blocks  Severity = "error"   // a transition will be refused
	Warns   Severity = "warning" // it will not be refused, but wait, or somebody will notice it
	Informs Severity = "info"    // accepted by a waiver
)

// The kinds of findings.
const (
	findingOrder       = "order" // another migration has to move first
	findingRights      = "rights"
	findingBody        = "function-body"
	findingShown       = "shown-names"
	findingLock        = "lock-held"
	findingPublication = "publication"
	findingBypass      = "bypass"
	findingProof       = "contract-proof"
	findingNotServed   = "not-served" // the database was changed around the instances
)

// Assess tells what is in the way of a stored migration now.
func (i *Instance) Assess(ctx context.Context, id string) ([]Finding, error) {
	pool, err := i.database()
	if err != nil {
		return nil, err
	}
	m, err := load(ctx, pool, id)
	if err != nil {
		return nil, err
	}
	return i.assess(ctx, pool, m, false)
}

// AssessFile tells what would be in the way of a rule file, without storing it. A mistake in it is a *rules.FileError.
func (i *Instance) AssessFile(ctx context.Context, file string, data []byte) ([]Finding, error) {
	m, err := rules.Parse(file, data)
	if err != nil {
		return nil, err
	}
	pool, err := i.database()
	if err != nil {
		return nil, err
	}
	return i.assess(ctx, pool, m, true)
}

func (i *Instance) assess(ctx context.Context, pool *pgxpool.Pool, m *rules.Migration, validate bool) ([]Finding, error) {
	all, err := store.LoadMigrations(ctx, pool)
	if err != nil {
		return nil, err
	}
	cat, err := catalog.Load(ctx, pool)
	if err != nil {
		return nil, err
	}
	if outage, err := i.unservable(all, cat); err != nil {
		return nil, err
	} else if outage != nil {
		return []Finding{outage.finding()}, nil
	}
	if validate && !has(all, m.ID) {
		if err := rules.Validate(m, all, cat); err != nil {
			return nil, err
		}
	}
	if m.Phase == rules.Contracted {
		return nil, nil
	}
	found, err := outOfOrder(m, all, cat)
	if err != nil {
		return nil, err
	}
	a := &assessment{Instance: i, pool: pool, m: m, all: all, cat: cat, found: found}
	a.clashes()
	for _, look := range []func(context.Context) error{a.role, a.bodies, a.shown, a.tables, a.sessions} {
		if err := look(ctx); err != nil {
			return nil, err
		}
	}
	for n := range a.found {
		waive(&a.found[n], m.Waive)
	}
	return a.found, nil
}

// outOfOrder finds what keeps the next transition from being asked for.
func outOfOrder(m *rules.Migration, all []*rules.Migration, cat *catalog.Catalog) ([]Finding, error) {
	next := map[rules.Phase]Kind{
		rules.Draft: Activate, rules.RolledBack: Activate, rules.Active: Cutover, rules.Cutover: Contract,
	}[m.Phase]
	err := inOrder(m, all, Request{Kind: next}, cat)
	if next == Activate {
		// What is wrong with the file is said as create says it.
		if mistake, ok := errors.AsType[*rules.FileError](rules.CanActivate(m, all, cat)); ok {
			short := *mistake
			short.Hint = ""
			return []Finding{{ID: findingOrder, Severity: Blocks, Object: string(next), Message: short.Error(), Hint: mistake.Hint}}, nil
		}
	}
	if refused, ok := errors.AsType[*ConflictError](err); ok {
		return []Finding{{ID: findingOrder, Severity: Blocks, Object: string(next), Message: refused.Message, Hint: refused.Hint}}, nil
	}
	return nil, err
}

// waive makes a finding that the rule file accepts a note.
func waive(f *Finding, waivers []rules.Waiver) {
	i := slices.IndexFunc(waivers, func(w rules.Waiver) bool { return w.ID == f.ID })
	if i >= 0 && f.Severity == Warns {
		f.Severity = Informs
		f.Message += " (waived: " + waivers[i].Reason + ")"
	}
}

// An assessment gathers findings.
type assessment struct {
	*Instance
	pool  *pgxpool.Pool
	m     *rules.Migration
	all   []*rules.Migration
	cat   *catalog.Catalog
	found []Finding
}

func (a *assessment) add(id string, s Severity, object, message, hint string) {
	a.found = append(a.found, Finding{ID: id, Severity: s, Object: object, Message: message, Hint: hint})
}

// clashes finds other drafts that cannot be activated together with this one.
func (a *assessment) clashes() {
	if a.m.Phase != rules.Draft && a.m.Phase != rules.RolledBack {
		return
	}
	for _, o := range rules.Clashing(a.m, a.all, a.cat) {
		a.add(findingOrder, Warns, o.ID, fmt.Sprintf("draft %q cannot be activated beside it, neither before nor after: they contradict each other", o.ID),
			"delete one of them, or give it other names")
	}
}

// bodies finds the functions that the next DDL would break: that of cutover, or after it that of the way back.
func (a *assessment) bodies(ctx context.Context) error {
	d, severity, kind := rules.Forward, Blocks, Cutover
	if a.m.Phase == rules.Cutover {
		d, severity, kind = rules.Backward, Warns, Rollback
	}
	names, err := bodies(ctx, a.pool, a.m, d)
	if err != nil {
		return err
	}
	for _, body := range names {
		object, what, _ := strings.Cut(body.what, " names ")
		a.add(findingBody, severity, object, fmt.Sprintf("its body is kept as text and names %s, so %s is refused", what, kind),
			body.hintOf())
	}
	return nil
}

// shown finds what shows names that the next DDL changes. It breaks nothing, and so refuses nothing.
func (a *assessment) shown(ctx context.Context) error {
	d := rules.Forward
	if a.m.Phase == rules.Cutover {
		d = rules.Backward
	}
	found, err := shownNames(ctx, a.pool, a.m, d, a.cat)
	for _, s := range found {
		a.add(findingShown, Warns, s.object, s.what, hintShown)
	}
	return err
}

// tables finds what else depends on the tables' names, or keeps them locked.
func (a *assessment) tables(ctx context.Context) error {
	oids, err := rules.Affected(a.m, a.all, a.cat)
	if _, mismatch := errors.AsType[*rules.MismatchError](err); mismatch && !a.m.Phase.Live() {
		return nil // a draft that others have overtaken: that it cannot be activated is found already
	}
	if err != nil || a.m.Phase == rules.Cutover {
		return err
	}
	rows, err := a.pool.Query(ctx, `
		SELECT t.schemaname || '.' || t.tablename, pg_catalog.string_agg(t.pubname, ', ' ORDER BY t.pubname)
		FROM pg_catalog.pg_publication_tables t
		JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname
		JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
		WHERE c.oid = ANY ($1::pg_catalog.oid[])
		GROUP BY 1 ORDER BY 1`, numbers(oids))
	if err != nil {
		return fmt.Errorf("cannot read pg_publication_tables: %w", err)
	}
	var table, publications string
	if _, err := pgx.ForEachRow(rows, []any{&table, &publications}, func() error {
		a.add(findingPublication, Warns, table, "it is published by "+publications+"; subscribers do not follow a rename",
			"rename it at the subscribers when you cut over")
		return nil
	}); err != nil {
		return fmt.Errorf("cannot read pg_publication_tables: %w", err)
	}
	lacking, err := rights(ctx, a.pool, a.m, oids)
	if err != nil {
		return err
	}
	for _, what := range lacking {
		a.add(findingRights, Blocks, a.m.ID, what, hintRights)
	}
	return a.locks(ctx, oids)
}

// locks finds the transactions that cutover would wait for.
func (a *assessment) locks(ctx context.Context, oids []catalog.OID) error {
	return a.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		l := &leader{i: a.Instance, conn: c.Conn(), seen: make(sightings)}
		held, err := l.holders(ctx, oids)
		if err != nil {
			return err
		}
		old := func(b *Blocker) bool { return b.PID == 0 || b.AgeSeconds > a.cfg.DrainLimit.Seconds() }
		held = slices.DeleteFunc(held, func(h holder) bool { return !h.waits && !old(&h.Blocker) })
		blockers, err := l.ranked(ctx, held)
		for _, b := range heads(blockers) {
			if old(&b) {
				message := strings.TrimPrefix(named([]Blocker{b}), ": ")
				a.add(findingLock, Warns, fmt.Sprintf("pid %d", b.PID), message, "cutover waits until it has ended; to end it: "+b.End)
			}
		}
		return err
	})
}

// sessions finds who would be left behind.
func (a *assessment) sessions(ctx context.Context) error {
	c, err := a.count(ctx, a.cfg.Lease/2)
	if err != nil {
		return err
	}
	if a.m.Phase == rules.Cutover {
		err := contractConflict(ctx, a.pool, a.m, a.all, Request{Kind: Contract}, c, toLeave)
		refused, ok := errors.AsType[*ConflictError](err)
		if !ok {
			return err
		}
		for _, missing := range refused.Missing {
			a.found = append(a.found, Finding{
				ID: findingProof, Severity: Blocks, Object: string(Contract), Message: missing, Hint: refused.Hint, HintCLI: refused.HintCLI,
			})
		}
		return nil
	}
	past, err := bypassing(ctx, a.pool, c, toLeave)
	for _, b := range past {
		a.add(findingBypass, Warns, fmt.Sprintf("pid %d", b.PID), b.Why+" does not come through an instance: it sees the names that the database has",
			"let it connect through an instance before cutover")
	}
	return err
}
