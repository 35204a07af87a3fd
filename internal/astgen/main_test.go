package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestTheCommittedTypesAreThoseOfTheParser(t *testing.T) {
	t.Parallel()
	for name := range grammars {
		want, err := os.ReadFile("../../rewrite/ast/" + name)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), name)
		if err := run([]string{file}); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("rewrite/ast/%s is not up to date (%v): run go generate ./rewrite/ast", name, err)
		}
	}
}

func TestAFileToWriteMustBeGiven(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"other.go"}} {
		if run(args) == nil {
			t.Errorf("%q is no error", args)
		}
	}
}
