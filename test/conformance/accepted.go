package main

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
)

//go:embed accepted.txt
var acceptedText string

// An acceptance is a difference that is accepted.
type acceptance struct {
	mode, file, part, reason string
	names                    *regexp.Regexp // of objects, in which the suffix of a renamed column may stand, and another number at the end
	used                     int            // how many statements it explains
}

// covers tells whether a finding is this difference and no other.
func (a *acceptance) covers(mode string, f *finding) bool {
	if a.mode != mode || a.file != "*" && a.file != f.file {
		return false
	}
	if a.names != nil {
		return f.got != f.want && squeezed(a.plain(f.got)) == squeezed(a.plain(f.want))
	}
	if class, ok := strings.CutPrefix(a.part, "class "); ok {
		return f.class.String() == class
	}
	return a.part == "*" || strings.Contains(f.statement, a.part)
}

// plain is an output in which the names of the pattern have neither the suffix of a renamed column nor the number that
// makes them different from others.
func (a *acceptance) plain(output string) string {
	return a.names.ReplaceAllStringFunc(output, func(name string) string {
		return strings.TrimRight(strings.ReplaceAll(name, suffix, ""), "0123456789")
	})
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
		if pattern, ok := strings.CutPrefix(a.part, "names "); ok {
			var err error
			if a.names, err = regexp.Compile(pattern); err != nil {
				return nil, fmt.Errorf("accepted.txt, line %d: %w", n, err)
			}
		}
		out = append(out, a)
	}
	return out, nil
}

// accepted tells whether a finding is on the list, and counts it there.
func accepted(list []*acceptance, mode string, f *finding) bool {
	for _, a := range list {
		if a.covers(mode, f) {
			a.used++
			return true
		}
	}
	return false
}
