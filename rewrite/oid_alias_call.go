package rewrite

import (
	"slices"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
)

// argumentsOf are the expressions that a call gives to the function, those of WITHIN GROUP included.
func argumentsOf(f *ast.FuncCall) []*ast.Node {
	if !f.AggWithinGroup {
		return f.Args
	}
	out := slices.Clone(f.Args)
	for _, n := range f.AggOrder {
		out = append(out, n.GetSortBy().GetNode())
	}
	return out
}

// parametersOf are the types of a function's parameters for the arguments of a call, in their order; ok is false where the
// call cannot mean the function (FuncnameGetCandidates in namespace.c).
func parametersOf(f *catalog.Function, call *ast.FuncCall, args []*ast.Node) (out []catalog.OID, ok bool) {
	given := make([]bool, len(f.ArgTypes))
	for i, a := range args {
		at := i
		if named := a.GetNamedArgExpr(); named != nil {
			at = slices.Index(f.ArgNames, named.Name)
		}
		switch last := len(f.ArgTypes) - 1; {
		case at < 0 || last < 0:
			return nil, false
		case f.Variadic && !call.FuncVariadic && at >= last && a.GetNamedArgExpr() == nil:
			typ := aliasElement(f.ArgTypes[last])
			if f.ArgTypes[last] == anyType {
				typ = anyType
			}
			out, given[last] = append(out, typ), true
		case at > last:
			return nil, false
		default:
			out, given[at] = append(out, f.ArgTypes[at]), true
		}
	}
	for i, has := range given {
		if !has && i < len(given)-f.Defaults && !(f.Variadic && i == len(given)-1) {
			return nil, false
		}
	}
	return out, true
}

// meant are the functions that a call can mean with arguments of such types, each with the types of its parameters. Where
// some take the very types that are known, it can be no other.
func (b *binding) meant(f *ast.FuncCall) (functions []*catalog.Function, parameters [][]catalog.OID) {
	args := argumentsOf(f)
	best := -1
	for _, c := range b.functions(ast.StrVals(f.Funcname)) {
		types, ok := parametersOf(c, f, args)
		if !ok {
			continue
		}
		fits := 0
		for i, a := range args {
			switch typ := b.exprType(a); {
			case isAlias(typ) && !takesAlias(types[i], typ):
				ok = false
			case typ != 0 && typ != unknownType && typ == b.baseOf(types[i]):
				fits++
			}
		}
		if !ok {
			continue
		}
		if fits > best {
			functions, parameters, best = nil, nil, fits
		}
		if fits == best {
			functions, parameters = append(functions, c), append(parameters, types)
		}
	}
	return functions, parameters
}

// takesAlias tells whether a parameter of a type takes an OID alias type, or an array of one, without a cast.
func takesAlias(parameter, typ catalog.OID) bool {
	switch parameter {
	case 2283, 5077, anyType:
		return true
	case 2776, 5079:
		return aliasNames[typ] != ""
	case 2277, 5078:
		return aliasElement(typ) != 0
	case oidType:
		return aliasNames[typ] != ""
	}
	return parameter == typ || parameter >= firstUserOID // a domain, perhaps
}

// typeOfCall is the type of what a call returns, if it is an OID alias type or known to be another.
func (b *binding) typeOfCall(f *ast.FuncCall) catalog.OID {
	if typ, known := b.callTypes[f]; known {
		return typ
	}
	var out catalog.OID
	if name := ast.StrVals(f.Funcname); len(f.Args) == 1 && aliasTypes[ast.LastName(f.Funcname)] != 0 && ast.IsBuiltin(name, name[len(name)-1]) {
		return aliasTypes[name[len(name)-1]] // a cast that is written as a call
	}
	functions, parameters := b.meant(f)
	for i, c := range functions {
		typ := c.Return
		if isPolymorphic(typ) && typ != anyType {
			typ = polymorphicResult(typ, b.polymorphicType(f, parameters[i]))
		}
		if len(c.Out) > 0 && len(c.Out) != 1 || i > 0 && typ != out {
			out = 0
			break
		}
		out = typ
	}
	put(&b.callTypes, f, out)
	return out
}

// polymorphicType is the OID alias type that anyelement or anycompatible stands for in a call; 0 where it is none.
func (b *binding) polymorphicType(f *ast.FuncCall, parameters []catalog.OID) catalog.OID {
	for i, a := range argumentsOf(f) {
		typ := b.exprType(a)
		switch parameters[i] {
		case 2283, 2776, 5077, 5079: // anyelement, anynonarray, anycompatible, anycompatiblenonarray
			if aliasNames[typ] != "" || isAlias(typ) && (parameters[i] == 2283 || parameters[i] == 5077) {
				return typ
			}
		case 2277, 5078: // anyarray, anycompatiblearray
			if element := aliasElement(typ); element != 0 {
				return element
			}
		}
	}
	return 0
}

func polymorphicResult(typ, element catalog.OID) catalog.OID {
	if typ == 2277 || typ == 5078 {
		return aliasArrays[element]
	}
	return element
}

// namesAmongArguments has the constants among the arguments of a call, which have been bound, mean what they mean to the
// version where the function takes them as an OID alias type.
func (b *binding) namesAmongArguments(f *ast.FuncCall) {
	if !b.renaming() {
		return
	}
	args := argumentsOf(f)
	if !slices.ContainsFunc(args, func(n *ast.Node) bool { return constantOf(n) != nil || n.GetAArrayExpr() != nil }) {
		return
	}
	functions, parameters := b.meant(f)
	for i, a := range args {
		k := constantOf(a)
		if k == nil && a.GetAArrayExpr() == nil || len(functions) == 0 {
			continue
		}
		typ, text, other := catalog.OID(0), false, false
		for j := range functions {
			switch p := b.parameterType(f, parameters[j], i); {
			case isAlias(p) && (typ == 0 || typ == p):
				typ = p
			case b.isText(parameters[j][i]):
				text = true
			default:
				other = true
			}
		}
		switch {
		case typ == 0 || other: // of a choice among numbers an OID is none, and the server says so
		case k == nil:
			b.become(a, typ, nil)
		case text:
			b.refuseNamesInText(k.GetSval().GetSval(), int(k.Location), "the function "+ast.LastName(f.Funcname))
		case b.isNamingCall(f, i): // its constants are looked at where the call is
		default:
			b.nameInConstant(k, typ)
		}
	}
}

// parameterType is the type that argument i of a call becomes.
func (b *binding) parameterType(f *ast.FuncCall, parameters []catalog.OID, i int) catalog.OID {
	switch typ := parameters[i]; typ {
	case 2283, 2776, 5077, 5079, 2277, 5078:
		return polymorphicResult(typ, b.polymorphicType(f, parameters))
	default:
		return b.baseOf(typ)
	}
}

// isNamingCall tells whether namesInArguments looks at argument i of a call.
func (b *binding) isNamingCall(f *ast.FuncCall, i int) bool {
	name := ast.StrVals(f.Funcname)
	return i < len(f.Args) && b.takesRegclass(name, i, len(f.Args)) && f.Args[i].GetNamedArgExpr() == nil
}

// constantOf is the string constant that an argument is; nil for any other.
func constantOf(n *ast.Node) *ast.A_Const {
	if named := n.GetNamedArgExpr(); named != nil {
		n = named.Arg
	}
	if k := n.GetAConst(); k.GetSval() != nil {
		return k
	}
	return nil
}
