package migrate

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/seguedb/segue/internal/pgtest"
)

// A logbook is a log that can be read while it is written.
type logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logbook) has(parts ...string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		all := true
		for _, p := range parts {
			all = all && strings.Contains(line, p)
		}
		if all {
			return true
		}
	}
	return false
}

func TestEveryInstanceLogsWhatBecomesOfAMigration(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 0, shop)
	logs := []*logbook{{}, {}}
	for _, log := range logs {
		f.join(func(c *Config) { c.Log = hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: log}) })
	}
	f.create(surname)
	f.must("surname", activate, cutover)
	for n, log := range logs {
		pgtest.Eventually(t, func() bool {
			return log.has("[INFO]", "migration surname done", `detail="cutover: now cutover"`, "by=test")
		},
			fmt.Sprintf("instance %d logs the end of the cutover", n))
		if !log.has("migration surname committed", "cutover: active → cutover", "pause_ms=") {
			t.Errorf("instance %d does not log when the names changed", n)
		}
	}
}
