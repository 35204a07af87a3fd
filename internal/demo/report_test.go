package demo

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seguedb/segue/rules"
)

// sound is a report in which everything is as it must be.
func sound() *report {
	run := func(a *app) *app {
		for _, m := range modes {
			w := &worker{app: a, mode: m}
			w.statements.Store(1000)
			a.workers = append(a.workers, w)
		}
		return a
	}
	values := []string{"7", "Hiro", "Tanaka", "Mill Lane", "8", "Cork"}
	labels := func(name string) []string {
		return []string{"id", "first_name", name, "street", "house_number", "city"}
	}
	return &report{
		old:    run(&app{title: "old app", version: rules.Base, table: "individual", column: "last_name"}),
		new:    run(&app{title: "new app", version: migrationID, table: "person", column: "surname"}),
		calm:   20 * time.Millisecond,
		pauses: []pause{{"activate", 20 * time.Millisecond, 3 * time.Millisecond}, {"cutover", time.Second, 40 * time.Millisecond}},
		views: []view{
			{who: "the old app", labels: labels("last_name"), values: values},
			{who: "the new app", labels: labels("surname"), values: values},
			{who: "PostgreSQL", labels: labels("surname"), values: values},
		},
		writes: 100, orders: 10,
	}
}

func TestTheVerdictNeedsEverythingToHold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		spoil func(*report)
		want  string // "" when all is well
	}{
		{"all is well", func(*report) {}, ""},
		{"a statement failed", func(r *report) {
			r.new.workers[1].errors.Add(1)
			r.new.workers[1].first = errors.New("column does not exist")
		}, "column does not exist"},
		{"a write is lost", func(r *report) { r.lost = 1 }, "1 writes are lost"},
		{"a client waited too long", func(r *report) { r.pauses[1].longest = 1200 * time.Millisecond }, "waited 1.2s during cutover"},
		{"a client waited as long as the machine makes it", func(r *report) {
			r.pauses[1].longest, r.calm = 1200*time.Millisecond, 80*time.Millisecond
		}, ""},
		{"a way of speaking was not tried", func(r *report) { r.old.workers[0].statements.Store(0) }, "simple protocol"},
		{"a version sees a name of the other", func(r *report) { r.views[0].labels[2] = "surname" }, "the old app sees the columns"},
		{"a version sees another value", func(r *report) { r.views[1].values = []string{"7"} }, "the new app sees"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := sound()
			c.spoil(r)
			err := r.verdict()
			if c.want == "" {
				if err != nil {
					t.Errorf("the verdict is %v", err)
				}
			} else if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the verdict is %v, want %q", err, c.want)
			}
		})
	}
}

func TestTheReportShowsWhatTheVerdictIsAbout(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	sound().print(&out)
	for _, want := range []string{"old app", "new app", "4000", "errors", "cutover", "40ms", "last_name", "surname", "Tanaka", "lost", "simple protocol"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report does not show %q:\n%s", want, out.String())
		}
	}
	if t.Failed() || testing.Verbose() {
		t.Log(out.String())
	}
}
