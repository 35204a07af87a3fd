// Command hazardpage writes the tables of docs/hazards.md from the registry in the code. `go generate ./assess` runs it.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/seguedb/segue/assess"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "hazardpage:", err)
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
	page, err := fill(string(old), assess.Hazards())
	if err != nil {
		return err
	}
	return os.WriteFile(args[0], []byte(page), 0o644)
}

// The lines between which the page is written anew.
const (
	begin = "<!-- generated from assess: go generate ./assess -->\n"
	end   = "<!-- end of what is generated -->\n"
)

// fill puts the hazards between the markers of a page.
func fill(page string, list []*assess.Hazard) (string, error) {
	before, rest, ok := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", fmt.Errorf("the page has no lines %q and %q", begin, end)
	}
	return before + begin + "\n" + tables(list) + "\n" + end + after, nil
}

// titles are the headings of the groups.
var titles = map[assess.Group]string{
	assess.OfRule:    "The rule file, and its place among the others",
	assess.OfRights:  "What the role of the upstream URL may do",
	assess.OfFollow:  "What depends on a table and follows by itself",
	assess.OfBreak:   "What depends on names and does not follow",
	assess.OfTable:   "The table",
	assess.OfLocks:   "Locks",
	assess.OfClients: "Clients",
}

// tables is the list as Markdown, a table for each group.
func tables(list []*assess.Hazard) string {
	var b strings.Builder
	group := assess.Group("")
	for _, h := range list {
		if h.Group != group {
			if group != "" {
				b.WriteString("\n")
			}
			group = h.Group
			fmt.Fprintf(&b, "## %s\n\n| id | severity | found when | what to do |\n|---|---|---|---|\n", titles[group])
		}
		cell := func(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", h.ID, h.Severity, cell(h.What), cell(h.Remedy))
	}
	return b.String()
}
