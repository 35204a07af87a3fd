package rules

import (
	"fmt"
	"strings"
)

// A FileError is one mistake in a rule file, or of a rule file against the database.
type FileError struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"` // 1-based; 0 when it is not known
	Key     string `json:"key,omitempty"`  // path of the key, such as operations[0].rename_column.from
	Message string `json:"message"`        // one sentence
	Hint    string `json:"hint,omitempty"` // what to do
}

// Error is "file:line: key: message (hint)" with what is known.
func (e *FileError) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d", e.Line)
		}
		b.WriteString(": ")
	} else if e.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	b.WriteString(e.Message)
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}

// FileErrors are several mistakes in one file, in order of lines. errors.As finds the first as a *FileError.
type FileErrors []*FileError

func (e FileErrors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap implements the interface of errors.Is and errors.As for several errors.
func (e FileErrors) Unwrap() []error {
	out := make([]error, len(e))
	for i, one := range e {
		out[i] = one
	}
	return out
}
