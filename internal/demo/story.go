package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// A story is a running demo: who is in it, and what has been seen.
type story struct {
	*display
	fleet    *fleet
	ledger   *ledger
	old, new *app
	operator *operator
	stage    time.Duration
	windows  []window
	views    []view
}

func newStory(ctx context.Context, f *fleet, d *display, o Options) (*story, error) {
	conn, err := pgx.Connect(ctx, f.url())
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	l, err := openLedger(ctx, conn, o.Rows, ledgerRows)
	if err != nil {
		return nil, err
	}
	return &story{
		display: d, fleet: f, ledger: l, stage: o.Stage,
		old:      &app{title: "old app", version: rules.Base, table: "individual", column: "last_name", urls: f.clientURLs(rules.Base), ledger: l},
		new:      &app{title: "new app", version: migrationID, table: "person", column: "surname", urls: f.clientURLs(migrationID), ledger: l},
		operator: &operator{url: f.adminURLs()[0], http: &http.Client{}, say: d.say, named: make(chan struct{}), migration: migrationID},
	}, nil
}

// tell goes through the life of the migration while the apps work.
func (s *story) tell(ctx context.Context) error {
	defer s.old.halt()
	defer s.new.halt()
	stop, followed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(followed)
		s.follow(stop, s.old, s.new)
	}()
	defer func() {
		close(stop)
		<-followed
	}()
	for _, chapter := range []func(context.Context) error{
		s.before, s.activate, s.cutover, s.back, s.again, s.contract,
	} {
		if err := chapter(ctx); err != nil {
			s.old.halt()
			s.new.halt()
			return errors.Join(err, s.old.failures(), s.new.failures())
		}
	}
	return nil
}

// before lets the old app work as it did before there was a migration.
func (s *story) before(ctx context.Context) error {
	s.step("before", "the old app works, through both instances; nothing is rewritten")
	if err := s.old.run(ctx); err != nil {
		return err
	}
	return s.work(ctx, s.stage/2)
}

// activate serves the second version, and starts the app that was written for it.
func (s *story) activate(ctx context.Context) error {
	s.step("draft", "last_name is to be surname, and individual is to be person")
	if err := s.operator.create(ctx, rulesFile); err != nil {
		return err
	}
	if err := s.transition(ctx, "activate", migrate.Activate, ""); err != nil {
		return err
	}
	s.step("active", "the new app starts; both names work, physically it is still the old one")
	if err := s.new.run(ctx); err != nil {
		return err
	}
	return s.work(ctx, s.stage)
}

// cutover renames physically, while a transaction of the old app is in the way.
func (s *story) cutover(ctx context.Context) error {
	started, long := make(chan struct{}), make(chan error, 1)
	go func() { long <- s.old.longTransaction(ctx, longPause, started, s.operator.named) }()
	select {
	case <-started:
	case err := <-long:
		return fmt.Errorf("the long transaction has not begun: %w", err)
	}
	s.step("active", "the old app opens a transaction that will take %v", longPause)
	// What is younger than the drain limit may well be over within it; what is older is named and waited for.
	if err := s.work(ctx, drainLimit*6/5); err != nil {
		return err
	}
	if err := s.transition(ctx, "cutover", migrate.Cutover, ""); err != nil {
		return err
	}
	if err := <-long; err != nil {
		return fmt.Errorf("the long transaction: %w", err)
	}
	s.step("cutover", "physically it is the new name now; both names work")
	return s.work(ctx, s.stage)
}

// back goes back to where only the names differ.
func (s *story) back(ctx context.Context) error {
	if err := s.transition(ctx, "rollback", migrate.Rollback, "&to=active"); err != nil {
		return err
	}
	s.step("active", "physically it is the old name again; both names work")
	return s.work(ctx, s.stage)
}

// again goes forward for good, and looks at one row through each pair of eyes.
func (s *story) again(ctx context.Context) error {
	if err := s.transition(ctx, "cutover", migrate.Cutover, ""); err != nil {
		return err
	}
	s.step("cutover", "physically it is the new name; both names work")
	if err := s.work(ctx, s.stage); err != nil {
		return err
	}
	for _, eye := range []struct{ who, url, table string }{
		{"the old app", s.old.urls[0], s.old.table},
		{"the new app", s.new.urls[1], s.new.table},
		{"PostgreSQL", s.fleet.url(), s.new.table},
	} {
		v, err := look(ctx, eye.who, eye.url, eye.table)
		if err != nil {
			return err
		}
		s.views = append(s.views, v)
	}
	return nil
}

// contract gives up the old names, once the last old app has gone.
func (s *story) contract(ctx context.Context) error {
	s.step("cutover", "the old app is shut down for good")
	s.old.halt()
	gone, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.operator.gone(gone, s.old.version, s.fleet.adminURLs()); err != nil {
		return err
	}
	if err := s.transition(ctx, "contract", migrate.Contract, ""); err != nil {
		return err
	}
	s.step("contracted", "the old names are gone; the new app never noticed")
	return s.work(ctx, s.stage/2)
}

// transition has one done and notes its window.
func (s *story) transition(ctx context.Context, name string, kind migrate.Kind, query string) error {
	s.step(name, "asked for")
	w, err := s.operator.transition(ctx, kind, query)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	s.windows = append(s.windows, w)
	s.say("         done after %v", w.end.Sub(w.start).Round(time.Millisecond))
	return nil
}

// work lets the apps work for a while.
func (s *story) work(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
