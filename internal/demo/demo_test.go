package demo

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/seguedb/segue/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestTheDemoHoldsWhatItPromises(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*pgtest.Patience)
	defer cancel()
	var out strings.Builder
	err := Run(ctx, Options{Out: &out, Rows: 2000, Stage: 300 * time.Millisecond})
	if err != nil {
		t.Errorf("the demo failed: %v", err)
	}
	for _, want := range []string{"draft", "blocked by pid", "cutover", "rollback", "contract", "No error and no lost write", "second act", "not a cent is missing"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the demo does not show %q", want)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}
