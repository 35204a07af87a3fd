package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var more = flag.String("texts", "", "a folder with files of SQL, of which the statements are compared, too")

// words are those with which a string in the tests is taken for a statement.
var words = []string{"SELECT ", "INSERT ", "UPDATE ", "DELETE ", "MERGE ", "CREATE ", "ALTER ", "DROP ", "WITH ", "COPY ", "GRANT ", "COMMENT ", "EXPLAIN ", "DO "}

// statementsOfTests are the strings in the rewriter's tests and in those of introspection that look like statements.
func statementsOfTests(t *testing.T) (out []string) {
	t.Helper()
	files, err := filepath.Glob("../../rewrite/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, "../../bench/introspections_test.go") {
		if strings.Contains(name, "pg18") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if sql, err := strconv.Unquote(lit.Value); err == nil && slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(sql, w) }) {
					out = append(out, strings.NewReplacer("{", "", "}", "", "%d", "1").Replace(sql))
				}
			}
			return true
		})
	}
	return out
}

// statementsIn are those of the files of SQL in a folder, without what psql makes of it.
func statementsIn(t *testing.T, folder string) (out []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.sql"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no files of SQL in %s: %v", folder, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(text), ";\n") {
			if !strings.Contains(part, "\\") {
				out = append(out, part)
			}
		}
	}
	return out
}

// TestBothParsersGiveTheSameTree gives the same statements to both. What the grammar of 18 alone can read may differ, and messages
// may, for statements that neither can read.
func TestBothParsersGiveTheSameTree(t *testing.T) {
	t.Parallel()
	statements := statementsOfTests(t)
	if *more != "" {
		statements = append(statements, statementsIn(t, *more)...)
	}
	var in bytes.Buffer
	for _, sql := range statements {
		if err := json.NewEncoder(&in).Encode(sql); err != nil {
			t.Fatal(err)
		}
	}
	dumps := map[string][]Dump{}
	for _, tags := range []string{"", "pg18"} {
		program := filepath.Join(t.TempDir(), "treedump")
		if out, err := exec.Command("go", "build", "-tags", tags, "-o", program, ".").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		c := exec.Command(program)
		c.Stdin = bytes.NewReader(in.Bytes())
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		for d := json.NewDecoder(bytes.NewReader(out)); ; {
			var of Dump
			err := d.Decode(&of)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			dumps[tags] = append(dumps[tags], of)
		}
	}
	if len(dumps[""]) != len(statements) || len(dumps["pg18"]) != len(statements) {
		t.Fatalf("of %d statements %d and %d are written", len(statements), len(dumps[""]), len(dumps["pg18"]))
	}
	read, same := 0, 0
	for i, sql := range statements {
		old, young := dumps[""][i], dumps["pg18"][i]
		if old.Error != "" {
			continue
		}
		read++
		if diff := cmp.Diff(old, young); diff != "" {
			t.Errorf("%s\nis read otherwise (-grammar 16 +grammar 18):\n%s", sql, diff)
			continue
		}
		same++
	}
	t.Logf("%d statements, %d of them read, %d the same", len(statements), read, same)
	if read < 1000 {
		t.Errorf("only %d statements were compared", read)
	}
}
