package main

import (
	"fmt"
	"slices"
	"strings"
)

// Scripts tell the harness where they are through a line of their own, which does nothing where SEGUE_STEP says so. The
// lines are the same in every mode, so that outputs can be compared.
const stepLine = `\! step=%s; eval "$SEGUE_STEP"`

const (
	stepRename  = "rename"
	stepFile    = "file:"    // the name of the file follows
	stepRelease = "release:" // the words of a statement follow, joined by dots
)

// withoutSteps is an output without the echo of our own lines.
func withoutSteps(output string) string {
	var b strings.Builder
	for line := range strings.Lines(output) {
		if !strings.HasPrefix(line, `\! step=`) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// instrument adds to a script a step at its beginning, and one behind each statement that can have made a table, outside
// of transaction blocks; behind a block that had DDL in it the step follows its end. A step comes before each statement
// that drops or renames a table or column, or ties another table's column names to it: that is refused on a table under
// migration, so the migration is taken back first, as somebody who wanted to do that would.
func instrument(name, script string) string {
	var b strings.Builder
	step := func(s string) { fmt.Fprintf(&b, stepLine+"\n", s) }
	step(stepFile + name)
	inBlock, pending := false, false
	for _, c := range chunks(script) {
		for _, st := range c.statements {
			if w := words(st); endsTable(w) {
				step(stepRelease + strings.Join(w, "."))
			}
		}
		for _, l := range append(c.lines, c.data...) {
			b.WriteString(l + "\n")
		}
		for _, st := range c.statements {
			w := words(st)
			inBlock = blockAfter(w, inBlock)
			pending = pending || makesTable(w) || inBlock && isDDL(w)
		}
		if pending && !inBlock {
			step(stepRename)
			pending = false
		}
	}
	return b.String()
}

// blockAfter tells whether a transaction block is open after a statement.
func blockAfter(w []string, before bool) bool {
	if len(w) == 0 {
		return before
	}
	second := ""
	if len(w) > 1 {
		second = w[1]
	}
	switch w[0] {
	case "begin":
		return true
	case "start":
		return before || second == "transaction"
	case "commit", "end", "abort":
		return w[len(w)-1] == "chain" && w[len(w)-2] != "no"
	case "rollback":
		if strings.Contains(strings.Join(w, " "), " to ") || second == "prepared" {
			return before
		}
		return w[len(w)-1] == "chain" && w[len(w)-2] != "no"
	case "prepare":
		return before && second != "transaction"
	}
	return before
}

func isDDL(w []string) bool {
	return len(w) > 0 && (w[0] == "create" || w[0] == "alter" || w[0] == "drop" || w[0] == "do")
}

// endsTable tells whether a statement takes away a table or column, or its name, or makes another table depend on the
// names that columns have in the database.
func endsTable(w []string) bool {
	if len(w) < 3 {
		return false
	}
	if w[1] == "foreign" {
		w = slices.Delete(slices.Clone(w), 1, 2)
	}
	switch {
	case w[0] == "drop":
		return w[1] == "table" || w[1] == "view" || w[1] == "schema" // a table can have become a view
	case w[0] == "create":
		temporary := w[1] == "temp" || w[1] == "temporary"
		return (makesTable(w) || temporary) && (inherits(w, temporary) || slices.Contains(w, "like") && !slices.Contains(w, "select"))
	case w[0] == "alter" && w[1] == "table":
		return slices.ContainsFunc(subcommands(w[2:]), func(c string) bool {
			switch c {
			case "rename", "set schema", "attach partition", "detach partition", "inherit", "of", "drop column", "type":
				return true
			}
			return false
		})
	}
	return false
}

// inherits tells whether a new table inherits so that it is refused: from several tables, of which two may have a column
// of one name, or as a temporary table.
func inherits(w []string, temporary bool) bool {
	i := slices.Index(w, "inherits")
	if i < 0 {
		return false
	}
	parents := w[i+1:]
	if end := slices.IndexFunc(parents, func(x string) bool {
		return slices.Contains([]string{"with", "partition", "using", "on", "tablespace", "without"}, x)
	}); end >= 0 {
		parents = parents[:end]
	}
	return temporary || len(parents) > 1
}

// subcommands are what an ALTER TABLE does that matters here. Names of columns can look alike: that does no harm.
func subcommands(w []string) []string {
	var out []string
	for i, x := range w {
		next := append(w[i+1:], "")[0]
		switch {
		case x == "drop" && !slices.Contains([]string{"constraint", "not", "default", "identity", "expression"}, next):
			out = append(out, "drop column")
		case x == "set" && next == "schema", x == "attach" && next == "partition", x == "detach" && next == "partition":
			out = append(out, x+" "+next)
		case x == "rename", x == "type":
			out = append(out, x)
		case x == "inherit", x == "of" && i == 1:
			out = append(out, x)
		}
	}
	return out
}

// makesTable tells whether a statement can leave a permanent table behind.
func makesTable(w []string) bool {
	if len(w) < 2 {
		return false
	}
	switch w[0] {
	case "create":
		return w[1] == "table" || w[1] == "unlogged" || w[1] == "schema" || w[1] == "materialized"
	case "select", "with", "execute", "explain":
		for _, x := range w {
			if x == "into" || w[0] == "explain" && x == "create" {
				return true
			}
		}
	case "do", "import":
		return true
	}
	return false
}
