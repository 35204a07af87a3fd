// Command release makes the files of a release in dist: for each platform that a C compiler is there for an archive with the
// program and its licences, and a list of what is in it (an SBOM in CycloneDX); and the checksums of all. `make release` runs
// it. It makes nothing unless every place that tells the version tells the same.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A platform is one that a release is made for. compilers are C compilers for it, which the parser with the grammar of PostgreSQL 16 needs;
// that with the grammar of 18 is in Go.
type platform struct {
	arch      string
	compilers []string
	pg18      bool
}

var platforms = []platform{
	{"amd64", []string{"x86_64-linux-gnu-gcc", "gcc"}, false},
	{"arm64", []string{"aarch64-linux-gnu-gcc"}, false},
	{"amd64", nil, true},
	{"arm64", nil, true},
}

// besides are what an archive has beside the program.
var besides = []string{"LICENSE", "THIRD_PARTY_LICENSES", "README.md", "CHANGELOG.md", "SECURITY.md"}

func main() {
	sbom := flag.String("sbom", "", "module@version of the command that makes the SBOM")
	out := flag.String("out", "dist", "folder to write to, made anew")
	again := flag.Bool("again", false, "build a second time, with an empty cache, and compare")
	flag.Parse()
	if err := release(*sbom, *out, *again); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func release(sbom, out string, again bool) error {
	if sbom == "" {
		return errors.New("-sbom is missing")
	}
	tag, when, err := tagged()
	if err != nil {
		return err
	}
	if err := agree(tag, os.ReadFile); err != nil {
		return err
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	var files []string
	for _, p := range platforms {
		cc := p.compiler()
		if cc == "" && !p.pg18 {
			fmt.Printf("linux/%s is left out: there is none of %s\n", p.arch, strings.Join(p.compilers, ", "))
			continue
		}
		made, err := p.make(tag, when, cc, sbom, out, again)
		if err != nil {
			return fmt.Errorf("linux/%s: %w", p.arch, err)
		}
		files = append(files, made...)
	}
	return writeSums(out, files)
}

// tagged is the version tag of the commit at hand, from which nothing may differ, and when that was made.
func tagged() (tag string, when time.Time, err error) {
	if out, err := run(nil, "git", "status", "--porcelain"); err != nil || out != "" {
		return "", when, fmt.Errorf("the folder is not as it is committed: %s (%w)", out, err)
	}
	if tag, err = run(nil, "git", "describe", "--tags", "--exact-match", "--match", "v*"); err != nil {
		return "", when, fmt.Errorf("this commit has no tag of a version, such as v1.2.3: %w", err)
	}
	seconds, err := run(nil, "git", "log", "-1", "--format=%ct")
	if err != nil {
		return "", when, err
	}
	var n int64
	if _, err := fmt.Sscan(seconds, &n); err != nil {
		return "", when, err
	}
	return tag, time.Unix(n, 0).UTC(), nil
}

// compiler is the C compiler for the platform that is there; "": none.
func (p platform) compiler() string {
	i := slices.IndexFunc(p.compilers, func(name string) bool {
		found, err := exec.LookPath(name)
		if err != nil {
			return false
		}
		machine, err := run(nil, found, "-dumpmachine")
		return err == nil && (strings.HasPrefix(machine, "x86_64") == (p.arch == "amd64"))
	})
	if i < 0 {
		return ""
	}
	return p.compilers[i]
}

// make writes the files of the platform and returns their names.
func (p platform) make(tag string, when time.Time, cc, sbom, out string, again bool) ([]string, error) {
	name := fmt.Sprintf("segue_%s_linux_%s", strings.TrimPrefix(tag, "v"), p.arch)
	work, err := os.MkdirTemp("", "segue-release")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	env := []string{"CGO_ENABLED=1", "GOOS=linux", "GOARCH=" + p.arch, "CC=" + cc, "GOFLAGS="}
	if p.pg18 {
		name += "_pg18"
		env = []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=" + p.arch, "GOFLAGS=-tags=pg18"}
	}
	program := filepath.Join(work, "segue")
	if err := build(env, tag, program); err != nil {
		return nil, err
	}
	if again {
		second := filepath.Join(work, "again")
		if err := build(append(env, "GOCACHE="+filepath.Join(work, "cache")), tag, second); err != nil {
			return nil, err
		}
		if err := same(program, second); err != nil {
			return nil, err
		}
	}
	if p.arch == "amd64" {
		if err := says(program, tag); err != nil {
			return nil, err
		}
	}
	if err := archive(filepath.Join(out, name+".tar.gz"), name, when, append([]string{program}, besides...)); err != nil {
		return nil, err
	}
	list := filepath.Join(out, name+".cdx.json")
	if _, err := run(env, "go", "run", sbom, "app", "-json", "-licenses", "-noserial", "-main", "cmd/segue", "-output", list, "."); err != nil {
		return nil, err
	}
	return []string{name + ".tar.gz", name + ".cdx.json"}, undated(list)
}

func build(env []string, tag, file string) error {
	_, err := run(env, "go", "build", "-trimpath", "-buildvcs=true", "-ldflags", "-s -w -buildid= -X main.release="+tag, "-o", file, "./cmd/segue")
	return err
}

// same tells in an error that two files differ.
func same(a, b string) error {
	first, err := os.ReadFile(a)
	if err != nil {
		return err
	}
	second, err := os.ReadFile(b)
	if err == nil && !bytes.Equal(first, second) {
		err = errors.New("it is another program when it is built a second time")
	}
	return err
}

// says checks what the program says of itself.
func says(program, tag string) error {
	out, err := run(nil, program, "version", "-o", "json")
	if err != nil {
		return err
	}
	var v struct{ Version string }
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		return err
	}
	if v.Version != tag {
		return fmt.Errorf("the program says that it is %s, and the tag %s", v.Version, tag)
	}
	return nil
}

// undated takes the time at which it was made out of an SBOM, so that it is the same each time.
func undated(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var list map[string]any
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	if metadata, ok := list["metadata"].(map[string]any); ok {
		delete(metadata, "timestamp")
	}
	if text, err = json.MarshalIndent(list, "", "  "); err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// writeSums writes SHA256SUMS, as sha256sum -c reads it.
func writeSums(out string, files []string) error {
	var sums strings.Builder
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(text), name)
	}
	fmt.Print(sums.String())
	return os.WriteFile(filepath.Join(out, "SHA256SUMS"), []byte(sums.String()), 0o644)
}

// run runs a command and returns what it prints, without the space around it.
func run(env []string, name string, args ...string) (string, error) {
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), env...)
	var failure bytes.Buffer
	c.Stderr = &failure
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", name, err, failure.String())
	}
	return strings.TrimSpace(string(out)), nil
}
