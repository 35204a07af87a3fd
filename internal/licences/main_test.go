package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheCommittedLicencesAreThoseOfWhatIsInTheBinary(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("../../THIRD_PARTY_LICENSES")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "licences")
	if err := run([]string{file}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
		t.Errorf("THIRD_PARTY_LICENSES is not up to date (%v): run go generate ./internal/licences", err)
	}
	for _, name := range []string{"pg_query_go", "PostgreSQL Global Development Group", "protobuf-c authors", "Yann Collet", "Henry Spencer"} {
		if !bytes.Contains(want, []byte(name)) {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestAModuleWithoutALicenceIsAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "NOTICE"), []byte("by somebody"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := licencesIn(dir); err == nil || !strings.Contains(err.Error(), "no licence") {
		t.Errorf("got %v", err)
	}
}

func TestAFileToWriteMustBeGiven(t *testing.T) {
	t.Parallel()
	if run(nil) == nil {
		t.Error("no error")
	}
}
