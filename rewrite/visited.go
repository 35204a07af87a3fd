package rewrite

import (
	"reflect"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/seguedb/segue/rewrite/ast"
)

// saw records that a node was understood. What is in it must be seen for itself.
func (b *binding) saw(n proto.Message) {
	if n != nil && !reflect.ValueOf(n).IsNil() {
		b.budget.step()
		b.seen[n] = struct{}{}
	}
}

// sawAll records that a node and all within it need no binding: no column or relation under migration can be named
// there.
func (b *binding) sawAll(n proto.Message) {
	if n == nil || reflect.ValueOf(n).IsNil() {
		return
	}
	ast.Walk(n, func(m proto.Message) {
		b.budget.step()
		b.seen[m] = struct{}{}
	})
}

// demandAllSeen refuses the statement if any of its nodes was passed over: a clause that nobody looked at could hold a
// name that means something else in the database.
func (b *binding) demandAllSeen(stmt *ast.Node) {
	ast.Walk(stmt, func(m proto.Message) {
		b.budget.step()
		if b.refusal != nil || isPlainValue(m) {
			return
		}
		if _, ok := b.seen[m]; !ok {
			r := m.ProtoReflect()
			b.refuse(locationOf(r), string(r.Descriptor().Name()), "is not understood")
		}
	})
}

// isPlainValue tells of nodes that carry no meaning of their own: whoever understands what they are in has seen them.
func isPlainValue(m proto.Message) bool {
	switch m.(type) {
	case *ast.Node, *ast.List, *ast.String, *ast.Integer, *ast.Float, *ast.Boolean, *ast.BitString, *ast.A_Star, *ast.RoleSpec:
		return true
	}
	return false
}

// notUnderstood refuses a kind of node that has no case where it stands.
func (b *binding) notUnderstood(n *ast.Node) {
	b.refuse(b.minLocation(n), nodeName(n), "is not understood here")
}

// nodeName is the parser's name of a node, such as SelectStmt.
func nodeName(n *ast.Node) string {
	if n == nil || n.Node == nil {
		return ""
	}
	m := n.ProtoReflect()
	if f := m.WhichOneof(m.Descriptor().Oneofs().Get(0)); f != nil {
		return string(f.Message().Name())
	}
	return strings.TrimPrefix(reflect.TypeOf(n.Node).Elem().Name(), "Node_")
}

// locationOf is the byte offset of a node; -1 when it has none. The parser leaves 0 out, so a node without the field
// set may stand at the very beginning.
func locationOf(m protoreflect.Message) int {
	f := m.Descriptor().Fields().ByName("location")
	if f == nil || f.Kind() != protoreflect.Int32Kind {
		return -1
	}
	return int(m.Get(f).Int())
}

// minLocation and maxLocation are the first and the last offset of any node within n; -1 when there is none.
func (b *binding) minLocation(n *ast.Node) int {
	first, _ := locations(n)
	return first
}

func (b *binding) maxLocation(n *ast.Node) int {
	_, last := locations(n)
	return last
}

func locations(n *ast.Node) (first, last int) {
	first, last = -1, -1
	if n == nil {
		return
	}
	ast.WalkReflect(n.ProtoReflect(), func(m protoreflect.Message) {
		if l := locationOf(m); l > 0 {
			if first < 0 || l < first {
				first = l
			}
			last = max(last, l)
		}
	})
	return first, last
}
