package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// emit writes v as JSON, or what human writes of it.
func (o *options) emit(v any, human func(w io.Writer)) error {
	if o.output == "json" {
		return writeJSON(o.out, v)
	}
	human(printable{o.out})
	return nil
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// table writes rows under their headings in aligned columns, or none when there is no row.
func table(w io.Writer, none string, heads []string, rows [][]string) {
	if len(rows) == 0 {
		fmt.Fprintln(w, none)
		return
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{heads}, rows...) {
		for i := range row {
			row[i] = escaped(row[i], "")
		}
		fmt.Fprintln(tw, strings.TrimRight(strings.Join(row, "\t"), "\t"))
	}
	_ = tw.Flush()
}

// report writes an error for people, or as a problem document for programs.
func report(w io.Writer, output string, err error) {
	var p *admin.Problem
	isProblem := errors.As(err, &p)
	if output == "json" {
		if !isProblem {
			p = &admin.Problem{Type: "about:blank", Title: "Failed", Status: 500, Detail: err.Error()}
			var hinted interface{ Hint() string }
			if errors.As(err, &hinted) {
				p.Hint = hinted.Hint()
			}
		}
		_ = writeJSON(w, p)
		return
	}
	w = printable{w}
	if !isProblem {
		fmt.Fprintf(w, "segue: %v\n", err)
		var hinted interface{ Hint() string }
		if errors.As(err, &hinted) && hinted.Hint() != "" {
			fmt.Fprintf(w, "  hint: %s\n", hinted.Hint())
		}
		return
	}
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	if len(p.Errors) == 0 {
		fmt.Fprintf(w, "segue: %s\n", text)
	}
	for _, m := range p.Errors {
		where := *m
		where.Hint = ""
		fmt.Fprintf(w, "segue: %s\n", where.Error())
		if m.Hint != "" {
			fmt.Fprintf(w, "  hint: %s\n", m.Hint)
		}
	}
	for n, m := range p.Missing {
		fmt.Fprintf(w, "  %d. %s\n", n+1, m)
	}
	writeBlockers(w, unsaid(p.Blockers, p.Missing))
	if len(p.Allowed) > 0 {
		var kinds []string
		for _, k := range p.Allowed {
			kinds = append(kinds, string(k))
		}
		fmt.Fprintf(w, "  next: %s\n", strings.Join(kinds, ", "))
	}
	if hint := cmp.Or(p.HintCLI, p.Hint); hint != "" {
		fmt.Fprintf(w, "  hint: %s\n", hint)
	}
	writeMend(w, "  ", p.Mend)
}

// unsaid leaves out who is in the list of what is missing already.
func unsaid(blockers []migrate.Blocker, missing []string) []migrate.Blocker {
	said := strings.Join(missing, "\n")
	return slices.DeleteFunc(slices.Clone(blockers), func(b migrate.Blocker) bool { return b.Why != "" && strings.Contains(said, b.Why) })
}

// writeMend writes the statements that take away the cause of what was said before.
func writeMend(w io.Writer, indent string, mend []string) {
	for i, sql := range mend {
		label := "to mend it:"
		if i > 0 {
			label = "      then:"
		}
		if !strings.Contains(sql, ";") {
			sql += ";"
		}
		fmt.Fprintf(w, "%s%s %s\n", indent, label, sql)
	}
}

// writeOutage says that statements on tables under migration are held, why, and what ends it; nothing when they are not.
func writeOutage(w io.Writer, o *migrate.Outage) {
	if o == nil {
		return
	}
	fmt.Fprintf(w, "NOT SERVED: %s. All statements on tables under migration are held since %s\n", o.Reason, when(o.Since))
	writeMend(w, "  ", o.Mend)
	if len(o.Mend) == 0 {
		fmt.Fprintf(w, "  hint: %s\n", o.Hint())
	}
}

// phaseWords is a phase in words.
func phaseWords(p rules.Phase) string { return strings.ReplaceAll(string(p), "_", " ") }

// maxLine bounds a statement in a table or message, in characters.
const maxLine = 80

func oneLine(sql string) string {
	runes := []rune(strings.Join(strings.Fields(sql), " "))
	if len(runes) > maxLine {
		return string(runes[:maxLine-1]) + "…"
	}
	return string(runes)
}

func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// operation is one operation in words.
func operation(op migrate.OperationView) string {
	what := op.From + op.To
	if op.From != "" && op.To != "" {
		what = op.From + " → " + op.To
	}
	return fmt.Sprintf("%s %s: %s", strings.ReplaceAll(op.Kind, "_", " "), op.Table, what)
}
