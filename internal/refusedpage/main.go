// Command refusedpage writes the tables of docs/refused.md from the list in the code. `go generate ./rewrite` runs it.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/seguedb/segue/rewrite"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "refusedpage:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("give the file of the page")
	}
	old, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	page, err := fill(string(old), rewrite.Refusals(), rewrite.Unmapped())
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], []byte(page), 0o644)
}

// The lines between which the page is written anew.
const (
	begin = "<!-- generated from rewrite/refused_list.go: go generate ./rewrite -->\n"
	end   = "<!-- end of what is generated -->\n"

	beginUnmapped = "<!-- generated from rewrite/introspect_unmapped.go: go generate ./rewrite -->\n"
)

// fill puts the lists between the markers of a page.
func fill(page string, list []rewrite.Refusal, unmapped []string) (string, error) {
	page, err := between(page, begin, table(list))
	if err != nil {
		return "", err
	}
	return between(page, beginUnmapped, "- "+strings.Join(unmapped, ";\n- ")+".\n")
}

// between replaces what stands between a marker and the end marker that follows.
func between(page, begin, text string) (string, error) {
	before, rest, ok := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", fmt.Errorf("the page has no lines %q and %q", begin, end)
	}
	return before + begin + "\n" + text + "\n" + end + after, nil
}

// table is the list as Markdown. Defects come after it, as they are none of the client's.
func table(list []rewrite.Refusal) string {
	var b, defects strings.Builder
	b.WriteString("| what | why | instead |\n|---|---|---|\n")
	for _, r := range list {
		if r.Defect {
			fmt.Fprintf(&defects, "\nOne refusal is about Segue itself and counted in `/metrics`. %s; %s.\n", r.What, r.Instead)
			continue
		}
		cell := func(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
		fmt.Fprintf(&b, "| %s | %s | %s |\n", cell(r.What), cell(r.Why), cell(r.Instead))
	}
	return b.String() + defects.String()
}
