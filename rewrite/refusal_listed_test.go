package rewrite_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// refusalCode is feature_not_supported.
const refusalCode = `"0A000"`

// TestEveryRefusalComesFromThePublishedList reads this package's source: the code of refusals may be compared with, but
// no error has it that the list of refusals has not made.
func TestEveryRefusalComesFromThePublishedList(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	raised := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, use := range refusalCodes(file) {
			switch where := set.Position(use.Pos()); {
			case name == "refused_list.go":
				raised++
			case name == "database.go": // what PostgreSQL does not do either
			default:
				t.Errorf("%s has the code of refusals: raise an entry of refused_list.go", where)
			}
		}
	}
	if raised != 1 {
		t.Errorf("refused_list.go has the code %d times, want once", raised)
	}
}

// refusalCodes are the places that have the code, but for its definition and comparisons with it.
func refusalCodes(file *ast.File) (found []ast.Node) {
	allowed := map[ast.Node]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				allowed[n.X], allowed[n.Y] = true, true
			}
		case *ast.ValueSpec:
			if n.Names[0].Name == "codeRefused" {
				allowed[n.Names[0]], allowed[n.Values[0]] = true, true
			}
		case *ast.Ident:
			if n.Name == "codeRefused" && !allowed[n] {
				found = append(found, n)
			}
		case *ast.BasicLit:
			if n.Value == refusalCode && !allowed[n] {
				found = append(found, n)
			}
		}
		return true
	})
	return found
}

func TestACodeOfRefusalsIsFoundWhereverItStands(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]int{
		`const codeRefused = "0A000"`:                        0,
		`func f(e *Error) bool { return e.Code == "0A000" }`: 0,
		`var e = &Error{Code: codeRefused}`:                  1,
		`var e = Error{"0A000", ""}`:                         1,
		`func f() { b.fail(codeRefused, 1) }`:                1,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+source, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(refusalCodes(file)); got != want {
			t.Errorf("%s: %d are found, want %d", source, got, want)
		}
	}
}
