package wording

import (
	"strings"
	"unicode"
)

// quotes are the pairs that servers put names in, in whatever language they speak.
var quotes = [][2]string{{`"`, `"`}, {"«", "»"}, {"„", "“"}, {"“", "”"}, {"‚", "‘"}, {"»", "«"}, {"「", "」"}, {"『", "』"}}

// A nounKind says what a noun of PostgreSQL's English messages makes of the name behind it.
type nounKind byte

const (
	namesAny nounKind = iota // a word that tells nothing, or another language
	namesColumn
	namesRelation
	namesOther // no table, and no column of one
)

var nounKinds = map[string]nounKind{
	"column": namesColumn, "columns": namesColumn, "field": namesColumn,
	"relation": namesRelation, "table": namesRelation, "type": namesRelation,
	"index": namesOther, "sequence": namesOther, "view": namesOther, "constraint": namesOther, "trigger": namesOther,
	"policy": namesOther, "rule": namesOther, "role": namesOther, "user": namesOther, "group": namesOther,
	"schema": namesOther, "database": namesOther, "function": namesOther, "procedure": namesOther, "routine": namesOther,
	"aggregate": namesOther, "operator": namesOther, "cursor": namesOther, "portal": namesOther, "statement": namesOther,
	"parameter": namesOther, "server": namesOther, "wrapper": namesOther, "publication": namesOther,
	"subscription": namesOther, "collation": namesOther, "language": namesOther, "extension": namesOther,
	"tablespace": namesOther, "domain": namesOther, "method": namesOther, "class": namesOther, "family": namesOther,
	"savepoint": namesOther, "window": namesOther, "encoding": namesOther, "option": namesOther, "variable": namesOther,
	"label": namesOther, "channel": namesOther, "expression": namesOther, "assignment": namesOther, "value": namesOther,
}

// namesTables tells whether what is quoted in an error of the SQLSTATE can be the name of a table or column, whatever
// the word before it: in data exceptions (class 22) it is a value, but for those of COPY's columns, and in others the
// name of something else.
func namesTables(code string) bool {
	switch {
	case code == "22P04":
		return true
	case strings.HasPrefix(code, "22"), strings.HasPrefix(code, "28"):
		return false
	}
	switch code {
	case "P0001", "3D000", "3F000", "34000", "26000", "42704", "42883", "42725", "42723":
		return false
	}
	return true
}

// quotedRelations yields what is between quotes and may be, or begin with, the name of a relation.
func quotedRelations(s string) map[string]struct{} {
	out := map[string]struct{}{}
	replaceQuoted(s, func(noun, name string) string {
		if nounKinds[noun] != namesColumn || strings.Contains(name, ".") {
			out[name] = struct{}{}
		}
		return name
	})
	return out
}

// quotedInOrder are the names in quotes of the kind that comes first.
func quotedInOrder(s string) (names []string) {
	kind, at := quotes[0], len(s)
	for _, q := range quotes {
		if i := strings.Index(s, q[0]); i >= 0 && i < at {
			kind, at = q, i
		}
	}
	replaceBetween(s, kind[0], kind[1], func(_, name string) string {
		names = append(names, name)
		return name
	})
	return names
}

// replaceQuoted replaces what stands in quotes; to is given the word before it, in lower case, too.
func replaceQuoted(s string, to func(noun, name string) string) string {
	for _, q := range quotes {
		s = replaceBetween(s, q[0], q[1], to)
	}
	return s
}

// replaceBetween replaces what stands between a pair of quotes.
func replaceBetween(s, open, closing string, to func(noun, name string) string) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(s, open)
		name, rest, closed := strings.Cut(after, closing)
		if !ok || !closed {
			b.WriteString(s)
			return b.String()
		}
		bare := strings.Trim(name, " \u00a0\u202f") // French puts spaces inside of quotes
		name = strings.Replace(name, bare, to(nounBefore(before), bare), 1)
		b.WriteString(before + open + name + closing)
		s = rest
	}
}

// nounBefore is the last word of a text that goes on with a quoted name. There named stands for the word before it, and
// for the second of two names the word before the first is not looked for. A command tells nothing: CheckTableNotInUse in
// tablecmds.c says cannot CREATE INDEX of a table.
func nounBefore(s string) string {
	words := strings.FieldsFunc(s, unicode.IsSpace)
	if len(words) > 1 && words[len(words)-1] == "named" {
		words = words[:len(words)-1]
	}
	if len(words) == 0 {
		return ""
	}
	last := words[len(words)-1]
	if len(last) > 1 && last == strings.ToUpper(last) {
		return ""
	}
	return strings.ToLower(last)
}
