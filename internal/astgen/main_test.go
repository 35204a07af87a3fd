package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestTheCommittedTypesAreThoseOfTheParser(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("../../rewrite/ast/types.go")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "types.go")
	if err := run([]string{file}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
		t.Errorf("rewrite/ast/types.go is not up to date (%v): run go generate ./rewrite/ast", err)
	}
}

func TestAFileToWriteMustBeGiven(t *testing.T) {
	t.Parallel()
	if run(nil) == nil {
		t.Error("no error")
	}
}
