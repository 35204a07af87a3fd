package rewrite

import (
	"reflect"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// eachNode calls visit for a message and for every message within it, in the order of the fields.
//
// Every affected statement is walked so when it is first bound. Plain reflection over the generated structs has an order,
// and is cheaper than protoreflect's Range: BenchmarkBind went from 33 µs and 198 allocations to 20 µs and 90.
func eachNode(m proto.Message, visit func(proto.Message)) {
	if v := reflect.ValueOf(m); v.IsValid() && !v.IsNil() {
		visit(m)
		eachChild(v.Elem(), visit)
	}
}

// eachMessage is eachNode for those who look at the fields.
func eachMessage(m protoreflect.Message, visit func(protoreflect.Message)) {
	eachNode(m.Interface(), func(n proto.Message) { visit(n.ProtoReflect()) })
}

// eachChild visits what is within a message, or within the struct that holds the choice of a oneof.
func eachChild(v reflect.Value, visit func(proto.Message)) {
	for _, f := range childrenOf(v.Type()) {
		field := v.Field(f.index)
		switch f.kind {
		case reflect.Pointer:
			visitPointer(field, visit)
		case reflect.Interface:
			if !field.IsNil() {
				eachChild(field.Elem().Elem(), visit)
			}
		case reflect.Slice:
			for i := range field.Len() {
				visitPointer(field.Index(i), visit)
			}
		}
	}
}

// eachDirect calls visit for the messages that are in a message itself, and not in another one within it.
func eachDirect(m proto.Message, visit func(proto.Message)) {
	if v := reflect.ValueOf(m); v.IsValid() && !v.IsNil() {
		eachDirectIn(v.Elem(), visit)
	}
}

func eachDirectIn(v reflect.Value, visit func(proto.Message)) {
	one := func(v reflect.Value) {
		if !v.IsNil() {
			visit(v.Interface().(proto.Message))
		}
	}
	for _, f := range childrenOf(v.Type()) {
		field := v.Field(f.index)
		switch {
		case f.kind == reflect.Pointer:
			one(field)
		case f.kind == reflect.Slice:
			for i := range field.Len() {
				one(field.Index(i))
			}
		case !field.IsNil():
			eachDirectIn(field.Elem().Elem(), visit)
		}
	}
}

func visitPointer(v reflect.Value, visit func(proto.Message)) {
	if v.IsNil() {
		return
	}
	visit(v.Interface().(proto.Message))
	eachChild(v.Elem(), visit)
}

// messageChildren remembers, for each message type, the fields that hold messages.
var messageChildren sync.Map // reflect.Type → []messageField

func childrenOf(t reflect.Type) []messageField {
	if known, ok := messageChildren.Load(t); ok {
		return known.([]messageField)
	}
	var out []messageField
	for i := range t.NumField() {
		f := t.Field(i)
		kind := f.Type.Kind()
		holds := kind == reflect.Pointer || kind == reflect.Interface || kind == reflect.Slice && f.Type.Elem().Kind() == reflect.Pointer
		if f.IsExported() && holds {
			out = append(out, messageField{index: i, kind: kind})
		}
	}
	messageChildren.Store(t, out)
	return out
}
