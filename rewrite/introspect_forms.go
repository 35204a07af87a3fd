package rewrite

import (
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/ruleutils"
)

// viewForm prints views; more has the arguments after the OID.
func viewForm(more string) storedForm {
	return storedForm{kind: ruleutils.View, stored: ruleutils.View, call: "pg_catalog.pg_get_viewdef(d.oid" + more + ")"}
}

// ruleForm prints rules that are no views.
func ruleForm(more string) storedForm {
	return storedForm{kind: ruleutils.Rule, stored: ruleutils.Rule, call: "pg_catalog.pg_get_ruledef(d.oid" + more + ")"}
}

// policyForm prints one of the two expressions of a policy.
func policyForm(column, more string) storedForm {
	return storedForm{kind: ruleutils.Policy, stored: ruleutils.Policy, call: "pg_catalog.pg_get_expr(d." + column + ", d.rel" + more + ")"}
}

// prettiness are the ways in which a function may print whose argument says whether to print pretty.
func prettiness(args []*ast.Node, at int) []string {
	if len(args) <= at {
		return []string{""}
	}
	for n := args[at]; n != nil; n = n.GetTypeCast().GetArg() {
		if k := n.GetAConst(); k.GetBoolval() != nil {
			return []string{map[bool]string{false: ", false", true: ", true"}[k.GetBoolval().Boolval]}
		}
	}
	return []string{", false", ", true"}
}

func storedViews(args []*ast.Node) (forms []storedForm) {
	only := constantOID(args[0])
	if len(args) > 1 && args[1].GetAConst().GetIval() != nil {
		if args[1].GetAConst().GetIval().Ival != 0 {
			return nil // where lines break depends on how long the names are
		}
		return []storedForm{viewForm(", 0").of(only)}
	}
	for _, more := range prettiness(args, 1) {
		forms = append(forms, viewForm(more).of(only))
	}
	return forms
}

func storedRules(args []*ast.Node) (forms []storedForm) {
	for _, more := range prettiness(args, 1) {
		form := ruleForm(more).of(constantOID(args[0]))
		form.stored = anyRule
		forms = append(forms, form)
	}
	return forms
}

func storedPolicies(args []*ast.Node) (forms []storedForm) {
	for _, more := range prettiness(args, 2) {
		forms = append(forms, policyForm("polqual", more), policyForm("polwithcheck", more))
	}
	return forms
}

// storedFunction is a function that prints something of a function.
func storedFunction(name string, kind ruleutils.Kind) printing {
	return printing{args: []string{"oid"}, table: "s.a1", keyed: true, stored: func(args []*ast.Node) []storedForm {
		form := storedForm{kind: kind, stored: ruleutils.Function, call: "pg_catalog." + name + "(d.oid)"}
		return []storedForm{form.of(constantOID(args[0]))}
	}}
}
