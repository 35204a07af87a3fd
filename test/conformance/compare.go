package main

import (
	"sort"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// difference is a file whose output is not what it is without a proxy.
type difference struct {
	file    string
	excerpt string
}

// compare lists the files whose outputs differ, in order of name.
func compare(want, got *outcome) []difference {
	var out []difference
	for file, w := range want.outputs {
		g, ok := got.outputs[file]
		switch {
		case !ok:
			out = append(out, difference{file, "    it did not run\n"})
		case normal(g) != normal(w):
			out = append(out, difference{file, excerpt(normal(w), normal(g))})
		}
	}
	for file := range got.outputs {
		if _, ok := want.outputs[file]; !ok {
			out = append(out, difference{file, "    it ran only through the proxy\n"})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].file < out[j].file })
	return out
}

// excerpt is the beginning of a line-by-line comparison.
func excerpt(want, got string) string {
	const most = 40
	lines := strings.Split(cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")), "\n")
	if len(lines) > most {
		lines = append(lines[:most], "…")
	}
	return "    " + strings.Join(lines, "\n    ") + "\n"
}
