package admin_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/admin/admintest"
	"github.com/seguedb/segue/rules"
)

func TestWhoMayAsk(t *testing.T) {
	t.Parallel()
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	host := func(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }
	origin := func(o string) func(*http.Request) { return func(r *http.Request) { r.Header.Set("Origin", o) } }
	site := func(s string) func(*http.Request) { return func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", s) } }
	open, closed := admin.Config{}, admin.Config{Token: "s3cret"}
	for name, c := range map[string]struct {
		cfg    admin.Config
		method string
		path   string
		change func(*http.Request)
		status int
	}{
		"anybody on loopback when there is no token":          {open, "GET", "/v1/migrations", host("127.0.0.1:8432"), 200},
		"anybody under the name localhost":                    {open, "GET", "/v1/migrations", host("localhost:8432"), 200},
		"anybody on the IPv6 loopback":                        {open, "GET", "/v1/migrations", host("[::1]:8432"), 200},
		"nobody under a foreign name (DNS rebinding)":         {open, "GET", "/v1/migrations", host("evil.example:8432"), 403},
		"nobody under a name that only begins like localhost": {open, "GET", "/v1/migrations", host("localhost.evil.example"), 403},
		"nobody under another address":                        {open, "GET", "/v1/migrations", host("10.0.0.1"), 403},
		"no page of another origin that writes":               {open, "POST", "/v1/rewrite", origin("http://evil.example"), 403},
		"no cross-site write":                                 {open, "POST", "/v1/rewrite", site("cross-site"), 403},
		"no page of another origin that reads":                {open, "GET", "/v1/events", origin("http://evil.example"), 403},
		"no cross-site read":                                  {open, "GET", "/metrics", site("cross-site"), 403},
		"no page of another port":                             {open, "GET", "/v1/status", site("same-site"), 403},
		"a link to the dashboard":                             {open, "GET", "/", site("cross-site"), 200},
		"probes from anywhere":                                {open, "GET", "/healthz", origin("http://evil.example"), 200},
		"the dashboard itself":                                {open, "GET", "/v1/migrations", site("same-origin"), 200},
		"nobody without the token":                            {closed, "GET", "/v1/migrations", host("10.0.0.1"), 401},
		"nobody with a wrong token":                           {closed, "GET", "/v1/migrations", bearer("s3cres"), 401},
		"nobody with a part of the token":                     {closed, "GET", "/v1/migrations", bearer("s3c"), 401},
		"who has the token, from anywhere":                    {closed, "GET", "/v1/migrations", bearer("s3cret"), 200},
		"nobody reads metrics without the token":              {closed, "GET", "/metrics", host("10.0.0.1"), 401},
		"probes without the token":                            {closed, "GET", "/readyz", host("10.0.0.1"), 200},
		"the description without the token":                   {closed, "GET", "/openapi.json", host("10.0.0.1"), 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res := call(t, serve(t, c.cfg), c.method, c.path, "", nil, c.change)
			if res.StatusCode != c.status {
				t.Errorf("answered %d, want %d", res.StatusCode, c.status)
			}
			if challenge := res.Header.Get("WWW-Authenticate"); (challenge != "") != (c.status == 401) {
				t.Errorf("WWW-Authenticate is %q with status %d", challenge, res.StatusCode)
			}
		})
	}
}

func TestProbesFollowTheInstance(t *testing.T) {
	t.Parallel()
	control := &admintest.Control{NotReady: admintest.ErrNotReady}
	h := serve(t, admin.Config{Control: control})
	want := func(path string, status int) {
		t.Helper()
		res := call(t, h, "GET", path, "", nil)
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != status {
			t.Errorf("%s answered %d %v, want %d", path, res.StatusCode, err, status)
		}
		if reason := admintest.ErrNotReady.Error(); strings.Contains(string(body), reason) != (status == 503) {
			t.Errorf("%s answered %d with %s", path, status, body)
		}
	}
	want("/startup", 503)
	want("/readyz", 503)
	want("/healthz", 200)
	control.NotReady = nil
	want("/startup", 200)
	want("/readiness", 200)
	control.NotReady = admintest.ErrNotReady
	want("/startup", 200) // it has been ready once
	want("/readiness", 503)
	want("/liveness", 200)
}

func TestProbesDoNotTellStrangersWhy(t *testing.T) {
	t.Parallel()
	h := serve(t, admin.Config{Control: &admintest.Control{NotReady: admintest.ErrNotReady}, Token: "s3cret"})
	var p admin.Problem
	call(t, h, "GET", "/readyz", "", &p)
	if strings.Contains(p.Detail, "control tables") {
		t.Errorf("a request without the token is told %q", p.Detail)
	}
}

func TestPprofIsServedOnlyWhenAskedFor(t *testing.T) {
	t.Parallel()
	if res := call(t, serve(t, admin.Config{}), "GET", "/debug/pprof/cmdline", "", nil); res.StatusCode != 404 {
		t.Errorf("without the flag: %d, want 404", res.StatusCode)
	}
	if res := call(t, serve(t, admin.Config{Pprof: true}), "GET", "/debug/pprof/cmdline", "", nil); res.StatusCode != 200 {
		t.Errorf("with the flag: %d, want 200", res.StatusCode)
	}
	if res := call(t, serve(t, admin.Config{Pprof: true, Token: "x"}), "GET", "/debug/pprof/cmdline", "", nil); res.StatusCode != 401 {
		t.Errorf("without the token: %d, want 401", res.StatusCode)
	}
}

func TestAnInstanceThatWaitsForAVersionIsNotReadyBeforeItIsServed(t *testing.T) {
	t.Parallel()
	control := &admintest.Control{Snap: &rules.Snapshot{}}
	h := serve(t, admin.Config{Control: control, WaitVersions: []string{rules.Base, "surname"}})
	if res := call(t, h, "GET", "/readyz", "", nil); res.StatusCode != 503 {
		t.Errorf("before: %d, want 503", res.StatusCode)
	}
	control.Snap = &rules.Snapshot{Lenses: map[string]*rules.Lens{"surname": rules.NewLens("surname", nil)}}
	if res := call(t, h, "GET", "/readyz", "", nil); res.StatusCode != 200 {
		t.Errorf("while it is live: %d, want 200", res.StatusCode)
	}
	control.Snap = &rules.Snapshot{Aliases: map[string]string{"surname": rules.Base}}
	if res := call(t, h, "GET", "/readyz", "", nil); res.StatusCode != 200 {
		t.Errorf("after its contract: %d, want 200", res.StatusCode)
	}
}

func TestADrainingInstanceIsAliveAndNotReady(t *testing.T) {
	t.Parallel()
	s, err := admin.New(admin.Config{Control: &admintest.Control{}})
	if err != nil {
		t.Fatal(err)
	}
	s.Drain()
	for path, status := range map[string]int{"/readyz": 503, "/healthz": 200, "/v1/migrations": 200} {
		if res := call(t, s.Handler(), "GET", path, "", nil); res.StatusCode != status {
			t.Errorf("%s answered %d, want %d", path, res.StatusCode, status)
		}
	}
}
