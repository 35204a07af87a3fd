// Command treedump reads texts of SQL from standard input, each a JSON string on a line, and writes for each what Segue takes from its
// tree: every reference to a column and every relation, function and type, with the place that the parser gives. It is built with each of
// the parsers that Segue can be built with, which cannot be in one program, and the test compares what both write.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/rewrite/ast"
)

func main() {
	if err := dump(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "treedump:", err)
		os.Exit(1)
	}
}

// A Dump is what is written of one text.
type Dump struct {
	Error string   `json:"error,omitempty"` // with its position
	Nodes []string `json:"nodes,omitempty"`
}

func dump(in io.Reader, out io.Writer) error {
	texts, to := json.NewDecoder(bufio.NewReader(in)), bufio.NewWriter(out)
	write := json.NewEncoder(to)
	for {
		var sql string
		err := texts.Decode(&sql)
		if err == io.EOF {
			return to.Flush()
		}
		if err != nil {
			return err
		}
		if err := write.Encode(dumpOf(sql)); err != nil {
			return err
		}
	}
}

func dumpOf(sql string) Dump {
	tree, err := ast.Parse(sql)
	if err != nil {
		if rejected, ok := err.(*ast.SyntaxError); ok {
			return Dump{Error: fmt.Sprintf("%s at %d", rejected.Message, rejected.Position)}
		}
		return Dump{Error: err.Error()}
	}
	var nodes []string
	add := func(location int32, what string, parts ...string) {
		nodes = append(nodes, fmt.Sprintf("%06d %s %s", location, what, strings.Join(parts, ".")))
	}
	ast.Walk(tree, func(m proto.Message) {
		switch n := m.(type) {
		case *ast.ColumnRef:
			add(n.Location, "column", fields(n.Fields)...)
		case *ast.RangeVar:
			add(n.Location, "relation", n.Catalogname, n.Schemaname, n.Relname, n.GetAlias().GetAliasname())
		case *ast.FuncCall:
			add(n.Location, "function", fields(n.Funcname)...)
		case *ast.TypeName:
			names := fields(n.Names)
			if slices.Equal(names, []string{"json"}) {
				names = []string{"pg_catalog", "json"} // as from 17 on, where it is a word of the grammar
			}
			add(n.Location, "type", names...)
		case *ast.ResTarget:
			add(n.Location, "target", n.Name)
		case *ast.ParamRef:
			add(n.Location, "parameter", fmt.Sprint(n.Number))
		}
	})
	slices.Sort(nodes)
	return Dump{Nodes: nodes}
}

func fields(list []*ast.Node) (out []string) {
	for _, n := range list {
		if n.GetAStar() != nil {
			out = append(out, "*")
		} else {
			out = append(out, n.GetString_().GetSval())
		}
	}
	return out
}
