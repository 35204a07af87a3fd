package orm

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
)

// printed runs a command in a folder with the database's environment and returns all that it printed, errors
// included, without what differs between any two databases.
func printed(t *testing.T, db database, folder, input, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*pgtest.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = folder
	cmd.Env = db.environment()
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %s (test/setup.sh installs what it needs): %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return specificName.ReplaceAllString(strings.ReplaceAll(string(out), db.name, "shop"), "${1}_OID")
}

// specificName is a name that is made unique by an OID: of a function, or of a constraint that is none in pg_constraint.
var specificName = regexp.MustCompile(`\b(full_name|full_line|2200)_[0-9]+`)

// installed is the path of a program that test/setup.sh has built.
func installed(t *testing.T, name string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(cache, "segue", "programs", name)
}
