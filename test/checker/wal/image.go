package wal

import (
	"maps"
	"slices"
	"strings"
)

// A Value is what PostgreSQL prints for a value of a column. The zero Value is NULL. Two values that print alike are the same
// for everybody who reads them, also where the type has no equality (json) or one that ignores something (1.0 and 1.00).
type Value struct {
	Text string
	Set  bool // is not NULL
}

// Null is the NULL value.
var Null Value

// Text is a value that is not NULL.
func Text(s string) Value { return Value{s, true} }

func (v Value) String() string {
	if !v.Set {
		return "NULL"
	}
	return v.Text
}

// An Image is one version of a row: its columns and their values. It is not changed once it has been made.
type Image map[string]Value

func (i Image) String() string {
	var b strings.Builder
	for n, column := range slices.Sorted(maps.Keys(i)) {
		if n > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(column)
		b.WriteByte('=')
		b.WriteString(i[column].String())
	}
	return b.String()
}
