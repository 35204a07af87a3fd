package fleet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/test/checker/proof"
)

// An operator takes the migration through its life, as people do: of any instance, again when nobody has answered, and in the
// wrong order at times. It is for one goroutine.
type operator struct {
	*Round
	rand     *rand.Rand
	observer *observer
	meddled  bool
}

// An action is something to ask for.
type action struct {
	name  string
	path  string            // after the migration; empty: nothing is asked for, it is only waited
	body  string            // JSON
	ends  []proof.Side      // versions that this takes away from clients
	until func(*sight) bool // it is so; nil: any end will do
}

func phase(p rules.Phase) func(*sight) bool {
	return func(s *sight) bool { return s.Phase == p && s.kind == "" }
}

var (
	old, renewed = []proof.Side{proof.Old}, []proof.Side{proof.New}

	activate = action{name: "activate", path: "/activate", until: phase(rules.Active)}
	cutover  = action{name: "cutover", path: "/cutover", until: phase(rules.Cutover)}
	back     = action{name: "rollback to active", path: "/rollback", body: `{"to": "active"}`, until: phase(rules.Active)}
	rollback = action{name: "rollback", path: "/rollback", ends: renewed, until: phase(rules.RolledBack)}
	contract = action{name: "contract", path: "/contract", ends: old, until: phase(rules.Contracted)}
	purge    = action{name: "purge", path: "/purge", until: func(s *sight) bool { return s.Change == nil && s.kind == "" }}
	pause    = action{name: "pause", path: "/pause", until: func(s *sight) bool { return s.paused }}
	resume   = action{name: "resume", path: "/resume", until: func(s *sight) bool { return !s.paused }}
	settle   = action{name: "settle", until: func(s *sight) bool { return s.kind == "" && s.Stage() != rules.Kept }}
	serve    = action{name: "serve", until: func(s *sight) bool { return s.kind == "" && !filling(s) }}
)

// filling reports whether rows are to be filled, or are being filled.
func filling(s *sight) bool {
	return s.Stage() == rules.Watched || s.Stage() == rules.Filling || s.Stage() == rules.Completing
}

// run does the steps, and then takes the migration to one of its ends without faults.
func (o *operator) run(ctx context.Context) error {
	if err := await(ctx, func() error { return o.allReady(ctx) }); err != nil {
		return fmt.Errorf("the instances do not start: %w\n%s", err, tail(o.instances[0].log.String(), 10))
	}
	if err := o.instances[0].do(ctx, http.MethodPost, "/v1/migrations?file=rules.json", o.Migration.RuleFile(migration)); err != nil {
		return fmt.Errorf("the migration is not stored: %w", err)
	}
	for n := range o.Steps {
		s, err := o.observer.look(ctx)
		if err != nil {
			return err
		}
		a, over := o.next(s, n)
		if over {
			break
		}
		if err := o.act(ctx, a, o.chance()); err != nil {
			return err
		}
	}
	return o.finish(ctx)
}

// chance is a fault for the next step, or none.
func (o *operator) chance() *fault {
	if o.Calm || o.rand.IntN(5) == 0 {
		return nil
	}
	if o.rand.IntN(3) == 0 {
		return &faults[slices.IndexFunc(faults, func(f fault) bool { return f.waits })+o.rand.IntN(2)]
	}
	return &faults[o.rand.IntN(len(faults))]
}

// next chooses what to do. It is over when there is no way on.
func (o *operator) next(s *sight, step int) (a action, over bool) {
	choose := func(all ...action) (action, bool) { return all[o.rand.IntN(len(all))], false }
	if o.rand.IntN(12) == 0 { // whatever it means now
		return choose(activate, cutover, back, purge, pause, resume, contract)
	}
	late := step >= o.Steps*2/3
	switch {
	case s.paused && filling(s):
		return choose(resume, resume, rollback)
	case s.Phase == rules.Draft:
		return activate, false
	case s.Phase == rules.RolledBack && s.Change != nil:
		return choose(purge, purge, activate)
	case s.Phase == rules.RolledBack:
		return activate, false
	case s.Phase == rules.Active && filling(s):
		return choose(serve, serve, serve, serve, pause, pause, rollback)
	case s.Phase == rules.Active:
		return choose(cutover, cutover, cutover, cutover, rollback)
	case s.Phase == rules.Cutover && late:
		return choose(back, contract, contract, rollback)
	case s.Phase == rules.Cutover:
		return choose(back, back, back, rollback)
	case s.Phase == rules.Contracted && s.Stage() == rules.Kept:
		return settle, false
	case s.Phase == rules.Contracted && s.Change != nil: // where a new name is an old one, there is no way back
		return choose(purge, rollback, rollback)
	}
	return action{}, true
}

// finish takes the migration to an end: back or forth, and purged.
func (o *operator) finish(ctx context.Context) error {
	forth := o.rand.IntN(2) == 0 || o.Forth
	for range 20 {
		s, err := o.observer.look(ctx)
		if err != nil {
			return err
		}
		var a action
		switch {
		case s.Phase == rules.Draft, s.Phase == rules.RolledBack && s.Change == nil && forth:
			a = activate
		case s.Change == nil && (s.Phase == rules.RolledBack || s.Phase == rules.Contracted):
			return o.clean(ctx)
		case s.Phase == rules.Contracted && s.Stage() == rules.Kept:
			a = settle
		case s.Phase == rules.RolledBack, s.Phase == rules.Contracted:
			a = purge
		case s.paused && filling(s):
			a = resume
		case !forth:
			a = rollback
		case s.Phase == rules.Active && filling(s):
			a = serve
		case s.Phase == rules.Active:
			a = cutover
		default:
			a = contract
		}
		if err := o.act(ctx, a, nil); err != nil {
			return err
		}
	}
	s, err := o.observer.look(ctx)
	o.fail(proof.Stuck, "the migration comes to no end: %s, %v", s, err)
	return nil
}

// clean checks that nothing is left.
func (o *operator) clean(ctx context.Context) error {
	left, err := o.observer.remains(ctx)
	if left != "" {
		o.fail(proof.Stuck, "after purge the database still has %s", left)
	}
	return err
}

// act asks for something, lets a fault come meanwhile, and waits for how both end.
func (o *operator) act(ctx context.Context, a action, f *fault) error {
	o.log("%s, with %s", a.name, nameOf(f))
	for _, side := range a.ends { // they are shut down, or their sessions are ended
		if o.rand.IntN(2) == 0 {
			o.away[side].Store(true)
		}
	}
	if len(a.ends) > 0 {
		o.trouble.begin(&o.trouble.ending)
		defer o.trouble.end(&o.trouble.ending)
	}
	if a.name == settle.name { // apps are started again
		o.trouble.begin(&o.trouble.ending)
		defer o.trouble.end(&o.trouble.ending)
		if err := o.end(ctx, "application_name <> 'segue'"); err != nil {
			return err
		}
	}
	if a.name == serve.name && o.Migration.Defers() {
		o.crew.Spare(o.rand.IntN(2) == 0) // the fault may come while rows wait, or while they are corrected and it goes on
	}
	harm := make(chan error, 1)
	if f == nil {
		harm <- nil
	} else {
		o.trouble.begin(&o.trouble.faults)
		defer o.trouble.end(&o.trouble.faults)
		if f.stale {
			o.trouble.begin(&o.trouble.frozen)
			defer o.trouble.end(&o.trouble.frozen)
		}
		c := choices{rand: rand.New(rand.NewPCG(o.Seed, o.rand.Uint64()))}
		go func() { harm <- o.strike(ctx, f, c) }()
	}
	answer := o.ask(ctx, a)
	if o.rand.IntN(12) == 0 && a.path != "" {
		_ = o.any().do(ctx, http.MethodDelete, "/v1/migrations/"+migration+"/transition", nil) // whether or not there is one
		answer = errors.Join(answer, errUnknown)
	}
	if err := <-harm; err != nil {
		return fmt.Errorf("the fault %q cannot be had: %w", f.name, err)
	}
	return o.outcome(ctx, a, answer)
}

func nameOf(f *fault) string {
	if f == nil {
		return "no fault"
	}
	return f.name
}

// strike waits for a moment, mostly one in which something is being done to the migration, and does harm.
func (o *operator) strike(ctx context.Context, f *fault, c choices) error {
	if f.waits {
		return f.do(ctx, o.Round, c)
	}
	look := &observer{url: o.url}
	defer look.close()
	s, err := look.look(ctx)
	if c.rand.IntN(4) == 0 {
		rest(ctx, c.between(0, 3*drainLimit))
	} else {
		for end := time.Now().Add(lease); err == nil && s.step() == atRest && ctx.Err() == nil && time.Now().Before(end); s, err = look.look(ctx) {
			rest(ctx, time.Millisecond)
		}
		rest(ctx, c.between(0, drainLimit/2))
	}
	if err == nil {
		s, err = look.look(ctx)
	}
	if err != nil {
		return err
	}
	c.target = o.instances[c.rand.IntN(len(o.instances))]
	for _, i := range o.instances {
		if i.id == s.leader && c.rand.IntN(2) == 0 {
			c.target = i
		}
	}
	step := s.step()
	if f.aims && c.target.id == s.leader {
		step += ", leads"
	}
	o.Pairs.met(step, f.name)
	o.log("  %s of %s in %s", f.name, c.target.id, step)
	look.close()
	return f.do(ctx, o.Round, c)
}

// any is some instance.
func (o *operator) any() *instance { return o.instances[o.rand.IntN(len(o.instances))] }

// errUnknown says that nothing is known of what was asked for.
var errUnknown = errors.New("nobody has answered")

// ask asks for something. The error is an *admin.Problem where it is refused.
func (o *operator) ask(ctx context.Context, a action) error {
	if a.path == "" {
		return nil
	}
	body := a.body
	if len(a.ends) > 0 {
		body = `{"end_sessions": true}`
		if a.name == contract.name {
			body = `{"end_sessions": true, "allow_bypass": true}`
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience) // far more than a frozen instance needs
	defer cancel()
	err := o.any().do(ctx, http.MethodPost, "/v1/migrations/"+migration+a.path, []byte(body))
	if _, answered := errors.AsType[*admin.Problem](err); err != nil && !answered {
		return errUnknown
	}
	return err
}

// outcome waits until nothing is pending and all work again, and checks that what was not done was refused with words.
func (o *operator) outcome(ctx context.Context, a action, answer error) error {
	refused, isRefused := errors.AsType[*admin.Problem](answer)
	if isRefused {
		o.log("  refused: %s", refused.Error())
		if strings.TrimSpace(refused.Detail) == "" || refused.Status >= 500 && refused.Status != http.StatusServiceUnavailable && refused.Type != admin.TypeUnreachable {
			o.fail(proof.Stuck, "%s is refused with %d and the words %q", a.name, refused.Status, refused.Error())
		}
	}
	if err := await(ctx, func() error { return o.restored(ctx) }); err != nil {
		o.fail(proof.Stuck, "after %s: %v\n%s", a.name, err, o.logs())
	}
	if a.name == serve.name && o.Migration.Defers() {
		o.corrects(ctx)
		defer o.crew.Spare(false)
	}
	var s *sight
	err := await(ctx, func() (err error) {
		switch s, err = o.observer.look(ctx); {
		case err != nil:
			return err
		case strings.Contains(s.failure, " was withdrawn by "): // by what the operator has done meanwhile
			if err := o.ask(ctx, resume); err != nil {
				return err
			}
			return errors.New(s.failure)
		case s.failure != "":
			return nil
		case s.kind != "", a.path == "" && !a.until(s) && !s.paused:
			return fmt.Errorf("it is not over: %s", s)
		}
		return nil
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		o.fail(proof.Stuck, "%s is neither made nor refused: %v\n%s", a.name, err, o.logs())
		return err
	case s.failure != "":
		o.fail(proof.Stuck, "the backfill has stopped: %s", s.failure)
		return errors.New(s.failure)
	case answer == nil && !a.until(s):
		kind, detail, err := o.observer.lastEvent(ctx)
		if err != nil {
			return err
		}
		o.log("  not done: %s, %s", kind, detail)
		if detail == "" && a.path != "" || kind != "failed" && kind != "withdrawn" && a.path != "" && a.path != "/resume" && a.path != "/pause" {
			o.fail(proof.Stuck, "%s was accepted and is not done, and the history ends with %q %q", a.name, kind, detail)
		}
	}
	o.log("  now: %s", s)
	if s.Phase == rules.Contracted { // they are gone for good, but for what they are at just now
		o.trouble.begin(&o.trouble.ending)
	}
	o.away[proof.Old].Store(s.Phase == rules.Contracted)
	o.away[proof.New].Store(false)
	o.getsOn(ctx, s.Standing)
	return o.meddle(ctx, s)
}

// corrects checks, once the backfill waits for rows that are left, that these are listed, and has them corrected. If it has come further than
// that, or goes on without, there is nothing to check.
func (o *operator) corrects(ctx context.Context) {
	defer o.crew.Spare(true)
	if o.crew.Spares() {
		return
	}
	until := time.Now().Add(patience / 8)
	err := await(ctx, func() error {
		switch s, err := o.observer.look(ctx); {
		case err != nil:
			return err
		case s.failure != "", s.paused, s.Stage() != rules.Filling && s.Stage() != rules.Watched:
			return nil
		case !s.waits && time.Now().After(until): // on a slow machine a pass takes long
			o.log("  the list of what is left is not looked at: %s", s)
			return nil
		case !s.waits:
			return fmt.Errorf("no row is said to be left: %s", s)
		default:
			wrong, err := o.observer.value(ctx, o.crew.Unlisted(s.Standing))
			if err == nil && wrong != "" {
				err = errors.New("the list of what is left is wrong: " + wrong)
			}
			return err
		}
	})
	if err != nil && ctx.Err() == nil {
		o.fail(proof.LeftOut, "%v\n%s", err, o.logs())
	}
}

// meddle lets a test do something, once.
func (o *operator) meddle(ctx context.Context, s *sight) error {
	if o.Meddle == nil || o.meddled || s.Phase != rules.Active || s.Change != nil && s.Stage() != rules.Served {
		return nil
	}
	o.meddled = true
	return o.Meddle(ctx, o.Round)
}

// restored is nil when every instance is there and ready.
func (o *operator) restored(ctx context.Context) error {
	for _, i := range o.instances {
		if !i.ended() {
			continue
		}
		if !strings.Contains(tail(i.log.String(), 30), "starting up") { // it was started while the server was not there
			o.fail(proof.Stuck, "instance %s has ended by itself:\n%s", i.id, tail(i.log.String(), 30))
		}
		if err := i.revive(); err != nil {
			return err
		}
	}
	return o.allReady(ctx)
}

func (o *operator) allReady(ctx context.Context) error {
	for _, i := range o.instances {
		if err := i.ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// logs are the ends of the instances' logs.
func (o *operator) logs() string {
	var b strings.Builder
	for _, i := range o.instances {
		fmt.Fprintf(&b, "%s:\n%s\n", i.id, tail(i.log.String(), 12))
	}
	return b.String()
}

// lookAtAll reads all rows as each version that is served, through each instance.
func (o *operator) lookAtAll(ctx context.Context) error {
	s, err := o.observer.look(ctx)
	if err != nil {
		return err
	}
	for _, i := range o.instances {
		for _, side := range []proof.Side{proof.Old, proof.New} {
			if (side == proof.New) != (s.Phase == rules.Contracted) {
				continue
			}
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			err := o.crew.Look(ctx, side, through(o.url, i.listen, version(side)))
			cancel()
			if err != nil {
				return fmt.Errorf("the end cannot be read through %s: %w", i.id, err)
			}
		}
	}
	return nil
}
