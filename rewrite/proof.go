package rewrite

import (
	"reflect"
	"strings"
	"sync"

	"github.com/seguedb/segue/rewrite/ast"
)

// sameStatement tells whether two parse trees of one statement say the same, wherever they say it: locations and
// lengths are left out, everything else has to be equal. The trees are only read.
func sameStatement(a, b *ast.RawStmt) bool {
	return sameMessage(reflect.ValueOf(a.GetStmt()), reflect.ValueOf(b.GetStmt()))
}

// sameTree is sameStatement for all the statements of a text.
func sameTree(a, b *ast.ParseResult) bool {
	if len(a.GetStmts()) != len(b.GetStmts()) {
		return false
	}
	for i := range a.Stmts {
		if !sameStatement(a.Stmts[i], b.Stmts[i]) {
			return false
		}
	}
	return true
}

// A messageField is a field that counts in a comparison.
type messageField struct {
	index int
	kind  reflect.Kind
}

// messageFields remembers, for each message type, the fields that count. Plain reflection over the generated structs is
// several times faster than protoreflect, and every cold statement is compared.
var messageFields sync.Map // reflect.Type → []messageField

func fieldsOf(t reflect.Type) []messageField {
	if known, ok := messageFields.Load(t); ok {
		return known.([]messageField)
	}
	var out []messageField
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || isLocation(f) {
			continue
		}
		out = append(out, messageField{index: i, kind: f.Type.Kind()})
	}
	messageFields.Store(t, out)
	return out
}

// isLocation tells whether a field only says where in the text something is. (CreateTableSpaceStmt has a location that
// is a string, a directory.)
func isLocation(f reflect.StructField) bool {
	if f.Type.Kind() != reflect.Int32 {
		return false
	}
	return strings.HasSuffix(f.Name, "Location") || f.Name == "StmtLen" || strings.HasSuffix(f.Name, "ListStart") || strings.HasSuffix(f.Name, "ListEnd")
}

// sameMessage compares two pointers to messages of one type.
func sameMessage(a, b reflect.Value) bool {
	if a.IsNil() || b.IsNil() {
		return a.IsNil() == b.IsNil()
	}
	a, b = a.Elem(), b.Elem()
	for _, f := range fieldsOf(a.Type()) {
		if !sameField(f.kind, a.Field(f.index), b.Field(f.index)) {
			return false
		}
	}
	return true
}

func sameField(kind reflect.Kind, a, b reflect.Value) bool {
	switch kind {
	case reflect.String:
		return a.String() == b.String()
	case reflect.Int32, reflect.Int64:
		return a.Int() == b.Int()
	case reflect.Uint32, reflect.Uint64:
		return a.Uint() == b.Uint()
	case reflect.Bool:
		return a.Bool() == b.Bool()
	case reflect.Pointer:
		return sameMessage(a, b)
	case reflect.Interface:
		return sameOneof(a, b)
	case reflect.Slice:
		return sameList(a, b)
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// sameOneof compares what two fields with a choice of types hold.
func sameOneof(a, b reflect.Value) bool {
	if a.IsNil() || b.IsNil() {
		return a.IsNil() == b.IsNil()
	}
	a, b = a.Elem(), b.Elem()
	return a.Type() == b.Type() && sameMessage(a, b)
}

func sameList(a, b reflect.Value) bool {
	if a.Len() != b.Len() {
		return false
	}
	kind := a.Type().Elem().Kind()
	for i := range a.Len() {
		if !sameField(kind, a.Index(i), b.Index(i)) {
			return false
		}
	}
	return true
}
