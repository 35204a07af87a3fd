package main

import (
	"io"
	"strconv"
	"strings"
	"unicode"
)

// printable writes text for a person: what others have chosen, such as the name that an application gives itself, can neither
// command the terminal nor change the direction of what is read. Lines and tabs are kept. Each Write is whole characters.
type printable struct{ w io.Writer }

func (p printable) Write(b []byte) (int, error) {
	if _, err := io.WriteString(p.w, escaped(string(b), "\n\t")); err != nil {
		return 0, err
	}
	return len(b), nil
}

// escaped is text with what is not printed shown as Go writes it, as in \x1b; but for the characters of kept.
func escaped(text, kept string) string {
	hidden := func(c rune) bool { return !unicode.IsPrint(c) && !strings.ContainsRune(kept, c) }
	if strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	var out strings.Builder
	for _, c := range text {
		if hidden(c) {
			quoted := strconv.QuoteRune(c)
			out.WriteString(quoted[1 : len(quoted)-1])
		} else {
			out.WriteRune(c)
		}
	}
	return out.String()
}
