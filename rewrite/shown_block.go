package rewrite

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/plpgsql"
)

// notePL notes what is done with variables that hold whatever a query put out.
func (bd *body) notePL(read *plpgsql.Body) {
	for i := range read.Fragments {
		f := &read.Fragments[i]
		out := bd.outputOf(f, i)
		for _, name := range f.Targets {
			bd.noteFill(name, out)
		}
		for _, fetch := range read.Fetches {
			if f.Cursor == "" || fetch.Cursor != f.Cursor {
				continue
			}
			for _, name := range fetch.Targets {
				bd.noteFill(name, out)
			}
		}
	}
	for _, note := range bd.vars.shown {
		note()
	}
	for i := range read.Fragments {
		if f := &read.Fragments[i]; f.Using {
			bd.noteUsing(bd.outputOf(f, i))
		}
	}
}

// noteFill notes what a query puts into a record.
func (bd *body) noteFill(name string, out output) {
	v := bd.vars.known[name]
	if v == nil {
		return
	}
	for i := range out.cols {
		c := column{name: out.cols[i].label, physical: out.cols[i].label, moved: out.cols[i].moved, rows: out.rows(i)}
		if c.moved == nil && len(out.cols) == 1 && !c.rows.array {
			for _, m := range bd.movedIn(c.rows) {
				v.moved = append(v.moved, &column{name: m.from, moved: &m})
			}
			continue
		}
		c.root = &c
		v.moved = append(v.moved, &c)
	}
}

// noteUsing notes that a row is given to a statement that is a text, if some text of the body may show it.
func (bd *body) noteUsing(out output) {
	var moved []movedName
	for i := range out.cols {
		moved = append(moved, bd.movedIn(out.rows(i))...)
	}
	shows := false
	bd.walkNodes(func(n *ast.Node) { shows = shows || containsAny(n.GetAConst().GetSval().GetSval(), showingWords) })
	if shows {
		bd.shown.addAll("EXECUTE", moved)
	}
}

// walkNodes visits every node of the body that holds something.
func (bd *body) walkNodes(visit func(n *ast.Node)) {
	for _, p := range bd.parts {
		for _, raw := range p.tree.Stmts {
			ast.WalkReflect(raw.Stmt.ProtoReflect(), func(m protoreflect.Message) {
				if n, ok := m.Interface().(*ast.Node); ok {
					visit(n)
				}
			})
		}
	}
}
