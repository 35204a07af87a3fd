package admin_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/admin/admintest"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/migrate"
)

func TestEventsArriveAsTheyHappenAndEndWithTheServer(t *testing.T) {
	t.Parallel()
	control := &admintest.Control{}
	s, err := admin.New(admin.Config{Control: control})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	base := "http://" + l.Addr().String()
	res, err := client.Get(base + "/v1/events?migration=surname")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("content type %q", got)
	}
	lines := bufio.NewScanner(res.Body)
	next := func(prefix string) string {
		t.Helper()
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), prefix) {
				return lines.Text()
			}
		}
		t.Fatalf("the stream ended before %q: %v", prefix, lines.Err())
		return ""
	}
	next(": connected")
	for _, id := range []string{"other", "surname"} {
		if _, _, err := control.Create(context.Background(), "f", []byte(strings.Replace(ruleFile, "surname", id, 1)), "me"); err != nil {
			t.Fatal(err)
		}
	}
	next("event: event")
	if data := next("data: "); !strings.Contains(data, `"migration":"surname"`) || !strings.Contains(data, `"actor":"me"`) {
		t.Errorf("event is %s", data)
	}
	ctx, cancel := context.WithTimeout(context.Background(), pgtest.Patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	for lines.Scan() {
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestARequestThatTakesTooLongIsCutOffAtShutdown(t *testing.T) {
	t.Parallel()
	control := &slow{began: make(chan struct{}), goOn: make(chan struct{})}
	s, err := admin.New(admin.Config{Control: control})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /v1/migrations HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-control.began
	defer close(control.goOn)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes come", n)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// slow lists no migrations before it may go on, whatever becomes of who has asked.
type slow struct {
	admintest.Control
	began, goOn chan struct{}
}

func (c *slow) List(context.Context) ([]migrate.Status, error) {
	close(c.began)
	<-c.goOn
	return nil, nil
}
