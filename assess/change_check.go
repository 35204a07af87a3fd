package assess

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/rules"
)

var changeCheck = &Hazard{
	ID: "change-check", Group: OfTable, Severity: Warn,
	What: "a CHECK names columns that a change takes, and ends with them at purge; on the columns that the change gives there is none that says the same. " +
		"Where it cannot be told what would, because more is changed than the type of an integer, there are fewer CHECKs on those. Found from the draft on",
	Remedy: "when the new columns are there, add its counterpart on them, past Segue: `ADD CONSTRAINT … CHECK (…) NOT VALID`, then `VALIDATE CONSTRAINT`. " +
		"Waive it where the new columns need none. Until cutover it is an error and refuses that, unless it is waived or the request accepts it: `--accept-difference`",
	refusal: lacks,
}

// A conditionOn is a CHECK of a table.
type conditionOn struct {
	name, text string // the condition as the server prints it
	old, new   bool   // it names columns of that side
}

// lookChangeChecks finds CHECKs on old columns that nothing takes the place of.
func lookChangeChecks(ctx context.Context, s *Subject, r *report) error {
	if !s.looksForDifferences() {
		return nil
	}
	for _, op := range s.Migration.Changes() {
		side := sidesOf(op, s.Migration.Phase)
		if side.taken() {
			continue // such a CHECK is about what goes, and nothing else
		}
		all, err := conditions(ctx, s, side)
		if err != nil {
			return err
		}
		given := strings.Join(side.new, ", ")
		if given == "" {
			_, to := op.Sides()
			given = strings.Join(to, ", ") + " when that is there"
		}
		for _, c := range withoutCondition(all, s.renamings(op, side)) {
			s.differs(r, changeCheck, Object{"constraint", c.name + " on " + side.table.String()}, Finding{
				Message: fmt.Sprintf("it is on columns that %s takes, and ends with them at purge: CHECK (%s)", s.Migration.ID, c.text),
				Hint: fmt.Sprintf("add its counterpart on %s, past Segue: ALTER TABLE %s ADD CONSTRAINT … CHECK (…) NOT VALID, then VALIDATE CONSTRAINT",
					given, side.table.SQL()),
			})
		}
	}
	return nil
}

// conditions lists the CHECKs on columns of either side.
func conditions(ctx context.Context, s *Subject, side sides) ([]conditionOn, error) {
	rows, err := s.DB.Query(ctx, `
		SELECT pg_catalog.quote_ident(k.conname), pg_catalog.pg_get_expr(k.conbin, k.conrelid), pg_catalog.bool_or(a.attname = ANY ($3)), pg_catalog.bool_or(a.attname = ANY ($4))
		FROM pg_catalog.pg_constraint k
		JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey)
		WHERE k.contype = 'c' AND n.nspname = $1 AND c.relname = $2 AND pg_catalog.strpos(k.conname, '_segue_') <> 1
		GROUP BY k.oid, k.conname, k.conbin, k.conrelid HAVING pg_catalog.bool_or(a.attname = ANY ($3 || $4)) ORDER BY k.conname`, side.table.Schema, side.table.Name, side.old, side.new)
	if err != nil {
		return nil, fmt.Errorf("cannot look at the CHECKs: %w", err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c conditionOn, err error) {
		return c, row.Scan(&c.name, &c.text, &c.old, &c.new)
	})
	if err != nil {
		return nil, fmt.Errorf("cannot look at the CHECKs: %w", err)
	}
	return out, nil
}

// A renaming tells what a CHECK on the old side would be on the new one: the same text with other names.
type renaming struct {
	columns []string          // of the table
	lost    map[string]bool   // old columns for which that cannot be told
	to      map[string]string // the others
}

// renamings are those of a change that the database has; nil where the new side is not there.
func (s *Subject) renamings(op rules.Change, side sides) *renaming {
	table := s.Catalog.Lookup(side.table.Schema, side.table.Name)
	if len(side.new) == 0 || side.alone || table == nil {
		return nil
	}
	c := op.Resolved().Compiled()
	n := &renaming{lost: map[string]bool{}, to: map[string]string{}}
	for _, col := range table.Columns {
		n.columns = append(n.columns, col.Name)
	}
	for _, old := range side.old {
		n.lost[old] = true
	}
	for _, p := range c.Pairs() {
		if old := c.Old[p.Old]; p.Same && integral(old) {
			delete(n.lost, old.Physical)
			n.to[old.Physical] = c.New[p.New].Physical
		}
	}
	return n
}

// integral reports whether a condition on a column is printed alike for all types that have the same values.
func integral(col change.Column) bool {
	return slices.Contains([]string{"smallint", "integer", "bigint"}, col.Type)
}

// withoutCondition lists the CHECKs on the old side that have no counterpart. Where it is certain what that would be, it has to be there; of
// the others, there have to be as many.
func withoutCondition(all []conditionOn, n *renaming) []conditionOn {
	var lacking, unsure []conditionOn
	var given []string
	for _, c := range all {
		if c.new {
			given = append(given, n.spelled(c.text, nil))
		}
	}
	for _, c := range all {
		if !c.old {
			continue
		}
		want, sure := n.expected(c.text)
		at := slices.Index(given, want)
		switch {
		case want != "" && at >= 0:
			given = slices.Delete(given, at, at+1)
		case sure:
			lacking = append(lacking, c)
		default:
			unsure = append(unsure, c)
		}
	}
	if len(given) < len(unsure) {
		lacking = append(lacking, unsure...)
	}
	slices.SortStableFunc(lacking, func(a, b conditionOn) int { return strings.Compare(a.name, b.name) })
	return lacking
}

// expected is what a CHECK on the old side would be on the new one; "" where that cannot be told. It is sure where the server prints it so
// whichever the integers are: in lists and beside casts it prints types.
func (n *renaming) expected(text string) (want string, sure bool) {
	if n == nil {
		return "", false
	}
	lost := map[string]string{}
	for name := range n.lost {
		lost[name] = name
	}
	if _, uses, _, err := change.Renamed(text, n.columns, lost); err != nil || uses {
		return "", false
	}
	return n.spelled(text, n.to), !strings.Contains(text, "::") && !strings.Contains(text, "ARRAY[")
}

// spelled is a condition with all names quoted, and other names for some; "" where it cannot be read.
func (n *renaming) spelled(text string, to map[string]string) string {
	if n == nil {
		return ""
	}
	out, _, _, err := change.Renamed(text, n.columns, to)
	if err != nil {
		return ""
	}
	return out
}
