package rewrite

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/explain"
	"github.com/seguedb/segue/rewrite/splice"
)

// EXPLAIN prints a plan in the names of the database. Its rows are put into the version's names when they come back:
// the plan itself says which relations it reads and under which names their columns are printed (explain_names.go), and
// the binder adds what the statement alone knows, such as column aliases. What cannot be told for sure stays as the
// server has printed it.

// explaining collects the items of a statement while it is bound.
type explaining struct{ items []*item }

// planned notes an item that the plan of the statement may speak of.
func (b *binding) planned(it *item) *item {
	if b.explaining != nil {
		b.explaining.items = append(b.explaining.items, it)
	}
	return it
}

// explain binds a statement whose plan is shown, now or when it is executed.
func (b *binding) explain(query *ast.Node, format explain.Format) {
	b.explaining = &explaining{}
	b.bindStatement(query)
	items := b.explaining.items
	b.explaining = nil
	if b.allIdentity() {
		return
	}
	e := &explain.Statement{Format: format}
	for _, it := range items {
		e.Items = append(e.Items, explainItem(it))
	}
	for _, t := range b.lens.Tables {
		if at := b.atServer(t.Physical); at != nil && at.OID == t.OID {
			e.Visible = append(e.Visible, t.OID)
		}
		for _, r := range b.sess.Overlay {
			if r != nil && r.Name == t.Physical && r.OID != t.OID && !slices.Contains(e.Shadowed, r.Name) {
				e.Shadowed = append(e.Shadowed, r.Name)
			}
		}
	}
	b.statement.plan = e
}

func explainItem(it *item) explain.Item {
	out := explain.Item{Name: it.sent(), Unknown: it.unknown}
	if it.rel != nil {
		out.Table = it.rel.OID
	}
	for _, c := range it.cols {
		if c.computed() != nil {
			continue // the plan shows the expression
		}
		name := c.name
		if name == "" {
			name = c.physical // the version does not show it: nor is there another name for it
		}
		out.Columns = append(out.Columns, explain.Column{Sent: c.physical, Name: name})
		out.Listed = out.Listed || it.rel != nil && it.rel.ColumnByNum(c.num) != nil && it.rel.ColumnByNum(c.num).Name != c.physical
	}
	return out
}

// formatOf is the FORMAT among the options of an EXPLAIN (ExplainQuery in explain.c): the last one counts.
func formatOf(x *ast.ExplainStmt) explain.Format {
	format := explain.Text
	for _, o := range x.Options {
		d := o.GetDefElem()
		if d.GetDefname() != "format" {
			continue
		}
		switch ast.StrVal(d.GetArg()) {
		case "json":
			format = explain.JSON
		case "xml":
			format = explain.XML
		case "yaml":
			format = explain.YAML
		default:
			format = explain.Text
		}
	}
	return format
}

// ShowsPlan tells whether statement i, counted from 0, returns a plan that MapPlan can put into other names.
func (t *Text) ShowsPlan(i int) bool {
	return i >= 0 && i < len(t.Statements) && t.Statements[i].plan != nil && t.Statements[i].Effect.Prepare == nil
}

// Explaining is the text with what is known of the statement that it executes by name, if its plan is shown: x is the text
// of the PREPARE. Only a text that is one EXPLAIN EXECUTE is changed.
func (t *Text) Explaining(x *Text) *Text {
	if len(t.Statements) != 1 || !t.ShowsPlan(0) || t.Statements[0].Effect.Execute == "" || len(x.Statements) != 1 || x.Statements[0].plan == nil {
		return t
	}
	s := t.Statements[0]
	plan := *x.Statements[0].plan
	plan.Format = s.plan.Format
	s.plan = &plan
	return &Text{
		SQL: t.SQL, Client: t.Client, Changed: t.Changed, Version: t.Version, Ambiguous: t.Ambiguous,
		Statements: []Statement{s}, Tables: t.Tables, TxControl: t.TxControl, Question: t.Question,
		clientUTF8: t.clientUTF8, sentUTF8: t.sentUTF8, edits: t.edits, charset: t.charset, names: t.names, tally: t.tally,
	}
}

// MapPlan puts the rows that statement i has returned, in order and in the session's encoding, into the version's names.
// changed is false when they stay as they are. A part of a plan can be given, too; what only the other parts tell is then
// not known.
func (t *Text) MapPlan(i int, rows []string) (mapped []string, changed bool) {
	if !t.ShowsPlan(i) {
		return rows, false
	}
	defer func() {
		if recover() != nil { // a defect of ours must not end the process: a plan is for people, who can read it as it is
			mapped, changed = rows, false
		}
	}()
	e := t.Statements[i].plan
	if e.Format != explain.Text {
		mapped = make([]string, len(rows))
		for k, row := range rows {
			mapped[k] = t.mapPlan(e, row)
			changed = changed || mapped[k] != row
		}
		return mapped, changed
	}
	text := strings.Join(rows, "\n") // a row is a line, also where a line ends within a string
	plan := t.mapPlan(e, text)
	return strings.Split(plan, "\n"), plan != text
}

// mapPlan maps the text of one or several plans.
func (t *Text) mapPlan(e *explain.Statement, text string) string {
	source, err := t.charset.Decode(text)
	if err != nil {
		return text
	}
	edits := e.Edits(t.names.Snap, t.names.Lens, source.UTF8)
	if splice.Sort(edits, len(source.UTF8)) != nil {
		return text
	}
	original, err := splice.Encode(t.charset, &source, edits)
	if err != nil {
		return text
	}
	return splice.Apply(text, original)
}
