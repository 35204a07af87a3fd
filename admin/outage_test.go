package admin_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/admin/admintest"
	"github.com/seguedb/segue/migrate"
)

func TestAnOutageIsShownByProbesMetricsAndAnswers(t *testing.T) {
	t.Parallel()
	outage := &migrate.Outage{Kind: migrate.WrongNames, Reason: "a column is missing", Since: time.Unix(0, 0).UTC(), Mend: []string{"ALTER TABLE t RENAME b TO a"}}
	control := &admintest.Control{NotReady: outage, Down: outage}
	h := serve(t, admin.Config{Control: control})
	create(t, h)
	call(t, h, "POST", "/v1/migrations/surname/activate", "", nil)
	var p admin.Problem
	if res := call(t, h, "GET", "/readyz", "", &p); res.StatusCode != 503 || p.Detail != outage.Reason || !cmp.Equal(p.Mend, outage.Mend) {
		t.Errorf("the probe answers %d, %+v", res.StatusCode, p)
	}
	var all admin.Migrations
	call(t, h, "GET", "/v1/migrations", "", &all)
	var fleet admin.Instances
	call(t, h, "GET", "/v1/instances", "", &fleet)
	if diff := cmp.Diff([]*migrate.Outage{outage, outage}, []*migrate.Outage{all.Migrations[0].NotServed, fleet.Instances[0].NotServed}); diff != "" {
		t.Errorf("migrations and instances (-want +got):\n%s", diff)
	}
	metrics, err := io.ReadAll(call(t, h, "GET", "/metrics", "", nil).Body)
	for _, line := range []string{`segue_suspended{because="names"} 1`, `segue_suspended{because="control_tables"} 0`, `segue_ready 0`} {
		if err != nil || !strings.Contains(string(metrics), line+"\n") {
			t.Errorf("the metrics do not say %s, %v", line, err)
		}
	}
	// An error that says it already is not said twice.
	control.Deny("surname", errors.New("cannot do it: a column is missing"))
	var refused admin.Problem
	if res := call(t, h, "POST", "/v1/migrations/surname/cutover", "", &refused); res.StatusCode != 503 || refused.Hint != "" || len(refused.Mend) != 1 {
		t.Errorf("an unforeseen error is answered with %+v", refused)
	}
}

func TestHintsNameWhatTheirReadersHave(t *testing.T) {
	t.Parallel()
	h := serve(t, admin.Config{Token: "s3cret"})
	var p admin.Problem
	call(t, h, "GET", "/v1/migrations", "", &p)
	if !strings.Contains(p.Hint, "Authorization") || !strings.Contains(p.HintCLI, "--admin-token-file") {
		t.Errorf("without a token the hints are %q and %q", p.Hint, p.HintCLI)
	}
	h = serve(t, admin.Config{})
	create(t, h)
	var missing admin.Problem
	call(t, h, "GET", "/v1/migrations/surnam", "", &missing)
	if !strings.HasPrefix(missing.Hint, "did you mean surname?") || missing.HintCLI != "did you mean surname? segue list shows all" {
		t.Errorf("for a wrong id the hints are %q and %q", missing.Hint, missing.HintCLI)
	}
	var paused admin.Problem
	call(t, h, "POST", "/v1/migrations/surname/pause", "", &paused)
	if !strings.Contains(paused.Hint, "DELETE /v1/") || !strings.Contains(paused.HintCLI, "segue cancel surname") {
		t.Errorf("for pause the hints are %q and %q", paused.Hint, paused.HintCLI)
	}
}
