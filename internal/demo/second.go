package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// A second act changes the type and the unit of a column, while tills of both versions sell.
type secondAct struct {
	*display
	fleet    *fleet
	takings  *takings
	old, new *till
	operator *operator
	stage    time.Duration
	before   int64 // cents in the table before anybody sold
	windows  []window
	filled   time.Duration // how long it took until the new version was served
}

// playSecond makes the table, plays the act, and returns nil only if no statement failed and not a cent is missing.
func playSecond(ctx context.Context, f *fleet, d *display, o Options) (err error) {
	a := &secondAct{display: d, fleet: f, takings: &takings{}, stage: o.Stage}
	a.operator = &operator{url: f.adminURLs()[0], http: &http.Client{}, say: d.say, named: make(chan struct{}), migration: amountID}
	defer a.operator.http.CloseIdleConnections()
	a.old = &till{title: "old till", version: rules.Base, column: "cents", money: inCents, urls: f.clientURLs(rules.Base), takings: a.takings}
	a.new = &till{title: "new till", version: amountID, column: "amount", money: inAmount, urls: f.clientURLs(amountID), takings: a.takings}
	defer a.old.halt()
	defer a.new.halt()
	if err := a.stock(ctx, o.Rows); err != nil {
		return err
	}
	for _, chapter := range []func(context.Context) error{a.begin, a.activate, a.cutover, a.contract} {
		if err := chapter(ctx); err != nil {
			a.old.halt()
			a.new.halt()
			return errors.Join(err, a.old.failed, a.new.failed)
		}
	}
	return a.report(ctx, o.Out)
}

// stock makes the table of sales.
func (a *secondAct) stock(ctx context.Context, rows int) error {
	conn, err := pgx.Connect(ctx, a.fleet.url())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, sql := range []string{saleSchema, fmt.Sprintf(saleRows, rows), "ANALYZE sale"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("cannot make the table of sales: %w", err)
		}
	}
	a.takings.next.Store(int64(rows))
	return conn.QueryRow(ctx, "SELECT sum(cents) FROM sale").Scan(&a.before)
}

func (a *secondAct) begin(ctx context.Context) error {
	a.step("before", "second act: the old tills sell, in cents")
	if err := a.old.run(ctx); err != nil {
		return err
	}
	return a.work(ctx, a.stage/2)
}

// activate adds the column, and starts the new tills when it is filled.
func (a *secondAct) activate(ctx context.Context) error {
	a.step("draft", "cents (int) are to be amount (numeric), in another unit")
	if err := a.operator.create(ctx, amountFile); err != nil {
		return err
	}
	begun := time.Now()
	if err := a.transition(ctx, "activate", migrate.Activate, ""); err != nil {
		return err
	}
	a.step("active", "the old tills go on; the new column is added, and filled in the background")
	served, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := a.operator.served(served); err != nil {
		return err
	}
	a.filled = time.Since(begun)
	a.step("active", "the server has proved that every row is filled; the new tills start, in amounts")
	if err := a.new.run(ctx); err != nil {
		return err
	}
	return a.work(ctx, a.stage)
}

// cutover gives the truth to the new column, takes it back, and gives it again.
func (a *secondAct) cutover(ctx context.Context) error {
	for _, t := range []struct {
		name  string
		kind  migrate.Kind
		query string
		says  string
	}{
		{"cutover", migrate.Cutover, "", "the new column owns the truth; both kinds of tills sell"},
		{"rollback", migrate.Rollback, "&to=active", "the old column owns it again; both kinds sell"},
		{"cutover", migrate.Cutover, "", "the new column owns the truth; both kinds of tills sell"},
	} {
		if err := a.transition(ctx, t.name, t.kind, t.query); err != nil {
			return err
		}
		a.step("active", "%s", t.says)
		if err := a.work(ctx, a.stage/2); err != nil {
			return err
		}
	}
	return nil
}

// contract ends the old column, once the last old till has gone.
func (a *secondAct) contract(ctx context.Context) error {
	a.step("cutover", "the old tills are shut down for good")
	a.old.halt()
	gone, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := a.operator.gone(gone, a.old.version, a.fleet.adminURLs()); err != nil {
		return err
	}
	if err := a.transition(ctx, "contract", migrate.Contract, ""); err != nil {
		return err
	}
	a.step("contracted", "the old column is hidden, and dropped by purge")
	if err := a.transition(ctx, "purge", migrate.Purge, ""); err != nil {
		return err
	}
	return a.work(ctx, a.stage/2)
}

// transition has one done and notes its window.
func (a *secondAct) transition(ctx context.Context, name string, kind migrate.Kind, query string) error {
	a.step(name, "asked for")
	w, err := a.operator.transition(ctx, kind, query)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	a.windows = append(a.windows, w)
	a.say("         done after %v", w.end.Sub(w.start).Round(time.Millisecond))
	return nil
}

// work lets the tills sell for a while.
func (a *secondAct) work(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// report halts the tills, counts what is there, and says what was found.
func (a *secondAct) report(ctx context.Context, out io.Writer) error {
	a.old.halt()
	a.new.halt()
	conn, err := pgx.Connect(ctx, a.fleet.url())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var cents, sales int64
	if err := conn.QueryRow(ctx, "SELECT (100 * sum(amount))::bigint, count(*) FROM sale").Scan(&cents, &sales); err != nil {
		return err
	}
	spans := append(a.old.spans, a.new.spans...)
	r := &report{calm: calm(a.windows, spans)}
	fmt.Fprintf(out, "\n  %-20s%22s%22s\n", "", a.old.title, a.new.title)
	fmt.Fprintf(out, "  %-20s%22s%22s\n", "column", a.old.column, a.new.column)
	fmt.Fprintf(out, "  %-20s%22d%22d\n\n", "statements", a.old.statements.Load(), a.new.statements.Load())
	fmt.Fprintf(out, "  %-20s%22s%22s\n", "", "took", "longest pause")
	for _, w := range a.windows {
		r.pauses = append(r.pauses, pause{w.name, w.end.Sub(w.start), w.longest(spans)})
		p := r.pauses[len(r.pauses)-1]
		fmt.Fprintf(out, "  %-20s%22v%22v\n", p.transition, p.took.Round(time.Millisecond), p.longest.Round(time.Millisecond))
	}
	fmt.Fprintf(out, "  %-20s%22s%22v\n", "at other times", "", r.calm.Round(time.Millisecond))
	fmt.Fprintf(out, "  %-20s%22v\n", "new column served", a.filled.Round(time.Millisecond))
	want := a.before + a.takings.cents.Load()
	fmt.Fprintf(out, "\n  %-20s%22s\n  %-20s%22s\n", "sold", inAmount(want), "in the table", inAmount(cents))
	errs := []error{a.old.failed, a.new.failed}
	if cents != want {
		errs = append(errs, fmt.Errorf("%s is missing", inAmount(want-cents)))
	}
	if want := a.takings.next.Load(); sales != want {
		errs = append(errs, fmt.Errorf("there are %d sales, and %d were made", sales, want))
	}
	for _, p := range r.pauses {
		if p.longest > r.limit() {
			errs = append(errs, fmt.Errorf("a till waited %v during %s, and the limit is %v", p.longest, p.transition, r.limit()))
		}
	}
	return errors.Join(errs...)
}
