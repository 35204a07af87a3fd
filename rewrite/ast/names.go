package ast

// StrVal is the value of a String node.
func StrVal(n *Node) string { return n.GetString_().GetSval() }

// StrVals are the values of String nodes.
func StrVals(list []*Node) []string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = StrVal(n)
	}
	return out
}

// LastName is the last name among fields and subscripts; "" when there is none.
func LastName(list []*Node) string {
	for i := len(list) - 1; i >= 0; i-- {
		if s := list[i].GetString_(); s != nil {
			return s.Sval
		}
	}
	return ""
}

// BareName is the name of a column reference that has no qualification.
func BareName(ref *ColumnRef) (string, bool) {
	if ref == nil || len(ref.Fields) != 1 || ref.Fields[0].GetString_() == nil {
		return "", false
	}
	return StrVal(ref.Fields[0]), true
}

// IsBuiltin tells whether a function name can be that of pg_catalog.
func IsBuiltin(name []string, want string) bool {
	return len(name) > 0 && name[len(name)-1] == want && (len(name) == 1 || name[0] == "pg_catalog")
}
