package rewrite

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// parsed is a tree that can be used once, since binding changes it.
type parsed struct{ tree *ast.ParseResult }

func parse(sql string) (parsed, error) {
	tree, err := syntax.Parse(sql)
	return parsed{tree}, err
}

// A draft is a text bound under one lens.
type draft struct {
	*bound
	lens      *rules.Lens
	ambiguous bool
}

// choose binds the text in the session's version. A session without one gets the default version; or, if that lacks a
// name, the other live version that binds the whole text, if there is exactly one way to do so. Of a string of several
// statements each does that by itself: see choosesByStatement.
func (r *rewriting) choose() (*draft, error) {
	snap, s := r.binder.snap, r.session
	version := cmp.Or(s.Version, s.Default, rules.Base)
	lens := lensOf(snap, s)
	if lens == nil {
		// What concerns no table under migration still passes: SET segue.version is how to get out of this.
		return r.refuseConcerned(versionNotServed(snap, version))
	}
	switch {
	case s.Version != "" || s.Unpinned == UnpinnedDefault:
		return r.bindIn(lens)
	case s.Unpinned == UnpinnedRefuse:
		return r.refuseConcerned(unpinnedRefused(snap))
	}
	d, err := r.bindIn(lens)
	if err != nil || r.choosesByStatement(d) {
		return d, err
	}
	return r.compareVersions(d)
}

// lensOf is the lens of the version that a session has chosen, or gets without a choice; nil if it is not served.
func lensOf(snap *rules.Snapshot, s *Session) *rules.Lens {
	if s.Version != "" {
		return snap.Chosen(s.Version)
	}
	return snap.Lens(cmp.Or(s.Default, rules.Base))
}

// bindIn binds the text under a lens.
func (r *rewriting) bindIn(lens *rules.Lens) (*draft, error) {
	tree := r.tree.tree
	r.tree.tree = nil
	if tree == nil {
		r.budget.look()
		again, err := parse(r.source.UTF8)
		if err != nil {
			return nil, errors.New("the parser rejects what it accepted: " + err.Error())
		}
		tree = again.tree
	}
	r.budget.look()
	b, err := r.binder.bind(&bindInput{budget: r.budget, snap: r.binder.snap, lens: lens, sess: r.session, sql: r.source.UTF8,
		tree: tree, tokens: r.tokens, views: r.binder.views.of(lens, r.session), all: r.binder.all,
		unseen: r.binder.unseen, makers: r.binder.makers, appears: &r.appears})
	if err != nil {
		return nil, err
	}
	r.budget.look()
	return &draft{bound: b, lens: lens}, nil
}

// compareVersions sees what the other live versions make of the text that a session without a version was bound to.
func (r *rewriting) compareVersions(d *draft) (*draft, error) {
	var whole []*draft // the other versions that bind every statement
	for _, version := range r.binder.snap.Versions() {
		lens := r.binder.snap.Lens(version)
		if lens == nil || lens == d.lens {
			continue
		}
		other, err := r.bindIn(lens)
		if err != nil {
			return nil, err
		}
		if !other.fails(nil) && !other.lacksName() {
			whole = append(whole, other)
		}
	}
	if d.lacksName() && len(whole) > 0 {
		if !slices.ContainsFunc(whole, r.differsFrom(whole[0])) {
			return whole[0], nil
		}
		d.ambiguous = true
		d.adviseToChoose(whole)
		return d, nil
	}
	d.ambiguous = !d.fails(nil) && slices.ContainsFunc(whole, r.differsFrom(d))
	return d, nil
}

// choosesByStatement tells whether a string of a session without a version has a name that the default version lacks: then
// each of its statements chooses by itself, as if it had come alone.
func (r *rewriting) choosesByStatement(d *draft) bool {
	return r.session.Version == "" && r.session.Unpinned == UnpinnedAuto && len(d.statements) > 1 && d.lacksName()
}

// adviseToChoose has the errors of unknown names say that several versions know the names, each in its own way, so that
// only the session can tell which one it means.
func (d *draft) adviseToChoose(versions []*draft) {
	names := make([]string, len(versions))
	for i, v := range versions {
		names[i] = v.lens.Version
	}
	hint := "Versions " + strings.Join(names, " and ") + " bind this differently: SET segue.version to the one that is meant."
	for i := range d.statements {
		if f := d.statements[i].Failure; f != nil && (f.isUnknownName() || d.statements[i].lacks) {
			advised := *f
			advised.Hint, advised.natural = hint, false
			d.statements[i].Failure = &advised
		}
	}
}

// lacksName tells whether the draft has a name that its version lacks, so that another may have it: one for which a statement must
// fail, or one in a body, which the server looks for when it runs.
func (d *draft) lacksName() bool {
	return d.fails((*Error).isUnknownName) || slices.ContainsFunc(d.statements, func(s Statement) bool { return s.lacks })
}

// fails tells whether a statement of the draft must fail, in a way for which is is true.
func (d *draft) fails(is func(*Error) bool) bool {
	return slices.ContainsFunc(d.statements, func(s Statement) bool {
		return s.Failure != nil && (is == nil || is(s.Failure))
	})
}

// differsFrom tells whether a draft means something else than d; neither may fail.
func (r *rewriting) differsFrom(d *draft) func(*draft) bool {
	return func(other *draft) bool {
		return !slices.Equal(d.edits, other.edits) &&
			splice.Apply(r.source.UTF8, d.edits) != splice.Apply(r.source.UTF8, other.edits)
	}
}

// refuseConcerned binds the text in the oldest version, and refuses what concerns a table under migration or what has a
// name that some version may have.
func (r *rewriting) refuseConcerned(failure *Error) (*draft, error) {
	snap := r.binder.snap
	lens := cmp.Or(snap.Lens(cmp.Or(r.session.Default, rules.Base)), snap.Lens(rules.Base))
	d, err := r.bindIn(lens)
	if err != nil {
		return nil, err
	}
	for i := range d.statements {
		s := &d.statements[i]
		if len(s.Tables) > 0 || s.Failure != nil && s.Failure.isUnknownName() && !s.Failure.natural {
			s.Failure = failure
		}
	}
	return d, nil
}
