package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A result is what one mode came to.
type result struct {
	mode     string
	outcome  *outcome
	findings []finding
	accepted int
	list     []*acceptance
	differ   map[string]bool // files that do not print what they print directly, for whatever reason
	missing  []string        // files that did not run
}

// judge compares a mode's outputs with those that are wanted: of mode direct, or if something was refused of mode control.
func judge(mode string, scripts map[string]string, direct, want, got *outcome, list []*acceptance) *result {
	r := &result{mode: mode, outcome: got, list: list, differ: map[string]bool{}}
	for _, file := range slices.Sorted(maps.Keys(direct.outputs)) {
		output, ok := got.outputs[file]
		if !ok {
			r.missing = append(r.missing, file)
			continue
		}
		r.differ[file] = normal(direct.outputs[file]) != normal(output)
		if normal(want.outputs[file]) == normal(output) {
			continue
		}
		for _, f := range findings(file, scripts[file], want.outputs[file], output) {
			if accepted(list, mode, &f) {
				r.accepted++
				continue
			}
			r.findings = append(r.findings, f)
		}
	}
	return r
}

// differing lists the files with findings, with their number by class.
func (r *result) differing() map[string]map[class]int {
	out := map[string]map[class]int{}
	for _, f := range r.findings {
		if out[f.file] == nil {
			out[f.file] = map[class]int{}
		}
		out[f.file][f.class]++
	}
	return out
}

// ok tells whether the mode is as it should be.
func (r *result) ok() bool { return len(r.findings) == 0 && len(r.missing) == 0 && r.bugs() == 0 }

// bugs counts what the oracles found.
func (r *result) bugs() (n uint64) {
	for _, f := range r.outcome.files {
		n += f.Mispredicts + f.Unproven
	}
	return n
}

// write writes the whole report of a mode.
func (r *result) write(w io.Writer, telling []string) {
	r.writeFigures(w)
	r.writeTelling(w, telling)
	r.writeRefusals(w)
	r.writeOracles(w)
	for c := wrong; c <= worded; c++ {
		r.writeFindings(w, c)
	}
	r.writeFiles(w)
}

func (r *result) writeFigures(w io.Writer) {
	by := map[class]int{}
	for _, f := range r.findings {
		by[f.class]++
	}
	var concerned, refusals, mispredicts, unproven uint64
	hung := 0
	for _, f := range r.outcome.files {
		concerned, refusals = concerned+f.Concerned, refusals+f.Refused
		mispredicts, unproven = mispredicts+f.Mispredicts, unproven+f.Unproven
		if f.Hung {
			hung++
		}
	}
	files, exact := len(r.outcome.outputs), 0
	for _, differs := range r.differ {
		if !differs {
			exact++
		}
	}
	different := len(r.differing())
	fmt.Fprintf(w, "mode %s: %s\n", r.mode, r.outcome.summary())
	fmt.Fprintf(w, "  files: %d, as direct %d, as direct but for what is refused or accepted %d, different %d, did not run %d, hung %d\n",
		files, exact, files-exact-different, different, len(r.missing), hung)
	share := 0.0
	if concerned > 0 {
		share = 100 * float64(refusals) / float64(concerned)
	}
	fmt.Fprintf(w, "  statements on renamed tables: %d, refused: %d (%.2f %%)\n", concerned, refusals, share)
	fmt.Fprintf(w, "  mispredicted results: %d, unproven rewrites: %d\n", mispredicts, unproven)
	fmt.Fprintf(w, "  differences: %d, accepted besides: %d\n", len(r.findings), r.accepted)
	for c := wrong; c <= refused; c++ {
		if by[c] > 0 {
			fmt.Fprintf(w, "    %-22s %d\n", c, by[c])
		}
	}
	for _, a := range r.list {
		if a.mode == r.mode && a.used > 0 {
			fmt.Fprintf(w, "    accepted %-13d %s\n", a.used, a.reason)
		}
	}
}

func (r *result) writeTelling(w io.Writer, telling []string) {
	if telling == nil {
		return
	}
	differing := r.differing()
	same, but := 0, 0
	for _, f := range telling {
		switch {
		case slices.Contains(r.missing, f) || differing[f] != nil:
		case r.differ[f]:
			but++
		default:
			same++
		}
	}
	fmt.Fprintf(w, "\ntelling files (as direct without renaming, and not as direct with it and without a proxy): of %d, %d as direct, %d but for what is refused or accepted\n",
		len(telling), same, but)
	for _, f := range telling {
		fmt.Fprintf(w, "  %-24s %s\n", f, r.verdict(f, differing[f]))
	}
}

// verdict says in a line how a file fared.
func (r *result) verdict(file string, by map[class]int) string {
	refusals := 0
	for _, x := range r.outcome.refused {
		if x.Query.File == file {
			refusals++
		}
	}
	var parts []string
	switch {
	case slices.Contains(r.missing, file):
		return "did not run"
	case by == nil && !r.differ[file]:
		return "identical"
	case by == nil && refusals > 0:
		return fmt.Sprintf("identical but for %d refused", refusals)
	case by == nil:
		return "identical but for what is accepted"
	case refusals > 0:
		parts = append(parts, fmt.Sprintf("refused %d", refusals))
	}
	for c := wrong; c <= refused; c++ {
		if by[c] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", c, by[c]))
		}
	}
	return strings.Join(parts, ", ")
}

var quotedName = regexp.MustCompile(`"[^"]*"`)

// writeRefusals ranks what was refused.
func (r *result) writeRefusals(w io.Writer) {
	groups := map[string][]*refusal{}
	for i := range r.outcome.refused {
		x := &r.outcome.refused[i]
		key := quotedName.ReplaceAllString(x.construct(), `"…"`)
		groups[key] = append(groups[key], x)
	}
	keys := slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(groups[b]), len(groups[a])), cmp.Compare(a, b))
	})
	fmt.Fprintf(w, "\nrefusals by construct\n")
	for _, k := range keys {
		shortest := slices.MinFunc(groups[k], func(a, b *refusal) int { return cmp.Compare(len(a.Query.Text), len(b.Query.Text)) }).Query
		fmt.Fprintf(w, "  %5d  %s\n         %s: %s\n", len(groups[k]), k, shortest.File, oneLine(shortest.Text, 300))
	}
}

// writeOracles lists what the proofs and predictions found.
func (r *result) writeOracles(w io.Writer) {
	fmt.Fprintf(w, "\nlog by file\n")
	for _, name := range slices.Sorted(maps.Keys(r.outcome.files)) {
		f := r.outcome.files[name]
		if len(f.Log) == 0 && f.Mispredicts+f.Unproven == 0 {
			continue
		}
		fmt.Fprintf(w, "  %s: mispredicted %d, unproven %d\n", name, f.Mispredicts, f.Unproven)
		for _, l := range f.Log {
			fmt.Fprintf(w, "    %s\n", oneLine(l, 600))
		}
	}
	for _, s := range r.outcome.skipped {
		fmt.Fprintf(w, "  not renamed: %s\n", s)
	}
}

// writeFindings writes the findings of a class, the shortest statements first.
func (r *result) writeFindings(w io.Writer, c class) {
	var list []finding
	for _, f := range r.findings {
		if f.class == c {
			list = append(list, f)
		}
	}
	if len(list) == 0 {
		return
	}
	slices.SortStableFunc(list, func(a, b finding) int { return cmp.Compare(len(a.statement), len(b.statement)) })
	fmt.Fprintf(w, "\n==== %s: %d\n", c, len(list))
	for _, f := range list {
		fmt.Fprintf(w, "-- %s\n%s\n%s", f.file, cut(f.statement, 1500), excerpt(f.want, f.got))
	}
}

// writeFiles writes a line for each file.
func (r *result) writeFiles(w io.Writer) {
	differing := r.differing()
	fmt.Fprintf(w, "\nfiles\n")
	for _, name := range slices.Sorted(maps.Keys(r.outcome.outputs)) {
		counts := ""
		if f := r.outcome.files[name]; f != nil {
			counts = fmt.Sprintf("concerned %d, refused %d", f.Concerned, f.Refused)
			if f.Hung {
				counts += ", HUNG"
			}
		}
		fmt.Fprintf(w, "  %-24s %s; %s\n", name, r.verdict(name, differing[name]), counts)
	}
}

// excerpt shows the lines that differ, those of direct with -, those through the proxy with +.
func excerpt(want, got string) string {
	const most = 14
	a, b := strings.Split(strings.TrimSuffix(want, "\n"), "\n"), strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	var out strings.Builder
	show := func(sign string, list []string) {
		for i, l := range list {
			if i == most {
				fmt.Fprintf(&out, "    %s … %d more lines\n", sign, len(list)-most)
				break
			}
			fmt.Fprintf(&out, "    %s%s\n", sign, l)
		}
	}
	show("-", a)
	show("+", b)
	return out.String()
}

func oneLine(s string, most int) string { return cut(strings.Join(strings.Fields(s), " "), most) }

func cut(s string, most int) string {
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
