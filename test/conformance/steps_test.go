package main

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAScriptWaitsUntilItsStepHasBeenTaken(t *testing.T) {
	t.Parallel()
	s, err := openSteps(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var taken []string
	served := make(chan struct{})
	go func() {
		defer close(served)
		s.serve(t.Context(), func(_ context.Context, step string) { taken = append(taken, step) })
	}()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.TrimPrefix(`\! step=rename; eval "$SEGUE_STEP"; step=file:x; eval "$SEGUE_STEP"; echo "$answer"`, `\! `))
	cmd.Env = append(cmd.Environ(), s.environment())
	out, err := cmd.CombinedOutput()
	s.close()
	<-served
	if err != nil || strings.TrimSpace(string(out)) != "ok" {
		t.Errorf("the shell says %q, %v", out, err)
	}
	if diff := cmp.Diff([]string{"rename", "file:x"}, taken); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
