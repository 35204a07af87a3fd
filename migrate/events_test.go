package migrate

import (
	"bytes"
	"fmt"
	"slices"
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

// count is the number of lines with all the parts.
func (l *logbook) count(parts ...string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(line, p) }) {
			n++
		}
	}
	return n
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
			return log.count("[INFO]", "migration surname done", `detail="cutover: now cutover"`, "by=test") == 1
		},
			fmt.Sprintf("instance %d logs the end of the cutover", n))
		if log.count("migration surname committed", "cutover: active -> cutover", "pause_ms=") != 1 {
			t.Errorf("instance %d does not log when the names changed", n)
		}
	}
}
