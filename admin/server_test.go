package admin_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/admin/admintest"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/migrate"
)

func TestMain(m *testing.M) { pgtest.MainWithoutCluster(m) }

const ruleFile = `id: surname
operations:
  - rename_column: { table: public.individual, from: last_name, to: surname }
`

// call sends one request and decodes the answer, if out is given.
func call(t *testing.T, h http.Handler, method, path, body string, out any, change ...func(*http.Request)) *http.Response {
	t.Helper()
	req := httptest.NewRequest(method, "http://127.0.0.1:8432"+path, strings.NewReader(body))
	for _, f := range change {
		f(req)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	res := rec.Result()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if out != nil {
		if err := json.Unmarshal(data, out); err != nil {
			t.Fatalf("%s %s answered %d with %q: %v", method, path, res.StatusCode, data, err)
		}
	}
	res.Body = io.NopCloser(bytes.NewReader(data))
	return res
}

func serve(t *testing.T, cfg admin.Config) http.Handler {
	t.Helper()
	if cfg.Control == nil {
		cfg.Control = &admintest.Control{}
	}
	s, err := admin.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s.Handler()
}

func create(t *testing.T, h http.Handler) {
	t.Helper()
	if res := call(t, h, "POST", "/v1/migrations", ruleFile, nil); res.StatusCode != 201 {
		t.Fatalf("create answered %d", res.StatusCode)
	}
}

func TestAMigrationGoesThroughItsPhases(t *testing.T) {
	t.Parallel()
	h := serve(t, admin.Config{})
	var st migrate.Status
	for _, step := range []struct {
		method, path, body string
		status             int
		phase              string
	}{
		{"POST", "/v1/migrations?file=surname.yaml", ruleFile, 201, "draft"},
		{"POST", "/v1/migrations?file=surname.yaml", ruleFile, 200, "draft"},
		{"POST", "/v1/migrations/surname/activate", "", 200, "active"},
		{"POST", "/v1/migrations/surname/activate", "{}", 200, "active"},
		{"POST", "/v1/migrations/surname/cutover?wait=1s", "", 200, "cutover"},
		{"POST", "/v1/migrations/surname/rollback", `{"to":"active"}`, 200, "active"},
		{"POST", "/v1/migrations/surname/cutover", `{"force":true,"reason":"the function is dead"}`, 200, "cutover"},
		{"POST", "/v1/migrations/surname/contract?allow_bypass=true", "", 200, "contracted"},
		{"GET", "/v1/migrations/surname", "", 200, "contracted"},
	} {
		res := call(t, h, step.method, step.path, step.body, &st)
		if res.StatusCode != step.status || string(st.Phase) != step.phase {
			t.Fatalf("%s %s answered %d %s, want %d %s", step.method, step.path, res.StatusCode, st.Phase, step.status, step.phase)
		}
	}
	var tr admin.Transitions
	call(t, h, "GET", "/v1/migrations/surname/transitions", "", &tr)
	if len(tr.Events) != 6 {
		t.Errorf("history has %d events, want 6: %v", len(tr.Events), tr.Events)
	}
}

func TestATransitionThatIsStillTriedIsAccepted(t *testing.T) {
	t.Parallel()
	blockers := []migrate.Blocker{{PID: 7, User: "batch", Why: "holds a lock"}}
	control := &admintest.Control{}
	control.Block("surname", blockers...)
	h := serve(t, admin.Config{Control: control})
	create(t, h)
	call(t, h, "POST", "/v1/migrations/surname/activate", "", nil)
	for _, wait := range []string{"", "?wait=1ms"} {
		var st migrate.Status
		res := call(t, h, "POST", "/v1/migrations/surname/cutover"+wait, "", &st)
		if res.StatusCode != 202 || st.Pending == nil {
			t.Fatalf("%q: answered %d, pending %v; want 202 with what is pending", wait, res.StatusCode, st.Pending)
		}
		if diff := cmp.Diff(blockers, st.Blockers); diff != "" {
			t.Errorf("%q: blockers (-want +got):\n%s", wait, diff)
		}
	}
	var refused admin.Problem
	if res := call(t, h, "DELETE", "/v1/migrations/surname", "", &refused); res.StatusCode != 409 || refused.HintCLI == "" {
		t.Errorf("removing what is pending answered %d, %+v", res.StatusCode, refused)
	}
	var gone admin.Cancelled
	if res := call(t, h, "DELETE", "/v1/migrations/surname/transition", "", &gone); res.StatusCode != 200 || gone.Cancelled != migrate.Cutover || gone.Migration.Pending != nil {
		t.Fatalf("withdrawing answered %d, %+v", res.StatusCode, gone)
	}
	if res := call(t, h, "DELETE", "/v1/migrations/surname/transition", "", nil); res.StatusCode != 409 {
		t.Errorf("withdrawing again answered %d", res.StatusCode)
	}
	var st migrate.Status
	call(t, h, "GET", "/v1/migrations/surname", "", &st)
	if st.Pending != nil || st.Phase != "active" {
		t.Errorf("after withdrawing: %s, pending %v; want active with nothing pending", st.Phase, st.Pending)
	}
}

func TestAWaitingTransitionAnswersWhenItIsDone(t *testing.T) {
	t.Parallel()
	control := &admintest.Control{}
	control.Block("surname")
	h := serve(t, admin.Config{Control: control})
	create(t, h)
	call(t, h, "POST", "/v1/migrations/surname/activate", "", nil)
	call(t, h, "POST", "/v1/migrations/surname/cutover", "", nil)
	done := make(chan int)
	go func() {
		done <- call(t, h, "POST", "/v1/migrations/surname/cutover?wait=1m", "", nil).StatusCode
	}()
	control.Free("surname")
	if got := <-done; got != 200 {
		t.Errorf("answered %d, want 200", got)
	}
}

func TestErrorsAreProblems(t *testing.T) {
	t.Parallel()
	control := &admintest.Control{}
	control.Deny("surname", &migrate.ConflictError{
		Message: "contract is not earned", Hint: "wait for the old app to end", Allowed: []migrate.Kind{migrate.Rollback},
		Missing: []string{"3 sessions of base"}, Blockers: []migrate.Blocker{{PID: 9}},
	})
	h := serve(t, admin.Config{Control: control})
	create(t, h)
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		detail             string
	}{
		"an unknown address":             {"GET", "/v2/migrations", "", 404, "there is nothing at /v2/migrations"},
		"a method that is not there":     {"PUT", "/v1/migrations", "", 405, "cannot be had with PUT"},
		"an unknown migration":           {"GET", "/v1/migrations/nope", "", 404, `"nope"`},
		"an unknown migration's history": {"GET", "/v1/migrations/nope/transitions", "", 404, `"nope"`},
		"an unknown query parameter":     {"GET", "/v1/migrations?x=1", "", 400, `"x"`},
		"a repeated query parameter":     {"GET", "/v1/events?migration=a&migration=b", "", 400, "more than once"},
		"an unknown key":                 {"POST", "/v1/migrations/surname/cutover", `{"forse":true}`, 400, `"forse"`},
		"two JSON values":                {"POST", "/v1/migrations/surname/cutover", `{} {}`, 400, "more than one"},
		"a body that is no JSON":         {"POST", "/v1/migrations/surname/cutover", `force`, 400, "not as expected"},
		"force without a reason":         {"POST", "/v1/migrations/surname/cutover", `{"force":true}`, 400, "without a reason"},
		"an option of another verb":      {"POST", "/v1/migrations/surname/cutover", `{"to":"active"}`, 400, `no option "to"`},
		"a duration that is none":        {"POST", "/v1/migrations/surname/cutover?wait=soon", "", 400, `"soon"`},
		"a wait that is too long":        {"POST", "/v1/migrations/surname/cutover?wait=24h", "", 400, `"24h"`},
		"a flag that is none":            {"POST", "/v1/migrations/surname/cutover?force=maybe", "", 400, `"maybe"`},
		"a phase that is no goal":        {"POST", "/v1/migrations/surname/rollback?to=draft", "", 400, `"draft"`},
		"a refused transition":           {"POST", "/v1/migrations/surname/contract", "", 409, "contract is not earned"},
		"pausing a rename":               {"POST", "/v1/migrations/surname/pause", "", 409, "nothing to pause"},
		"the same id, other content":     {"POST", "/v1/migrations", ruleFile + "# x", 409, "other content"},
		"a mistake in a rule file":       {"POST", "/v1/migrations?file=f", "id: [", 422, "f:1"},
		"a rule file that is too big":    {"POST", "/v1/migrations", strings.Repeat("#", 1<<20+1), 413, "1048576"},
		"an empty text to rewrite":       {"POST", "/v1/rewrite", `{"sql":" "}`, 400, "sql is empty"},
		"a version that is not served":   {"POST", "/v1/rewrite", `{"sql":"SELECT 1","version":"x"}`, 422, `"x"`},
		"a way out that leads nowhere":   {"GET", "/v1/migrations/surname/exit-sql?to=draft", "", 400, `"draft"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p admin.Problem
			res := call(t, h, c.method, c.path, c.body, &p)
			if res.StatusCode != c.status || p.Status != c.status {
				t.Errorf("status %d, in the body %d; want %d", res.StatusCode, p.Status, c.status)
			}
			if got := res.Header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("content type %q", got)
			}
			if !strings.Contains(p.Detail, c.detail) || p.Title == "" || p.Type == "" {
				t.Errorf("problem %+v, want type, title and a detail with %q", p, c.detail)
			}
		})
	}
	t.Run("a refusal says what is missing, allowed and in the way", func(t *testing.T) {
		t.Parallel()
		var got admin.Problem
		call(t, h, "POST", "/v1/migrations/surname/contract", "", &got)
		want := admin.Problem{
			Type: "urn:segue:problem:conflict", Title: "Refused", Status: 409,
			Detail: "contract is not earned", Hint: "wait for the old app to end",
			Allowed: []migrate.Kind{migrate.Rollback}, Missing: []string{"3 sessions of base"},
			Blockers: []migrate.Blocker{{PID: 9}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("a wrong method names the right ones", func(t *testing.T) {
		t.Parallel()
		res := call(t, h, "PATCH", "/v1/migrations/surname", "", nil)
		if got := res.Header.Get("Allow"); got != "DELETE, GET" {
			t.Errorf("Allow is %q", got)
		}
	})
}

func TestABodyOfAnotherMediaTypeIsRefused(t *testing.T) {
	t.Parallel()
	h := serve(t, admin.Config{})
	create(t, h)
	res := call(t, h, "POST", "/v1/migrations/surname/activate", "{}", nil, func(r *http.Request) {
		r.Header.Set("Content-Type", "text/plain")
	})
	if res.StatusCode != 415 {
		t.Errorf("answered %d, want 415", res.StatusCode)
	}
}

func TestReports(t *testing.T) {
	t.Parallel()
	control := &admintest.Control{Live: []migrate.SessionInfo{{PID: 4, User: "shop", Version: "base"}}}
	h := serve(t, admin.Config{Control: control, Program: "1.2.3"})
	create(t, h)
	for path, want := range map[string]string{
		"/v1/migrations":                                 `"phase": "draft"`,
		"/v1/migrations/surname/plan":                    `"lock": "ACCESS EXCLUSIVE on public.individual"`,
		"/v1/migrations/surname/assessment":              `"findings": []`,
		"/v1/migrations/surname/usage":                   `"count": 42`,
		"/v1/migrations/surname/exit-sql":                `-- to contracted`,
		"/v1/migrations/surname/exit-sql?to=rolled_back": `-- to rolled_back`,
		"/v1/instances":                                  `"self": true`,
		"/v1/sessions":                                   `"user": "shop"`,
		"/metrics":                                       `segue_build_info{version="1.2.3"} 1`,
		"/":                                              `<title>Segue</title>`,
		"/healthz":                                       `"ok"`,
		"/readyz":                                        `"ok"`,
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			res := call(t, h, "GET", path, "", nil)
			body, err := io.ReadAll(res.Body)
			if err != nil || res.StatusCode != 200 || !strings.Contains(string(body), want) {
				t.Errorf("answered %d %v, want %q in:\n%s", res.StatusCode, err, want, body)
			}
		})
	}
}

func TestALoopbackAddressIsNotServedWithoutATokenToOthers(t *testing.T) {
	t.Parallel()
	s, err := admin.New(admin.Config{Control: &admintest.Control{}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	err = s.Serve(l)
	if err == nil || !strings.Contains(err.Error(), "token") {
		t.Errorf("Serve returned %v, want a demand for a token", err)
	}
	if _, err := l.Accept(); err == nil {
		t.Error("the listener is still open")
	}
}

func TestAnUnforeseenErrorIsAPassingOneWhileTheInstanceIsOutOfTouch(t *testing.T) {
	t.Parallel()
	control := &admintest.Control{}
	control.Deny("surname", errors.New("connection refused"))
	h := serve(t, admin.Config{Control: control})
	create(t, h)
	for _, step := range []struct {
		ready  error
		status int
	}{{nil, 500}, {admintest.ErrNotReady, 503}} {
		control.NotReady = step.ready
		var p admin.Problem
		res := call(t, h, "POST", "/v1/migrations/surname/activate", "", &p)
		if res.StatusCode != step.status || p.Detail != "connection refused" {
			t.Errorf("ready %v: answered %d %q, want %d", step.ready, res.StatusCode, p.Detail, step.status)
		}
		if step.ready != nil && !strings.Contains(p.Hint, step.ready.Error()) {
			t.Errorf("the hint %q does not say why", p.Hint)
		}
	}
}
