package rewrite

import (
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// The text of an EXECUTE is often known but for some names and values in it, which are quoted: format('DROP TABLE %I', r.t), or
// 'DROP TABLE ' || quote_ident(r.t). Whatever stands in such a hole, it is one identifier, or one constant. So the text is that
// of a statement in which the holes are called something, as long as each is a token by itself.

// hole stands for a name that is not known. Nobody calls anything so; if somebody does, it is not known either.
const hole = "?"

// How names and values that are not known stand in a text.
const (
	nameHole  = `"` + hole + `"`
	valueHole = `'` + hole + `'`
)

// A holed is a text with holes.
type holed struct {
	text  strings.Builder
	holes []syntax.Span // bytes of the text
}

// add appends what an expression puts out. ok is false where more is not known of it than names and values.
func (t *holed) add(n *ast.Node) (ok bool) {
	if k := textConstant(n); k != nil {
		t.text.WriteString(k.GetSval().Sval)
		return true
	}
	if e := n.GetAExpr(); e != nil {
		return e.Kind == ast.A_Expr_Kind_AEXPR_OP && len(e.Name) == 1 && ast.StrVal(e.Name[0]) == "||" && e.Lexpr != nil && t.add(e.Lexpr) && t.add(e.Rexpr)
	}
	f := n.GetFuncCall()
	if f == nil || f.FuncVariadic {
		return false
	}
	switch name := ast.StrVals(f.Funcname); {
	case ast.IsBuiltin(name, "quote_ident"):
		t.leave(nameHole)
	case ast.IsBuiltin(name, "quote_literal"), ast.IsBuiltin(name, "quote_nullable"):
		t.leave(valueHole)
	case ast.IsBuiltin(name, "format") && len(f.Args) > 0:
		k := textConstant(f.Args[0])
		return k != nil && t.format(k.GetSval().Sval)
	default:
		return false
	}
	return true
}

// format appends what a format puts out, whose places are all of names and values (text_format).
func (t *holed) format(format string) (ok bool) {
	for {
		before, after, more := strings.Cut(format, "%")
		t.text.WriteString(before)
		if !more {
			return true
		}
		if number := strings.TrimLeft(after, "0123456789"); strings.HasPrefix(number, "$") {
			after = number[1:]
		}
		switch {
		case strings.HasPrefix(after, "%"):
			t.text.WriteByte('%')
		case strings.HasPrefix(after, "I"):
			t.leave(nameHole)
		case strings.HasPrefix(after, "L"):
			t.leave(valueHole)
		default:
			return false
		}
		format = after[1:]
	}
}

// leave leaves a hole.
func (t *holed) leave(as string) {
	from := t.text.Len()
	t.text.WriteString(as)
	t.holes = append(t.holes, syntax.Span{From: from, To: t.text.Len()})
}

// stand reports whether each hole is a token with nothing right before and behind it that could become a part of what stands
// there: it is in no string and no comment.
func (t *holed) stand() bool {
	if len(t.holes) == 0 {
		return true
	}
	text := t.text.String()
	tokens, err := syntax.Scan(text)
	if err != nil {
		return false
	}
	whole := make(map[syntax.Span]bool, tokens.Len())
	for i := range tokens.List {
		whole[syntax.Span{From: tokens.Start(i), To: tokens.End(i)}] = true
	}
	for _, h := range t.holes {
		if !whole[h] || h.From > 0 && joins(text[h.From-1]) || h.To < len(text) && joins(text[h.To]) {
			return false
		}
	}
	return true
}

// joins reports whether a byte beside a name or a constant may belong to it.
func joins(c byte) bool {
	return !strings.ContainsRune(" \t\r\n\f\v.,;()[]=<>+*/:", rune(c))
}
