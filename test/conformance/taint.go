package main

import (
	"maps"
	"regexp"
	"strings"
)

// A taint holds the names of objects that are in another state than they are directly, after a statement with a
// difference: what comes of that is told apart.
type taint struct {
	objects   map[string]bool
	known     map[string]bool   // names that some script gives to an object
	variables map[string]string // of psql, with what they were set to
	last      string            // the statement that \g and its like send again
}

func newTaint(scripts map[string]string) *taint {
	t := &taint{objects: map[string]bool{}, known: map[string]bool{}, variables: map[string]string{}}
	for _, script := range scripts {
		for _, c := range chunks(script) {
			for _, st := range c.statements {
				if w := words(st); len(w) > 0 && w[0] == "create" {
					t.known[objectOf(w)] = true
				}
			}
		}
	}
	delete(t.known, "")
	return t
}

// clone is for a file whose own differences do not concern others.
func (t *taint) clone() *taint {
	return &taint{objects: maps.Clone(t.objects), known: t.known, variables: map[string]string{}}
}

var variable = regexp.MustCompile(`:([a-z_]+)`)

// wordsOf are the words of a chunk, those of the psql variables in it included.
func (t *taint) wordsOf(c *chunk) []string {
	text := uncommented(c)
	if rest, ok := strings.CutPrefix(strings.TrimSpace(c.text()), `\set `); ok {
		name, value, _ := strings.Cut(rest, " ")
		t.variables[name] = value
	}
	if strings.HasPrefix(strings.TrimSpace(text), `\g`) {
		text += " " + t.last
	}
	if len(c.statements) > 0 {
		t.last = text
	}
	for _, m := range variable.FindAllStringSubmatch(text, -1) {
		text += " " + t.variables[m[1]]
	}
	return words(text)
}

func (t *taint) touches(w []string) bool {
	for _, x := range w {
		if t.objects[x] {
			return true
		}
	}
	return false
}

// add notes what the statements of a chunk were to make, change or fill. DDL concerns all the objects that it names.
func (t *taint) add(c *chunk) {
	t.derive(c)
	for _, st := range c.statements {
		w := words(st)
		if !isDDL(w) && len(w) > 0 && w[0] != "grant" && w[0] != "revoke" {
			continue
		}
		for _, x := range w {
			if t.known[x] || strings.HasPrefix(x, "regress_") {
				t.objects[x] = true
			}
		}
	}
}

// derive notes what the statements make or fill from what is in another state.
func (t *taint) derive(c *chunk) {
	for _, st := range c.statements {
		if name := objectOf(words(st)); name != "" {
			t.objects[name] = true
		}
	}
}

// noise are the words that may stand between a command and the name of its object.
var noise = map[string]bool{
	"or": true, "replace": true, "temp": true, "temporary": true, "unlogged": true, "recursive": true, "table": true, "view": true,
	"materialized": true, "function": true, "procedure": true, "index": true, "unique": true, "concurrently": true, "if": true,
	"not": true, "exists": true, "only": true, "into": true, "trigger": true, "rule": true, "policy": true, "type": true,
	"aggregate": true, "sequence": true, "statistics": true, "publication": true, "foreign": true, "domain": true, "cascade": true,
	"public": true, "binary": true, "constraint": true, "event": true, "schema": true,
}

// objectOf is the name of what a statement makes, changes or fills; "" for a query.
func objectOf(w []string) string {
	if len(w) < 2 {
		return ""
	}
	switch w[0] {
	case "create", "alter", "insert", "update", "delete", "merge", "copy", "truncate", "prepare", "declare", `\copy`, "drop", "refresh":
	case "with", "select":
		for i, x := range w[:len(w)-1] {
			if x == "into" {
				return firstName(w[i+1:])
			}
		}
		return ""
	default:
		return ""
	}
	if w[0] == "delete" && w[1] == "from" {
		w = w[1:]
	}
	return firstName(w[1:])
}

func firstName(w []string) string {
	for _, x := range w {
		if !noise[x] {
			return x
		}
	}
	return ""
}
