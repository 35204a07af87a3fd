// Command astgen writes rewrite/ast/types.go: an alias for each exported type of the parser's protobuf package, and a
// constant for each of its constants, in its order. `go generate ./rewrite/ast` runs it.
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

// The parser's package, and the file of it that has the types.
const (
	parserPackage = "github.com/pganalyze/pg_query_go/v5"
	parserFile    = "pg_query.pb.go"
)

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
	source, err := generate()
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], source, 0o644)
}

// generate makes the file. The parser's package must be in the module cache.
func generate() ([]byte, error) {
	where, err := build.Import(parserPackage, ".", build.FindOnly)
	if err != nil {
		return nil, fmt.Errorf("cannot find the parser: %w", err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(where.Dir, parserFile), nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("cannot read the parser's types: %w", err)
	}
	structs, enums, constants := exported(file)
	var b bytes.Buffer
	b.WriteString("// Code generated from the parser's protobuf types; DO NOT EDIT.\n\npackage ast\n\n")
	fmt.Fprintf(&b, "import pg %q\n\n", parserPackage)
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
