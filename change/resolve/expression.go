package resolve

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/rewrite/ast"
)

// expression resolves one expression over the columns of source, which makes a column of target.
func (r *resolver) expression(direction, text string, col change.Column, target, source string) (string, error) {
	problem := func(message, hint string) error {
		return &Problem{Direction: direction, Column: col.Name, Message: message, Hint: hint}
	}
	from := " FROM " + source + " AS " + quote(r.c.Alias)
	const before = "CREATE VIEW " + view + " AS SELECT ("
	if err := r.lookIn(r.c.Table.Schema, "public"); err != nil {
		return "", err
	}
	if err := r.try(before+text+") AS x"+from, len(before), direction, col.Name); err != nil {
		return "", err
	}
	if err := r.lookIn(); err != nil {
		return "", err
	}
	tree, printed, err := r.printed()
	if err != nil {
		return "", err
	}
	if !strings.Contains(tree, "{SUBLINK ") {
		if printed, err = bare(printed); err != nil {
			return "", err
		}
	}
	name := col.Name
	if name == "" {
		name = "x"
	}
	// The query is in one of its own, because the table may be called old or new, as the rows of the rule are in which it is looked at.
	insert := "INSERT INTO " + target + " (" + quote(name) + ") SELECT x FROM (SELECT (" + printed + ") AS x" + from + ") AS assigned"
	if tree, err = r.assigned(insert, direction, col.Name); err != nil {
		return "", err
	}
	uses, err := r.uses(tree)
	if err != nil {
		return "", err
	}
	if message, hint := r.judge(uses); message != "" {
		return "", problem(message, hint)
	}
	r.nulls = r.nulls && keepsNull(printed, uses)
	if err := r.try("EXPLAIN "+insert, 0, direction, col.Name); err != nil {
		return "", err
	}
	if _, err := r.tx.Exec(r.ctx, "DROP VIEW "+view); err != nil {
		return "", err
	}
	if len(uses.reads) > 0 || !uses.immutable || !r.inline {
		r.inline = false
		return printed, nil
	}
	if r.inline, err = r.immutable(printed, source); err != nil || !r.inline {
		return printed, err
	}
	qualified, ok := qualify(printed)
	if r.inline = ok; !ok {
		return printed, nil
	}
	return qualified, nil
}

// assigned is the tree of a statement that assigns an expression, as the action of a rule that nobody fires. It has what the server
// adds to make the type of the column, which may depend on a setting where the expression alone does not: a timestamp that becomes one
// with time zone.
func (r *resolver) assigned(insert, direction, column string) (tree string, err error) {
	if err := r.try("CREATE RULE _segue_assigned AS ON INSERT TO "+view+" DO INSTEAD "+insert, 0, direction, column); err != nil {
		return "", err
	}
	err = r.tx.QueryRow(r.ctx, `SELECT ev_action::pg_catalog.text FROM pg_catalog.pg_rewrite
		WHERE ev_class = $1::pg_catalog.text::pg_catalog.regclass AND rulename = '_segue_assigned'`, view).Scan(&tree)
	return tree, err
}

// lookIn sets where names are looked for besides pg_catalog. Only what the user has written is read with schemas in which others may
// make operators and functions, and nothing of it is evaluated then: the planner would, and so would our own queries.
func (r *resolver) lookIn(schemas ...string) error {
	path := make([]string, len(schemas))
	for i, schema := range schemas {
		path[i] = quote(schema)
	}
	_, err := r.tx.Exec(r.ctx, "SELECT pg_catalog.set_config('search_path', $1, true)", strings.Join(path, ", "))
	return err
}

// try runs a statement that may fail for the expression in it. Offset is where that begins, 0 where a position means nothing.
func (r *resolver) try(sql string, offset int, direction, column string) error {
	err := pgx.BeginFunc(r.ctx, r.tx, func(tx pgx.Tx) error {
		_, err := tx.Exec(r.ctx, sql)
		return err
	})
	rejected, ok := Rejected(err)
	if !ok {
		return err
	}
	p := &Problem{Direction: direction, Column: column, Message: rejected.Message, Hint: rejected.Hint}
	if at := int(rejected.Position) - offset; offset > 0 && at > 0 {
		p.Position = at
	}
	return p
}

// printed is the expression of the view, as a tree and as text with everything outside of pg_catalog qualified.
func (r *resolver) printed() (tree, text string, err error) {
	err = pgx.BeginFunc(r.ctx, r.tx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(r.ctx, "SELECT pg_catalog.set_config('search_path', '', true)"); err != nil {
			return err
		}
		err := tx.QueryRow(r.ctx, `SELECT ev_action::pg_catalog.text, pg_catalog.pg_get_viewdef(ev_class) FROM pg_catalog.pg_rewrite
			WHERE ev_class = $1::pg_catalog.text::pg_catalog.regclass`, view).Scan(&tree, &text)
		if err != nil {
			return err
		}
		text, err = target(text)
		if err != nil {
			return err
		}
		return errDone // the search path is as it was
	})
	if errors.Is(err, errDone) {
		err = nil
	}
	return tree, text, err
}

// target is the only expression of a SELECT, without its label.
func target(sql string) (string, error) {
	tokens, err := ast.Scan(sql)
	if err != nil {
		return "", err
	}
	depth := 0
	for i, t := range tokens {
		switch word := sql[t.GetStart():t.GetEnd()]; {
		case word == "(" || word == "[":
			depth++
		case word == ")" || word == "]":
			depth--
		case depth == 0 && i > 2 && t.GetToken() == ast.Token_FROM:
			return strings.TrimSpace(sql[tokens[0].GetEnd():tokens[i-2].GetStart()]), nil
		}
	}
	return "", fmt.Errorf("the server printed a view without FROM: %s", sql)
}

// immutable asks the server whether it takes an expression for immutable, the input and output of its types included. Such
// an expression can generate a column, and no other can.
func (r *resolver) immutable(text, source string) (bool, error) {
	verdict := errDone
	err := pgx.BeginFunc(r.ctx, r.tx, func(tx pgx.Tx) error {
		sql := "ALTER TABLE " + source + " ADD COLUMN _segue_generated pg_catalog.bool GENERATED ALWAYS AS ((" + text + ") IS NULL) STORED"
		if _, err := tx.Exec(r.ctx, sql); err != nil {
			return err
		}
		return verdict
	})
	if _, rejected := Rejected(err); rejected {
		return false, nil
	}
	if errors.Is(err, verdict) {
		return true, nil
	}
	return false, err
}
