package main

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed accepted.txt
var acceptedText string

// An acceptance is a difference that is accepted.
type acceptance struct {
	mode, file, part, reason string
	used                     bool
}

// acceptances reads accepted.txt.
func acceptances(text string) ([]*acceptance, error) {
	var out []*acceptance
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		rule, reason, ok := strings.Cut(line, " -- ")
		mode, rest, _ := strings.Cut(strings.TrimSpace(rule), " ")
		file, part, _ := strings.Cut(strings.TrimSpace(rest), " ")
		a := &acceptance{mode: mode, file: file, part: strings.TrimSpace(part), reason: strings.TrimSpace(reason)}
		if !ok || a.part == "" || a.reason == "" {
			return nil, fmt.Errorf("accepted.txt, line %d: want mode, file, part of the statement, --, reason", n)
		}
		out = append(out, a)
	}
	return out, nil
}

// accepted tells whether a finding is on the list, and marks the line as used.
func accepted(list []*acceptance, mode string, f *finding) bool {
	for _, a := range list {
		if a.mode == mode && a.file == f.file && (a.part == "*" || strings.Contains(f.statement, a.part)) {
			a.used = true
			return true
		}
	}
	return false
}
