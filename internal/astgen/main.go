// Command astgen writes the types of rewrite/ast: an alias for each exported type of a parser's protobuf package, and a
// constant for each of its constants, in its order. `go generate ./rewrite/ast` runs it, once for each of the parsers that Segue can
// be built with.
package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// A grammar is a parser to take the types from: the build tag by which it is chosen, its package, and the file of that which has the types.
type grammar struct{ constraint, parserPackage string }

// grammars are all, by the names of the files to write.
var grammars = map[string]grammar{
	"types.go":      {"!pg18", "github.com/pganalyze/pg_query_go/v5"},
	"types_pg18.go": {"pg18", "github.com/sqlc-dev/oliphant/ast"},
}

const parserFile = "pg_query.pb.go"

// characters begins the names of tokens of one character, which are written as that character.
const characters = "Token_ASCII_"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "astgen:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("give the file to write")
	}
	g, ok := grammars[filepath.Base(args[0])]
	if !ok {
		return fmt.Errorf("no parser's types are in a file called %s", args[0])
	}
	source, err := g.generate()
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], source, 0o644)
}

// generate makes the file. The parser's package must be in the module cache.
func (g grammar) generate() ([]byte, error) {
	where, err := build.Import(g.parserPackage, ".", build.FindOnly)
	if err != nil {
		return nil, fmt.Errorf("cannot find the parser: %w", err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(where.Dir, parserFile), nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("cannot read the parser's types: %w", err)
	}
	structs, enums, constants := exported(file)
	var b bytes.Buffer
	fmt.Fprintf(&b, "// Code generated from the parser's protobuf types; DO NOT EDIT.\n\n//go:build %s\n\npackage ast\n\n", g.constraint)
	fmt.Fprintf(&b, "import pg %q\n\n", g.parserPackage)
	aliases(&b, "type", append(structs, enums...))
	b.WriteString("\n")
	aliases(&b, "const", constants)
	return format.Source(b.Bytes())
}

// exported are the names that a file exports, in its order: messages and the wrappers of their oneofs, then what counts
// their alternatives, then the alternatives.
func exported(file *ast.File) (structs, enums, constants []string) {
	for _, d := range file.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range decl.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if !s.Name.IsExported() {
					continue
				}
				if _, ok := s.Type.(*ast.StructType); ok {
					structs = append(structs, s.Name.Name)
				} else {
					enums = append(enums, s.Name.Name)
				}
			case *ast.ValueSpec:
				if name := s.Names[0]; decl.Tok == token.CONST && name.IsExported() && !strings.HasPrefix(name.Name, characters) {
					constants = append(constants, s.Names[0].Name)
				}
			}
		}
	}
	return structs, enums, constants
}

func aliases(b *bytes.Buffer, keyword string, names []string) {
	b.WriteString(keyword + " (\n")
	for _, name := range names {
		fmt.Fprintf(b, "\t%s = pg.%s\n", name, name)
	}
	b.WriteString(")\n")
}
