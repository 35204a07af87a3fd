// Package docs holds the tests of what the documentation says about the code.
package docs

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/seguedb/segue/"

// A source is a package as the go command describes it.
type source struct {
	ImportPath string
	Name       string
	Imports    []string
	GoFiles    []string
	CgoFiles   []string
}

// sources lists the packages of the module.
func sources(t *testing.T) []source {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Imports,GoFiles,CgoFiles", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []source
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p source
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles)+len(p.CgoFiles) > 0 {
			all = append(all, p)
		}
	}
}

// floors reads the picture of the packages.
func floors(t *testing.T) map[string]int {
	t.Helper()
	page, err := os.ReadFile("architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, line := range regexp.MustCompile(`(?m)^(\d+) +(\S.*)$`).FindAllStringSubmatch(string(page), -1) {
		floor, err := strconv.Atoi(line[1])
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range strings.Fields(line[2]) {
			out[name] = floor
		}
	}
	return out
}

func TestImportsGoDownTheFloorsOfThePicture(t *testing.T) {
	t.Parallel()
	floor := floors(t)
	known := map[string]bool{}
	for _, p := range sources(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		known[name] = true
		from, ok := floor[name]
		switch {
		case ok:
		case name == "bench", strings.HasSuffix(name, "test"), strings.HasPrefix(name, "test/"), p.Name == "main":
			continue // tests and tools import what they like, and nothing of the product imports them
		default:
			t.Errorf("package %s is not in the picture", name)
			continue
		}
		for _, imported := range p.Imports {
			to, ours := strings.CutPrefix(imported, module)
			if !ours {
				continue
			}
			if below, ok := floor[to]; !ok || below >= from {
				t.Errorf("%s, on floor %d, imports %s, which is on floor %d (in the picture: %v)", name, from, to, below, ok)
			}
		}
	}
	for name := range floor {
		if !known[name] {
			t.Errorf("the picture has a package %s, which is not there", name)
		}
	}
}

// whatDoesIO are packages through which one reaches files, the network, other programs or a database.
var whatDoesIO = regexp.MustCompile(`^(os|os/.*|net|net/.*|database/sql|syscall|io/fs|github\.com/jackc/pgx/v5(/pgconn|/pgxpool|/stdlib)?)$`)

func TestWhatOnlyDecidesDoesNoIO(t *testing.T) {
	t.Parallel()
	pure := map[string]bool{"rewrite": true, "change": true, "rules": true, "proxy/prepared": true}
	for _, p := range sources(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if !pure[name] && !strings.HasPrefix(name, "rewrite/") {
			continue
		}
		for _, imported := range p.Imports {
			if whatDoesIO.MatchString(imported) {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
	}
}
