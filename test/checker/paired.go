package checker

import (
	"context"
	"fmt"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/test/checker/proof"
)

// A shape that is Paired has a second change on its table, of the column note to remark. It goes through the phases with the first one,
// in the same transactions, and rows are filled for both at once. Whoever writes the one writes the other, too. That both sides of
// it are the same is proved by its CHECK, and by a look at all rows before the old side is dropped; that it does nothing to the first
// change is proved by the log, as everything is.

// pair makes the second change.
func (t *table) pair(options ...change.Option) error {
	if !t.Paired {
		return nil
	}
	c, err := change.Compile(change.Change{
		Key: t.Name + "_2", Table: t.compiled.Table, Inline: true, Others: t.compiled.Others, Lossy: true,
		Old: []change.Column{{Name: "note", Type: "text"}}, New: []change.Column{{Name: "remark", Type: "text"}},
		Up: change.Map{"remark": "note"}, Down: change.Map{"note": "remark"},
	}, options...)
	if err == nil {
		t.compiled, t.beside = t.compiled.Beside(c), c.Beside(t.compiled)
	}
	return err
}

// changes are all changes of the table.
func (t *table) changes() change.Together {
	if t.beside == nil {
		return change.Together{t.compiled}
	}
	return change.Together{t.compiled, t.beside}
}

// sql lists statements of all changes.
func (t *table) sql(of func(*change.Compiled) []string) (out []string) {
	for _, c := range t.changes() {
		out = append(out, of(c)...)
	}
	return out
}

// noted are the columns of the second change that clients can write in a phase, by their side.
func (t *table) noted(p phase) (columns [2]string) {
	if t.beside == nil {
		return columns
	}
	if p < contracted || p == withdrawn {
		columns[proof.Old] = "note"
	}
	if p >= filling && p != withdrawn {
		columns[proof.New] = "remark"
	}
	return columns
}

// inStep looks at all rows for those in which the second change has lost something.
func (o *operator) inStep(ctx context.Context) error {
	c := o.table.beside
	if c == nil {
		return nil
	}
	var wrong string
	err := o.ask(ctx, fmt.Sprintf("SELECT count(*) FROM %s WHERE %s IS DISTINCT FROM remark OR abs(%s) <> 1", o.table.table(), ident(c.Settled().Old[0].Physical), ident(c.Marker())), &wrong)
	if err == nil && wrong != "0" {
		err = fmt.Errorf("%s rows of %s are not in step in note and remark", wrong, o.table.Name)
	}
	return err
}

// paired is money, with a second change of its table.
func paired() *Shape {
	s := money()
	s.rename("paired")
	s.Paired = true
	return s
}

// pairedNames is a lossy change, with a second one, in a table with a trigger of the user's that assigns its columns.
func pairedNames() *Shape {
	s := triggered()
	s.rename("paired_names")
	s.Paired = true
	return s
}
