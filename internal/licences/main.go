// Command licences writes THIRD_PARTY_LICENSES: every module that is in a binary of Segue, on any platform that it is
// released for, with the texts of its licence as the module cache has them, and of the C code that the parser brings along.
// `go generate ./internal/licences` runs it.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

//go:generate go run . ../../THIRD_PARTY_LICENSES

// platforms are those that a binary may be made for: what is in it differs.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64"}

// program is what the binaries are made of.
const program = "github.com/seguedb/segue/cmd/segue"

// licenceFile matches the names of files that have a licence or a notice that goes with it.
var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents|unlicense)(\.(txt|md|postgresql|libpg_query))?$`)

// A part is something that is in the binary and not Segue's own.
type part struct {
	name  string
	texts []string
}

// bundled is the C code that is in the module of the parser under licences of its own: the first comment of each file has it.
var bundled = []struct{ name, module, file string }{
	{"protobuf-c (in pg_query)", "github.com/pganalyze/pg_query_go/v5", "parser/protobuf-c.c"},
	{"xxHash (in pg_query)", "github.com/pganalyze/pg_query_go/v5", "parser/include/xxhash/xxhash.h"},
	{"strlcpy (in pg_query)", "github.com/pganalyze/pg_query_go/v5", "parser/src_port_strlcpy.c"},
	{"regular expressions (in pg_query)", "github.com/pganalyze/pg_query_go/v5", "parser/include/postgres/regex/regex.h"},
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

// run writes the file that is the only argument.
func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: licences FILE")
	}
	parts, err := list()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "Segue is under the Apache License 2.0 (LICENSE). Its binaries hold the following, too.\n\n")
	for _, p := range parts {
		fmt.Fprintf(&b, "  %s\n", p.name)
	}
	for _, p := range parts {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 100), p.name, strings.Join(p.texts, "\n\n"))
	}
	return os.WriteFile(args[0], b.Bytes(), 0o644)
}

// list lists the parts in the order of their names.
func list() ([]part, error) {
	modules, err := modules()
	if err != nil {
		return nil, err
	}
	goroot, err := output("", "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(goroot)), "LICENSE"))
	if err != nil {
		return nil, err
	}
	parts := []part{{"The Go standard library", []string{clean(string(text))}}}
	for _, m := range modules {
		texts, err := licencesIn(m.Dir)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Path, err)
		}
		parts = append(parts, part{m.Path + " " + m.Version, texts})
	}
	for _, c := range bundled {
		i := slices.IndexFunc(modules, func(m module) bool { return m.Path == c.module })
		if i < 0 {
			return nil, fmt.Errorf("%s: %s is not in the binary", c.name, c.module)
		}
		text, err := firstComment(filepath.Join(modules[i].Dir, c.file))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		parts = append(parts, part{c.name, []string{text}})
	}
	return parts, nil
}

// A module is what `go list` says of one.
type module struct {
	Path, Version, Dir string
	Main               bool
}

// modules lists those that have a package in the program on some platform.
func modules() ([]module, error) {
	found := make(map[string]module)
	builds := []string{"GOOS=linux GOARCH=amd64 CGO_ENABLED=0 GOFLAGS=-tags=pg18"} // with the other parser
	for _, platform := range platforms {
		goos, goarch, _ := strings.Cut(platform, "/")
		builds = append(builds, "GOOS="+goos+" GOARCH="+goarch+" CGO_ENABLED=1")
	}
	for _, env := range builds {
		out, err := output(env, "go", "list", "-deps", "-json=Module", program)
		if err != nil {
			return nil, err
		}
		for d := json.NewDecoder(bytes.NewReader(out)); ; {
			var p struct{ Module *module }
			err := d.Decode(&p)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
			if p.Module != nil && !p.Module.Main {
				found[p.Module.Path] = *p.Module
			}
		}
	}
	var all []module
	for _, m := range found {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

// output runs a command with more in its environment, separated by spaces.
func output(env string, name string, args ...string) ([]byte, error) {
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), strings.Fields(env)...)
	c.Stderr = os.Stderr
	return c.Output()
}

// licencesIn reads the licence of a module, and the notices that go with it.
func licencesIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var texts []string
	licensed := false
	for _, e := range entries {
		if e.IsDir() || !licenceFile.MatchString(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		licensed = licensed || !strings.HasPrefix(strings.ToLower(e.Name()), "notice")
		texts = append(texts, e.Name()+":\n\n"+clean(string(text)))
	}
	if !licensed {
		return nil, errors.New("there is no licence in the folder of the module")
	}
	return texts, nil
}

// firstComment is the first comment of a C file with a copyright in it.
func firstComment(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	for _, comment := range regexp.MustCompile(`(?s)/\*.*?\*/`).FindAllString(string(text), -1) {
		if strings.Contains(comment, "Copyright") {
			return clean(comment), nil
		}
	}
	return "", errors.New("no comment has a copyright")
}

// clean is a text without space at the ends of its lines, and of itself.
func clean(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t\r\f")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}
