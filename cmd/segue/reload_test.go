package main

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/internal/serve"
)

// A journal is what was logged.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) says(what string) func() bool {
	return func() bool {
		j.mu.Lock()
		defer j.mu.Unlock()
		return strings.Contains(j.text.String(), what)
	}
}

// It sends signals to the test's own process, and is not run beside others for that.
func TestSIGHUPReadsSecretsAgainAndEndsNothing(t *testing.T) {
	users := filepath.Join(t.TempDir(), "users")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(users, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(users, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	secrets, err := serve.ReadSecrets(serve.Files{AuthFile: users})
	if err != nil {
		t.Fatal(err)
	}
	var log journal
	stop := reloadOnSignal(serve.Config{Secrets: secrets, Log: hclog.New(&hclog.LoggerOptions{Output: &log})})
	defer stop()
	write("# nobody\n")
	pgtest.Eventually(t, log.says("were read again"), "the file is read again")
	write("nonsense\n")
	pgtest.Eventually(t, log.says("users:1: it is not of the form"), "the invalid file is logged")
}
