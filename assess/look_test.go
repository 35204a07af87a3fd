package assess

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seguedb/segue/rules"
)

func TestEveryHazardIsDescribedOnceAndByTheGroupOfItsCheck(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for _, h := range Hazards() {
		if !regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`).MatchString(h.ID) || ids[h.ID] {
			t.Errorf("the id %q is none, or is of two", h.ID)
		}
		ids[h.ID] = true
		if h.What == "" || h.Remedy == "" || h.Severity == "" {
			t.Errorf("%s is not described: %+v", h.ID, h)
		}
	}
	for _, g := range registry() {
		for _, c := range g.checks {
			for _, h := range c.hazards {
				if h.Group != g.group {
					t.Errorf("%s is of group %s, and its check in that of %s", h.ID, h.Group, g.group)
				}
			}
		}
	}
}

func TestAWaiverIsForOneObjectOrForAll(t *testing.T) {
	t.Parallel()
	about := func(name string, s Severity) Finding {
		r := new(report)
		r.add(ShownNames, Object{"view", name}, Finding{Severity: s})
		return r.found[0]
	}
	for name, c := range map[string]struct {
		waive []rules.Waiver
		f     Finding
		want  string // of the reason; "" when it is not waived
	}{
		"all":                {[]rules.Waiver{{ID: "shown-names", Reason: "r"}}, about("v", Warn), "r"},
		"the object":         {[]rules.Waiver{{ID: "shown-names", Object: "view v", Reason: "r"}}, about("v", Warn), "r"},
		"another object":     {[]rules.Waiver{{ID: "shown-names", Object: "view w", Reason: "r"}}, about("v", Warn), ""},
		"another, and all":   {[]rules.Waiver{{ID: "shown-names", Object: "view w", Reason: "r"}, {ID: "shown-names", Reason: "s"}}, about("v", Warn), "s"},
		"another hazard":     {[]rules.Waiver{{ID: "publication", Reason: "r"}}, about("v", Warn), ""},
		"what is an error":   {[]rules.Waiver{{ID: "shown-names", Reason: "r"}}, about("v", Block), ""},
		"what is a note yet": {[]rules.Waiver{{ID: "shown-names", Reason: "r"}}, about("v", Note), ""},
	} {
		f := c.f
		waive(&f, c.waive)
		want := c.f
		if want.Waived = c.want; c.want != "" {
			want.Severity = Note
		}
		if diff := cmp.Diff(want, f, cmp.AllowUnexported(Finding{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestWhatRefusesATransitionIsWhatAssessSaysThatItBlocks(t *testing.T) {
	t.Parallel()
	c := on(t, people, peopleShop, `CREATE FUNCTION x() RETURNS text LANGUAGE sql AS 'SELECT last_name FROM individual'`,
		`CREATE FUNCTION y() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT surname FROM person); END'`)
	for _, phase := range []rules.Phase{rules.Draft, rules.Active} {
		c.phase = phase
		all, err := Look(t.Context(), c.subject())
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range []rules.Phase{rules.Active, rules.Cutover, rules.Contracted} {
			s := c.subject()
			s.To = to
			refusing, err := Refusing(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(Blocking(all, to), refusing, cmp.AllowUnexported(Finding{}), cmpopts.EquateEmpty()); to != phase && diff != "" {
				t.Errorf("%s to %s (-assessed +refused):\n%s", phase, to, diff)
			}
			if blocked := len(refusing) > 0; blocked != (to == rules.Cutover) {
				t.Errorf("%s to %s is refused: %v", phase, to, refusing)
			}
		}
	}
	s := c.subject()
	s.To, s.Accept = rules.Cutover, Overrides{Force: true}
	if refusing, err := Refusing(t.Context(), s); err != nil || len(refusing) > 0 {
		t.Errorf("what is forced is refused: %v, %v", refusing, err)
	}
}
