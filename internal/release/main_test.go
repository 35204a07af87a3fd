package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tree is a tree in which all agree on 1.2.3.
func tree() map[string]string {
	return map[string]string{
		"CHANGELOG.md":       "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-12-01\n\n- Something.\n\n## [1.2.2] - 2026-11-01\n\n- Else.\n",
		"admin/openapi.json": `{"info": {"version": "1.2.3"}}`,
		"Dockerfile":         "ARG VERSION=devel\nRUN go build -ldflags \"-X main.release=${VERSION}\"\nLABEL org.opencontainers.image.version=\"${VERSION}\"\n",
	}
}

func TestEveryPlaceThatTellsTheVersionTellsTheSame(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tag        string
		file, text string // in place of the tree's
		want       string // part of the error; "": none
	}{
		"all agree":                 {tag: "v1.2.3"},
		"another tag":               {tag: "v1.2.4", want: "CHANGELOG.md: its newest section is not that of 1.2.4"},
		"a tag that is no version":  {tag: "v1.2", want: "no version"},
		"no such section":           {tag: "v1.2.3", file: "CHANGELOG.md", text: "# Changelog\n", want: "newest section"},
		"a section without a date":  {tag: "v1.2.3", file: "CHANGELOG.md", text: "## [1.2.3]\n\n- Something.\n", want: "no date"},
		"an empty section":          {tag: "v1.2.3", file: "CHANGELOG.md", text: "## [1.2.3] - 2026-12-01\n\n## [1.2.2] - 2026-11-01\n\n- Else.\n", want: "empty"},
		"something still to come":   {tag: "v1.2.3", file: "CHANGELOG.md", text: "## [Unreleased]\n\n- More.\n\n## [1.2.3] - 2026-12-01\n\n- Something.\n", want: "Unreleased"},
		"the API of another":        {tag: "v1.2.3", file: "admin/openapi.json", text: `{"info": {"version": "1.2.2"}}`, want: "info.version is 1.2.2"},
		"an image without a label":  {tag: "v1.2.3", file: "Dockerfile", text: "ARG VERSION\n-X main.release=${VERSION}\n", want: "LABEL"},
		"a changelog that is gone":  {tag: "v1.2.3", file: "CHANGELOG.md", want: "CHANGELOG.md"},
		"a version before the real": {tag: "v1.2.3-rc.1", want: "newest section"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := maps.Clone(tree())
			if tc.file != "" {
				files[tc.file] = tc.text
			}
			err := agree(tc.tag, func(name string) ([]byte, error) {
				if files[name] == "" {
					return nil, os.ErrNotExist
				}
				return []byte(files[name]), nil
			})
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestTheTreeIsReadyForARelease(t *testing.T) {
	t.Parallel()
	err := agree("v0.1.0", func(name string) ([]byte, error) { return os.ReadFile("../../" + name) })
	if err != nil && strings.Count(err.Error(), "\n") > 0 {
		t.Errorf("more than the changelog's section is missing: %v", err)
	}
}

func TestAnArchiveIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(dir, "segue")
	if err := os.WriteFile(program, []byte("a program"), 0o600); err != nil {
		t.Fatal(err)
	}
	var made [2][]byte
	for i := range made {
		file := filepath.Join(dir, "a.tar.gz")
		if err := archive(file, "segue_1", time.Unix(1_700_000_000, 0), []string{program}); err != nil {
			t.Fatal(err)
		}
		made[i], _ = os.ReadFile(file)
	}
	if len(made[0]) == 0 || !bytes.Equal(made[0], made[1]) {
		t.Error("two archives of the same files differ")
	}
}

func TestAnSBOMHasNoDate(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "sbom.json")
	if err := os.WriteFile(file, []byte(`{"metadata": {"timestamp": "now", "tools": 1}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := undated(file); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(file); bytes.Contains(text, []byte("timestamp")) || !bytes.Contains(text, []byte("tools")) {
		t.Errorf("%s", text)
	}
}
