package test

import (
	"context"
	"os/exec"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
)

// TestPsycopg2SeesTheSchemaOfItsVersion needs Debian's python3-psycopg2, which setup.sh installs.
func TestPsycopg2SeesTheSchemaOfItsVersion(t *testing.T) {
	t.Parallel()
	inEachStage(t, func(t *testing.T, e *env) {
		e.same(t, func(connString string) string {
			ctx, cancel := context.WithTimeout(context.Background(), 5*pgtest.Patience)
			defer cancel()
			cmd := exec.CommandContext(ctx, "/usr/bin/python3", "testdata/driver.py")
			cmd.Env = []string{"URL=" + connString, "TABLE=" + e.Table, "COLUMN=" + e.Column, "PYTHONIOENCODING=utf-8"}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("driver.py (test/setup.sh installs the driver): %v\n%s", err, out)
			}
			return string(out)
		})
	})
}
