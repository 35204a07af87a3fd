package migrate

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seguedb/segue/assess"
	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// Plan lists what is done at each transition to come, with its locks and what stored objects show otherwise after it, and what
// would be done on the way back.
func (i *Instance) Plan(ctx context.Context, id string) ([]Step, error) {
	pool, err := i.database()
	if err != nil {
		return nil, err
	}
	m, err := load(ctx, pool, id)
	if err != nil {
		return nil, err
	}
	m, note, err := resolved(ctx, pool, m)
	if err != nil {
		return nil, err
	}
	steps := append(note, planOf(m)...)
	at := len(steps) - 1
	for at >= 0 && steps[at].Phase != rules.Cutover {
		at--
	}
	if at < 0 {
		return steps, nil
	}
	notes, err := shownSteps(ctx, pool, m, steps[at].From)
	return slices.Insert(steps, at+1, notes...), err
}

// resolved is a draft with its changes of columns as the server understands them at this moment, so that the plan has their
// statements; or with a note that says why they cannot be made.
func resolved(ctx context.Context, pool *pgxpool.Pool, m *rules.Migration) (*rules.Migration, []Step, error) {
	if len(m.Changes()) == 0 || m.Phase != rules.Draft && (m.Phase != rules.RolledBack || m.Leftovers()) {
		return m, nil, nil
	}
	cat, err := catalog.Load(ctx, pool)
	if err != nil {
		return nil, nil, err
	}
	out, err := assess.Resolve(ctx, pool, m, cat)
	if unfit, ok := errors.AsType[*assess.UnfitError](err); ok {
		return m, []Step{{From: m.Phase, Phase: rules.Active, Note: unfit.Error()}}, nil
	}
	return out, nil, err
}

// shownSteps are notes on what stored objects show otherwise after cutover. They run nothing.
func shownSteps(ctx context.Context, db store.DB, m *rules.Migration, from rules.Phase) (notes []Step, err error) {
	cat, err := catalog.Load(ctx, db)
	if err != nil {
		return nil, err
	}
	found, err := assess.Find(ctx, &assess.Subject{Migration: m, Catalog: cat, DB: db}, assess.ShownNames)
	for _, f := range found {
		notes = append(notes, Step{From: from, Phase: rules.Cutover, Note: f.Object + ": " + f.Message})
	}
	if len(notes) > 0 {
		notes = append(notes, Step{From: from, Phase: rules.Cutover, Note: assess.HintShown})
	}
	return notes, err
}

// planOf lists the way to contracted, and the way back from wherever it can be gone.
func planOf(m *rules.Migration) []Step {
	var steps []Step
	add := func(from, to rules.Phase) {
		for _, s := range rules.Steps(m, from, to) {
			steps = append(steps, Step{
				From: from, Phase: to, SQL: s.SQL, Lock: string(s.Lock), Gated: s.Gated, Long: s.Long, Resumable: s.Resumable, Note: s.Note,
			})
		}
	}
	way := wayOn[m.Phase]
	for i := range len(way) - 1 {
		add(way[i], way[i+1])
	}
	for _, from := range way {
		if from.Live() {
			add(from, rules.RolledBack)
		}
	}
	if m.Returns() {
		add(rules.Contracted, rules.RolledBack)
	}
	if m.Leftovers() && !m.Phase.Live() && m.Phase != rules.Draft {
		for _, s := range rules.PurgeSteps(m) {
			steps = append(steps, Step{From: m.Phase, Phase: m.Phase, SQL: s.SQL, Lock: string(s.Lock), Gated: s.Gated, Note: "purge"})
		}
	}
	return steps
}

// wayOn lists the phases from each to contracted.
var wayOn = map[rules.Phase][]rules.Phase{
	rules.Draft:      {rules.Draft, rules.Active, rules.Cutover, rules.Contracted},
	rules.RolledBack: {rules.RolledBack, rules.Active, rules.Cutover, rules.Contracted},
	rules.Active:     {rules.Active, rules.Cutover, rules.Contracted},
	rules.Cutover:    {rules.Cutover, rules.Contracted},
}
