package dynamic

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// The text of an EXECUTE is often known but for some names and values in it, which are quoted: format('DROP TABLE %I', r.t), or
// 'DROP TABLE ' || quote_ident(r.t). Whatever stands in such a hole, it is one identifier, or one constant. So the text is that
// of a statement in which the holes are called something, as long as each is a token by itself.

// Hole stands for a name that is not known, or a part of one. Nobody calls anything so; if somebody does, it is not known either.
const Hole = "?"

// How names and values that are not known stand in a text.
const (
	nameHole     = `"` + Hole + `"`
	relationHole = nameHole + "." + nameHole // what regclass puts out: a name, with that of its schema perhaps
	valueHole    = `'` + Hole + `'`
	wordHole     = "hole_of_a_word" // letters, digits and underscores, of which a word with others around them is made
)

// Bounds: of the text that is made of an expression, of how deep variables stand for one another, and of how often one is followed in a
// body.
const (
	maxText  = 1 << 16
	maxDepth = 10
	maxSteps = 1000
)

// A holed is a text with holes.
type holed struct {
	text  strings.Builder
	holes []syntax.Span // bytes of the text
	words int           // how many holes of words there are
	vars  *variables    // of the body that the expression stands in; nil: none is known
	depth int           // of variables
}

// Text is what an expression puts out, with names called Hole. ok is false where more is not known of it than names and values.
func Text(n *ast.Node) (text string, ok bool) { return (*variables)(nil).textOf(n) }

// textOf is Text with what is known of variables.
func (v *variables) textOf(n *ast.Node) (text string, ok bool) {
	t := &holed{vars: v}
	if !t.add(n) || !t.stand() {
		return "", false
	}
	return t.text.String(), true
}

// add appends what an expression puts out. ok is false where more is not known of it than names and values.
func (t *holed) add(n *ast.Node) (ok bool) {
	if t.text.Len() > maxText {
		return false
	}
	if c := n.GetTypeCast(); c != nil {
		return t.cast(c)
	}
	if k := n.GetAConst().GetSval(); k != nil {
		t.text.WriteString(k.Sval)
		return true
	}
	if e := n.GetAExpr(); e != nil {
		return e.Kind == ast.A_Expr_Kind_AEXPR_OP && len(e.Name) == 1 && ast.StrVal(e.Name[0]) == "||" && e.Lexpr != nil && t.add(e.Lexpr) && t.add(e.Rexpr)
	}
	if c := n.GetColumnRef(); c != nil {
		return t.variable(ast.StrVals(c.Fields))
	}
	f := n.GetFuncCall()
	if f == nil || f.FuncVariadic {
		return false
	}
	switch name := ast.StrVals(f.Funcname); {
	case ast.IsBuiltin(name, "quote_ident"):
		t.leaveName(f.Args)
	case ast.IsBuiltin(name, "quote_literal"), ast.IsBuiltin(name, "quote_nullable"):
		t.leave(valueHole)
	case ast.IsBuiltin(name, "format") && len(f.Args) > 0:
		format, ok := constant(f.Args[0])
		return ok && t.format(format, f.Args[1:])
	case ast.IsBuiltin(name, "concat"):
		return !slices.ContainsFunc(f.Args, func(n *ast.Node) bool { return !t.add(n) })
	default:
		return false
	}
	return true
}

// cast appends a value that is cast to text, or from what regclass is.
func (t *holed) cast(c *ast.TypeCast) (ok bool) {
	name := ast.StrVals(c.TypeName.GetNames())
	switch {
	case len(c.TypeName.GetArrayBounds()) > 0 || len(c.TypeName.GetTypmods()) > 0:
		return false
	case ast.IsBuiltin(name, "text"):
		return t.add(c.Arg)
	case t.vars != nil && ast.IsBuiltin(name, "regclass"):
		t.leave(relationHole)
		return true
	}
	return false
}

// constant is what a text is that is written as it is, or cast to text.
func constant(n *ast.Node) (text string, ok bool) {
	for c := n.GetTypeCast(); c != nil && ast.IsBuiltin(ast.StrVals(c.TypeName.GetNames()), "text"); c = n.GetTypeCast() {
		n = c.Arg
	}
	k := n.GetAConst().GetSval()
	return k.GetSval(), k != nil
}

// format appends what a format puts out, whose places are of names and values, or of what is known (text_format).
func (t *holed) format(format string, args []*ast.Node) (ok bool) {
	next := 0 // the argument of the next place
	for {
		before, after, more := strings.Cut(format, "%")
		t.text.WriteString(before)
		if !more {
			return true
		}
		if rest := strings.TrimLeft(after, "0123456789"); strings.HasPrefix(rest, "$") {
			next, after = 0, rest[1:]
			for _, digit := range []byte(format[len(before)+1 : len(format)-len(rest)]) {
				next = min(next*10+int(digit-'0'), 1000)
			}
			next--
		}
		switch {
		case strings.HasPrefix(after, "%"):
			t.text.WriteByte('%')
			next--
		case strings.HasPrefix(after, "I"):
			t.leaveName(args[min(max(next, 0), len(args)):])
		case strings.HasPrefix(after, "L"):
			t.leave(valueHole)
		case strings.HasPrefix(after, "s") && next >= 0 && next < len(args):
			if !t.add(args[next]) {
				return false
			}
		default:
			return false
		}
		next++
		format = after[1:]
	}
}

// leaveName leaves the hole of a name that is made of the first argument.
func (t *holed) leaveName(args []*ast.Node) {
	if t.vars == nil || len(args) == 0 {
		t.leave(nameHole)
		return
	}
	t.leave(`"` + t.vars.nameOf(args[0], 0) + `"`)
}

// leave leaves a hole.
func (t *holed) leave(as string) {
	if as == wordHole {
		t.words++
		t.text.WriteString(as)
		return
	}
	for i, part := range strings.Split(as, ".") {
		if i > 0 {
			t.text.WriteByte('.')
		}
		from := t.text.Len()
		t.text.WriteString(part)
		t.holes = append(t.holes, syntax.Span{From: from, To: t.text.Len()})
	}
}

// stand reports whether each hole is a token with nothing right before and behind it that could become a part of what stands
// there: it is in no string and no comment. A hole of a word is a part of a name.
func (t *holed) stand() bool {
	text := t.text.String()
	if len(t.holes) == 0 && t.words == 0 {
		return true
	}
	tokens, err := syntax.Scan(text)
	if err != nil {
		return false
	}
	whole, words := make(map[syntax.Span]bool, tokens.Len()), 0
	for i := range tokens.List {
		at := syntax.Span{From: tokens.Start(i), To: tokens.End(i)}
		whole[at] = true
		if n := strings.Count(text[at.From:at.To], wordHole); n > 0 {
			if tokens.Kind(i) != ast.Token_IDENT || at.To < len(text) && strings.ContainsRune(`'"&`, rune(text[at.To])) {
				return false
			}
			words += n
		}
	}
	for _, h := range t.holes {
		if !whole[h] || h.From > 0 && joins(text[h.From-1]) || h.To < len(text) && joins(text[h.To]) {
			return false
		}
	}
	return words == t.words
}

// joins reports whether a byte beside a name or a constant may belong to it, or begin a comment if nothing stands there.
func joins(c byte) bool {
	return !strings.ContainsRune(" \t\r\n\f\v.,;()[]=<>+:", rune(c))
}
