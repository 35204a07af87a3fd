package change

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/seguedb/segue/rewrite/ast"
)

// A Pair is a column of the old side with the one of the new side that alone is made of it, and of which alone it is made.
type Pair struct {
	Old, New int  // places in the sides
	Same     bool // both hold the same value, and what is said of one can be said of the other in the same words
}

// Pairs lists the columns that go together one by one. Columns that are merged or split are in no pair.
func (c *Compiled) Pairs() []Pair {
	if c.Alone() {
		return nil
	}
	var out []Pair
	for n, up := range c.up {
		o, ok := c.onlyColumn(up, len(c.Old))
		if !ok {
			continue
		}
		back, ok := c.onlyColumn(c.down[o], len(c.New))
		if ok && back == n && c.usedOnce(c.up, o) && c.usedOnce(c.down, n) {
			out = append(out, Pair{Old: o, New: n, Same: c.alike(o, n)})
		}
	}
	return out
}

// onlyColumn is the only column of a side that an expression reads.
func (c *Compiled) onlyColumn(e *expression, side int) (int, bool) {
	if side == 1 {
		return 0, true
	}
	if e.nested || len(e.refs) == 0 {
		return 0, false
	}
	for _, r := range e.refs {
		if r.column != e.refs[0].column {
			return 0, false
		}
	}
	return e.refs[0].column, true
}

// usedOnce reports whether one of the expressions alone reads the column.
func (c *Compiled) usedOnce(all []*expression, column int) bool {
	uses := 0
	for _, e := range all {
		if len(all) > 1 && e.nested {
			return false
		}
		for _, r := range e.refs {
			if r.column == column {
				uses++
				break
			}
		}
	}
	return uses <= 1
}

// alike reports whether the two columns have the same values: nothing is computed in either direction, and their types are of a
// family in which operators and functions do not tell them apart.
func (c *Compiled) alike(old, new int) bool {
	family := familyOf(c.Old[old].Type)
	if family == "" || family != familyOf(c.New[new].Type) || c.Old[old].Collation != c.New[new].Collation || c.DownFail != nil {
		return false
	}
	return copies(c.up[new], family) && copies(c.down[old], family)
}

// familyOf names types whose values and operators are the same; "" for one that has no other in its family.
func familyOf(t string) string {
	switch {
	case t == "smallint", t == "integer", t == "bigint":
		return "integers"
	case t == "text", t == "character varying", strings.HasPrefix(t, "character varying("):
		return "strings"
	}
	return ""
}

// copies reports whether an expression is one column, cast at most so that an integer stays what it is or is refused.
func copies(e *expression, family string) bool {
	if e.nested || len(e.refs) != 1 {
		return false
	}
	tree, err := ast.Parse(selecting + e.text)
	if err != nil {
		return false
	}
	n, err := onlyTarget(tree)
	for err == nil && family == "integers" && n.GetTypeCast() != nil {
		names := n.GetTypeCast().GetTypeName().GetNames()
		switch names[len(names)-1].GetString_().GetSval() {
		case "int2", "int4", "int8":
		default:
			return false
		}
		n = n.GetTypeCast().GetArg()
	}
	return err == nil && n.GetColumnRef() != nil
}

// Renamed is an expression over the columns of a table, as the server prints it, with other names for some of them. nulls says that
// these are only asked whether they are NULL.
func Renamed(text string, columns []string, to map[string]string) (out string, uses, nulls bool, err error) {
	side := make([]Column, len(columns))
	for i, name := range columns {
		side[i].Name = name
	}
	e, err := readExpression(text, "", side)
	if err != nil || e.nested {
		return "", false, false, errNotOfSide
	}
	n := 0
	for _, r := range e.refs {
		if to[columns[r.column]] != "" {
			n++
		}
	}
	tree, err := ast.Parse(selecting + text)
	if err != nil {
		return "", false, false, err
	}
	eachMessage(tree.ProtoReflect(), func(m protoreflect.Message) {
		t, ok := m.Interface().(*ast.NullTest)
		if !ok {
			return
		}
		if fields := t.GetArg().GetColumnRef().GetFields(); len(fields) == 1 && to[fields[0].GetString_().GetSval()] != "" {
			n--
		}
	})
	out = e.over(false, func(at int) string {
		if name := to[columns[at]]; name != "" {
			uses = true
			return quote(name)
		}
		return quote(columns[at])
	})
	return out, uses, n == 0, nil
}
