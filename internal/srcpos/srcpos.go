// Package srcpos tells where in the source an error was raised, as PostgreSQL's error fields F, L and R do.
package srcpos

import (
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// A Pos is a place in the source. The zero value is none.
type Pos struct {
	callers [5]uintptr
}

// Here is the place that the caller is called from.
func Here() Pos {
	var o Pos
	runtime.Callers(3, o.callers[:])
	return o
}

// Place names the file, the line and the function. Functions that only raise what others have found are passed over.
func (o Pos) Place(raising ...string) (file string, line int, function string) {
	if o.callers[0] == 0 {
		return "", 0, ""
	}
	frames := runtime.CallersFrames(o.callers[:])
	for {
		frame, more := frames.Next()
		function = name(frame.Function)
		if !more || !slices.Contains(raising, function) {
			return path.Base(frame.File), frame.Line, function
		}
	}
}

// literal is what the runtime calls a function literal within another function.
var literal = regexp.MustCompile(`(\.func\d+|\.\d+|-range\d+)+$`)

// name is the name of a function without its package and receiver. That of a literal is that of the function around it.
func name(qualified string) string {
	qualified = literal.ReplaceAllString(qualified, "")
	return qualified[strings.LastIndexByte(qualified, '.')+1:]
}
