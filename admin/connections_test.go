package admin_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/admin/admintest"
	"github.com/seguedb/segue/internal/pgtest"
)

// listen serves s on loopback until the test ends and returns its address.
func listen(t *testing.T, s *admin.Server, serve func(net.Listener) error) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- serve(l) }()
	t.Cleanup(func() {
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestProbesAnswerHoweverManyConnectionsAreHeldOpen(t *testing.T) {
	t.Parallel()
	s, err := admin.New(admin.Config{Control: &admintest.Control{}})
	if err != nil {
		t.Fatal(err)
	}
	addr := listen(t, s, s.Serve)
	for i := range 3 * admin.MaxConnections {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			if _, err := c.Write([]byte("GET /healthz HTTP/1.1\r\nHost: 127")); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 3 {
		if status, body := get(t, "http://"+addr+"/healthz"); status != http.StatusOK {
			t.Errorf("%d %s", status, body)
		}
	}
}

func TestProbesAnswerHoweverManyRequestsAreNeverSentWhole(t *testing.T) {
	t.Parallel()
	for name, token := range map[string]string{"open": "", "with a token": "secret"} {
		for _, head := range []string{"POST /v1/rewrite", "GET /metrics", "DELETE /v1/migrations/m", "GET /nowhere", "GET /healthz", "PUT /healthz"} {
			t.Run(name+" "+head, func(t *testing.T) {
				t.Parallel()
				s, err := admin.New(admin.Config{Control: &admintest.Control{}, Token: token})
				if err != nil {
					t.Fatal(err)
				}
				addr, metrics := listen(t, s, s.Serve), listen(t, s, s.ServeMetrics)
				for range admin.MaxConnections + 10 {
					c, err := net.Dial("tcp", addr)
					if err != nil {
						t.Fatal(err)
					}
					defer c.Close()
					if _, err := c.Write([]byte(head + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n{")); err != nil {
						t.Fatal(err)
					}
				}
				for _, url := range []string{"http://" + addr + "/healthz", "http://" + metrics + "/readyz", "http://" + metrics + "/metrics"} {
					if status, body := get(t, url); status != http.StatusOK {
						t.Errorf("%s: %d %s", url, status, body)
					}
				}
			})
		}
	}
}

func TestARequestIsAnsweredBeforeItsBodyWhereTheBodyIsNotWanted(t *testing.T) {
	t.Parallel()
	s, err := admin.New(admin.Config{Control: &admintest.Control{}, Token: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	addr := listen(t, s, s.Serve)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("POST /v1/rewrite HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n{")); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(pgtest.Patience)); err != nil {
		t.Fatal(err)
	}
	status := make([]byte, len("HTTP/1.1 401"))
	if _, err := io.ReadFull(c, status); err != nil || string(status) != "HTTP/1.1 401" {
		t.Errorf("the answer is %q, error %v", status, err)
	}
}

func TestEventStreamsAreBounded(t *testing.T) {
	t.Parallel()
	s, err := admin.New(admin.Config{Control: &admintest.Control{}})
	if err != nil {
		t.Fatal(err)
	}
	addr := listen(t, s, s.Serve)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	var open []*http.Response
	refused := 0
	for range 200 {
		res, err := client.Get("http://" + addr + "/v1/events")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		switch res.StatusCode {
		case http.StatusOK:
			open = append(open, res)
		case http.StatusServiceUnavailable:
			refused++
		default:
			t.Fatalf("status %d", res.StatusCode)
		}
	}
	if len(open) != 32 || refused != 168 {
		t.Errorf("%d streams are open and %d were refused", len(open), refused)
	}
	if status, body := get(t, "http://"+addr+"/readyz"); status != http.StatusOK {
		t.Errorf("a probe gets %d %s", status, body)
	}
	open[0].Body.Close()
	pgtest.Eventually(t, func() bool {
		res, err := client.Get("http://" + addr + "/v1/events")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	}, "a stream may be opened when another has ended")
}

func TestMetricsCanBeServedWithoutAToken(t *testing.T) {
	t.Parallel()
	s, err := admin.New(admin.Config{Control: &admintest.Control{}, Token: "secret", Pprof: true})
	if err != nil {
		t.Fatal(err)
	}
	addr := listen(t, s, s.ServeMetrics)
	if status, body := get(t, "http://"+addr+"/metrics"); status != http.StatusOK || !strings.Contains(body, "segue_ready 1") {
		t.Errorf("/metrics: %d %s", status, body)
	}
	if status, _ := get(t, "http://"+addr+"/readyz"); status != http.StatusOK {
		t.Errorf("/readyz: %d", status)
	}
	for _, path := range []string{"/", "/v1/migrations", "/v1/sessions", "/v1/events", "/openapi.json", "/debug/pprof/"} {
		if status, body := get(t, "http://"+addr+path); status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	res, err := http.Post("http://"+addr+"/metrics", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST /metrics: %d", res.StatusCode)
	}
}
