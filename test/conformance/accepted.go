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
	lines, err := reasoned("accepted.txt", text)
	if err != nil {
		return nil, err
	}
	var out []*acceptance
	for _, l := range lines {
		mode, rest, _ := strings.Cut(l.about, " ")
		file, part, _ := strings.Cut(strings.TrimSpace(rest), " ")
		a := &acceptance{mode: mode, file: file, part: strings.TrimSpace(part), reason: l.reason}
		if a.part == "" {
			return nil, fmt.Errorf("%s: want mode, file, part of the statement, --, reason", l.place)
		}
		if pattern, ok := strings.CutPrefix(a.part, "names "); ok {
			if a.names, err = regexp.Compile(pattern); err != nil {
				return nil, fmt.Errorf("%s: %w", l.place, err)
			}
		}
		out = append(out, a)
	}
	return out, nil
}

// A reasonedLine is a line of a list of accepted differences.
type reasonedLine struct {
	place         string // file and line, for errors
	about, reason string
}

// reasoned reads a list of accepted differences, in which each line that is neither empty nor a comment ends with its reason.
func reasoned(file, text string) ([]reasonedLine, error) {
	var out []reasonedLine
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		about, reason, _ := strings.Cut(line, " -- ")
		l := reasonedLine{fmt.Sprintf("%s, line %d", file, n), strings.TrimSpace(about), strings.TrimSpace(reason)}
		if l.reason == "" {
			return nil, fmt.Errorf("%s: there is no reason behind --", l.place)
		}
		out = append(out, l)
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
