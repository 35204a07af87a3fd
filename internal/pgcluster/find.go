package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// ErrNotInstalled means that no PostgreSQL server was found and none could be installed.
var ErrNotInstalled = errors.New("no PostgreSQL server found: install the package postgresql, or set SEGUE_PGBIN to the folder of its binaries")

// Bin finds the folder that holds initdb and postgres: SEGUE_PGBIN, then PATH, then the newest
// /usr/lib/postgresql/*/bin.
func Bin() (string, error) {
	if dir := os.Getenv("SEGUE_PGBIN"); dir != "" {
		if !hasServer(dir) {
			return "", fmt.Errorf("SEGUE_PGBIN=%s holds no initdb and postgres: %w", dir, ErrNotInstalled)
		}
		return dir, nil
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		// A link elsewhere stands for the folder that it points into, which has the other programs too.
		if real, err := filepath.EvalSymlinks(path); err == nil && hasServer(filepath.Dir(real)) {
			return filepath.Dir(real), nil
		}
	}
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	sort.Slice(dirs, func(i, j int) bool { return major(dirs[i]) > major(dirs[j]) })
	for _, dir := range dirs {
		if hasServer(dir) {
			return dir, nil
		}
	}
	return "", ErrNotInstalled
}

// BinOrInstall is Bin, except that it installs PostgreSQL with apt when there is none and the process may do so.
func BinOrInstall(ctx context.Context) (string, error) {
	dir, err := Bin()
	if !errors.Is(err, ErrNotInstalled) || os.Geteuid() != 0 || os.Getenv("SEGUE_PGBIN") != "" {
		return dir, err
	}
	if _, lookErr := exec.LookPath("apt-get"); lookErr != nil {
		return "", err
	}
	for _, args := range [][]string{{"update", "-q"}, {"install", "-q", "-y", "--no-install-recommends", "postgresql"}} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("apt-get %s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return Bin()
}

func hasServer(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.IsDir() {
			return false
		}
	}
	return true
}

func major(bin string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	if err != nil {
		return 0
	}
	return n
}
