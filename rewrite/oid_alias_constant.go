package rewrite

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
)

// nameInConstant has a string constant that becomes a value of an OID alias type, or an array of them, name what it names
// for the version.
func (b *binding) nameInConstant(k *ast.A_Const, typ catalog.OID) {
	if k.GetSval() == nil {
		return
	}
	b.catalogs.constants = true
	switch typ = b.baseOf(typ); typ {
	case regclass:
		b.relationInString(k)
	case regtype:
		if !b.typeInString(k) {
			b.refuseTableNamesIn(&ast.Node{Node: &ast.Node_AConst{AConst: k}}, "a constant of type regtype")
		}
	case regprocedure:
		b.procedureInString(k)
	default:
		if element := aliasElement(typ); element != 0 {
			b.namesInArray(k, element)
		} else if b.holdsAlias(typ) {
			b.refuseTableNamesIn(&ast.Node{Node: &ast.Node_AConst{AConst: k}}, "a row with an OID")
		}
	}
}

// holdsAlias tells whether a row type has fields of an OID alias type.
func (b *binding) holdsAlias(typ catalog.OID) bool {
	rel := b.relationOf(typ)
	return rel != nil && slices.ContainsFunc(rel.Columns, func(c catalog.Column) bool { return isAlias(b.baseOf(c.Type)) })
}

// namesInArray rewrites the elements of an array in a constant (array_in).
func (b *binding) namesInArray(k *ast.A_Const, element catalog.OID) {
	text := k.GetSval().Sval
	if len(b.namedIn(text)) == 0 || !strings.HasPrefix(strings.TrimSpace(text), "{") && !strings.HasPrefix(strings.TrimSpace(text), "[") {
		return // the server says what is wrong with it
	}
	parts, ok := splitArray(text)
	changed := false
	for i, p := range parts {
		if p.punctuation {
			continue
		}
		sent, known := b.renamedIn(p.text, element, int(k.Location))
		ok = ok && known
		if sent != p.text {
			changed = true
			parts[i].written = `"` + strings.ReplaceAll(sent, `"`, `\"`) + `"`
		}
	}
	if !ok {
		b.refuseTableNamesIn(&ast.Node{Node: &ast.Node_AConst{AConst: k}}, "an array of "+aliasNames[element])
		return
	}
	if !changed {
		return
	}
	var out strings.Builder
	for _, p := range parts {
		out.WriteString(p.written)
	}
	b.replaceArray(k, out.String())
}

// renamedIn is what to write for a name of the version; known is false where it is not followed.
func (b *binding) renamedIn(text string, typ catalog.OID, location int) (sent string, known bool) {
	switch typ {
	case regclass:
		to, _ := b.relationWritten(text, location)
		return to, true
	case regtype:
		return b.typeWritten(text, location)
	}
	return text, len(b.namedIn(text)) == 0
}

// An arrayPart is an element of an array in a string, or what stands between elements.
type arrayPart struct {
	text        string // the element
	written     string // how it is written
	punctuation bool
}

// splitArray splits the text of an array; ok is false where backslashes are in it.
func splitArray(s string) (parts []arrayPart, ok bool) {
	if strings.Contains(s, `\`) {
		return nil, false
	}
	if bounds := strings.IndexByte(s, '='); strings.HasPrefix(strings.TrimSpace(s), "[") && bounds > 0 {
		parts, s = append(parts, arrayPart{written: s[:bounds+1], punctuation: true}), s[bounds+1:]
	}
	for len(s) > 0 {
		switch n := strings.IndexAny(s, "{},\""); {
		case n < 0:
			n = len(s)
			fallthrough
		case n > 0:
			if trimmed := strings.TrimSpace(s[:n]); trimmed == "" || strings.EqualFold(trimmed, "null") {
				parts = append(parts, arrayPart{written: s[:n], punctuation: true})
			} else {
				parts = append(parts, arrayPart{text: trimmed, written: s[:n]})
			}
			s = s[n:]
		case s[0] == '"':
			end := strings.IndexByte(s[1:], '"') + 2
			if end == 1 {
				return nil, false
			}
			parts, s = append(parts, arrayPart{text: s[1 : end-1], written: s[:end]}), s[end:]
		default:
			parts, s = append(parts, arrayPart{written: s[:1], punctuation: true}), s[1:]
		}
	}
	return parts, true
}

// replaceArray is replaceString for a text with backslashes before the quotes in it.
func (b *binding) replaceArray(k *ast.A_Const, text string) {
	i := b.tokens.At(int(k.Location))
	if b.tokens.Kind(i) != ast.Token_SCONST {
		b.unsupported(int(k.Location), refusedComputedName, "a name in a string", "is written with Unicode escapes")
		return
	}
	literal := "'" + strings.ReplaceAll(text, "'", "''") + "'"
	if strings.Contains(text, `\`) {
		literal = "E'" + strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), "'", "''") + "'"
	}
	b.replace(b.tokens.Start(i), b.tokens.End(i), literal, func() { k.GetSval().Sval = text })
}

// procedureInString rewrites the types of the arguments in a constant that names a function, as regprocedure does
// (parseNameAndArgTypes).
func (b *binding) procedureInString(k *ast.A_Const) {
	text := k.GetSval().GetSval()
	if sent, ok := b.procedureWritten(text, int(k.Location)); !ok {
		b.refuseTableNamesIn(&ast.Node{Node: &ast.Node_AConst{AConst: k}}, "a constant of type regprocedure")
	} else if sent != text {
		b.replaceString(k, sent)
	}
}

// procedureWritten is how the database writes the name of a function with its arguments; ok is false where that is not
// certain.
func (b *binding) procedureWritten(text string, location int) (sent string, ok bool) {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if len(b.namedIn(text)) == 0 || open < 0 || end < open {
		return text, true
	}
	if strings.Contains(text[:open], `"`) && strings.Count(text[:open], `"`)%2 == 1 {
		return text, false
	}
	args := strings.Split(text[open+1:end], ",")
	for i, a := range args {
		if len(b.namedIn(a)) == 0 {
			continue
		}
		to, known := b.typeWritten(strings.TrimSpace(a), location)
		if !known {
			return text, false
		}
		args[i] = to
	}
	return text[:open+1] + strings.Join(args, ",") + text[end:], true
}

// become has an expression, which has been bound and which is given where a value of typ is wanted, mean what it means to
// the version: its constants, and the texts that only the server knows. at says where it stands.
func (b *binding) become(n *ast.Node, typ catalog.OID, at func() (start, end int, ok bool)) {
	typ = b.baseOf(typ)
	if !b.renaming() || !isAlias(typ) && !b.holdsAlias(typ) {
		return
	}
	switch x := n.GetNode().(type) {
	case nil:
		return
	case *ast.Node_AConst:
		b.nameInConstant(x.AConst, typ)
		return
	case *ast.Node_RowExpr:
		b.rowBecomes(x.RowExpr, typ)
		return
	case *ast.Node_AArrayExpr:
		if b.exprType(n) == 0 {
			for _, e := range x.AArrayExpr.Elements {
				b.become(e, elementFor(e, typ), nil)
			}
			return
		}
	}
	if is := b.exprType(n); is != 0 && is != unknownType && is != textType && !b.isTexts(is) || !isAlias(typ) {
		return
	}
	if results := chosen(n); results != nil && !slices.ContainsFunc(results, func(n *ast.Node) bool { return n.GetAConst() == nil }) {
		for _, r := range results {
			b.nameInConstant(r.GetAConst(), typ)
		}
		return
	}
	b.lookUp(n, typ, at)
}

// elementFor is the type that an element of ARRAY[…] becomes.
func elementFor(e *ast.Node, array catalog.OID) catalog.OID {
	if e.GetAArrayExpr() != nil {
		return array
	}
	return aliasElement(array)
}

// chosen are the expressions of which one is the value; nil where the expression is no choice.
func chosen(n *ast.Node) []*ast.Node {
	switch n := n.GetNode().(type) {
	case *ast.Node_CaseExpr:
		return resultsOf(n.CaseExpr)
	case *ast.Node_CoalesceExpr:
		return n.CoalesceExpr.Args
	case *ast.Node_MinMaxExpr:
		return n.MinMaxExpr.Args
	}
	return nil
}

// rowBecomes is become for the fields of ROW(…).
func (b *binding) rowBecomes(r *ast.RowExpr, typ catalog.OID) {
	rel := b.relationOf(typ)
	if rel == nil || len(r.Args) > len(rel.Columns) || slices.ContainsFunc(r.Args, isStar) {
		return
	}
	for i, a := range r.Args {
		b.become(a, rel.Columns[i].Type, nil)
	}
}

// lookUp has a text that only the server knows looked up in the version's names, where it becomes an OID alias.
func (b *binding) lookUp(n *ast.Node, typ catalog.OID, at func() (start, end int, ok bool)) {
	element, lookup := aliasElement(typ), ""
	switch {
	case b.views == nil || b.catalogs.stored || b.inBody:
	case element != 0 && b.mayBeTexts(n):
		lookup = b.arrayLookup(element)
	case element == 0 && typ != regprocedure && b.mayBeText(n):
		lookup = b.namesSQL(aliasNames[typ], absentIsMarked)
	}
	if lookup == "" {
		return
	}
	start, end, ok := b.placeOf(n)
	if !ok && at != nil {
		start, end, ok = at()
	}
	if !ok || b.changesWithin(start, end) {
		b.affected = true
		b.unsupported(b.minLocation(n), refusedComputedName, "a value of type "+aliasNames[typ]+aliasNames[element], "is a text that cannot be followed")
		return
	}
	if element != 0 {
		b.wrapArrayLookup(n, lookup, element, start, end)
		return
	}
	b.wrapLookup(n, "pg_catalog."+aliasNames[typ]+"in(pg_catalog.textout("+lookup+"))", start, end)
}

// commonNames has the constants among expressions that become of one type mean what they mean to the version.
func (b *binding) commonNames(list []*ast.Node) {
	if !b.renaming() {
		return
	}
	if typ := b.commonType(list); isAlias(typ) {
		for _, n := range list {
			switch {
			case n.GetAConst() != nil:
				b.nameInConstant(n.GetAConst(), typ)
			case n.GetParamRef() != nil:
				b.lookUp(n, typ, nil)
			}
		}
	}
}

// comparedNames is commonNames for the operands of an operator. A regclass is compared as an OID, so that a constant beside
// it is none; but the items of IN, where there are several, and arrays are of one type (transformAExprIn, and
// enforce_generic_type_consistency in parse_coerce.c).
func (b *binding) comparedNames(x *ast.A_Expr) {
	if !b.renaming() {
		return
	}
	if x.Kind == ast.A_Expr_Kind_AEXPR_IN {
		list := []*ast.Node{x.Lexpr}
		for _, n := range x.Rexpr.GetList().GetItems() {
			if !b.readsColumns(n) {
				list = append(list, n)
			}
		}
		if len(list) > 2 && x.Lexpr.GetRowExpr() == nil {
			b.commonNames(list)
		}
		return
	}
	switch x.Kind {
	case ast.A_Expr_Kind_AEXPR_OP, ast.A_Expr_Kind_AEXPR_DISTINCT, ast.A_Expr_Kind_AEXPR_NOT_DISTINCT, ast.A_Expr_Kind_AEXPR_NULLIF:
	default:
		return
	}
	for _, pair := range [][2]*ast.Node{{x.Lexpr, x.Rexpr}, {x.Rexpr, x.Lexpr}} {
		if k := pair[0].GetAConst(); k.GetSval() != nil && arrayOperators[ast.LastName(x.Name)] && aliasElement(b.exprType(pair[1])) != 0 {
			b.nameInConstant(k, b.exprType(pair[1]))
		}
	}
}

// arrayOperators are those whose operands are two arrays of one type, where one of them is a constant.
var arrayOperators = map[string]bool{
	"=": true, "<>": true, "<": true, "<=": true, ">": true, ">=": true, "@>": true, "<@": true, "&&": true, "||": true,
}

// readsColumns tells whether an expression has a reference to a column in it.
func (b *binding) readsColumns(n *ast.Node) bool {
	found := false
	ast.WalkReflect(n.ProtoReflect(), func(m protoreflect.Message) {
		if ref, ok := m.Interface().(*ast.ColumnRef); ok && b.columns[ref] != nil {
			found = true
		}
	})
	return found
}
