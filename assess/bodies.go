package assess

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rules"
)

var (
	functionBody = &Hazard{
		ID: "function-body", Group: OfBreak, Severity: Block,
		What: "the body of a function, a procedure or a trigger's function is kept as text and names what the DDL takes away: a rename does not follow into it. " +
			"Before cutover it refuses that, afterwards the way back, and is a warning then. Where it names a column that a change takes, it refuses contract",
		Remedy: "drop it, or write it with `BEGIN ATOMIC`, which follows; make a trigger's function again through Segue in the version whose names the database " +
			"does not have, which stores it for either ([functions](how-a-rename-works.md#functions)); or override with `--force --reason`",
		refusal: &refusal{
			says: func(f []Finding) string {
				return plural(len(f), "stored body names", "stored bodies name") + " what will be gone"
			},
			override: overrideForce, overrideCLI: overrideForceCLI,
		},
	}
	triggerArgument = &Hazard{
		ID: "trigger-argument", Group: OfBreak, Severity: Block,
		What:   "a trigger has such a name in an argument, which is kept as text, and its function may look at it, as `tsvector_update_trigger` does",
		Remedy: "drop the trigger, and make it again after the DDL; or override with `--force --reason`",
		refusal: &refusal{
			says: func(f []Finding) string {
				return plural(len(f), "argument of a trigger names", "arguments of triggers name") + " what will be gone"
			},
			override: overrideForce, overrideCLI: overrideForceCLI,
		},
	}
)

const (
	overrideForce    = "or override with force and a reason"
	overrideForceCLI = `or override with --force --reason "..."`
)

// lookBodies finds the functions and triggers that the next DDL would break: that of cutover, or after it that of the way
// back.
func lookBodies(ctx context.Context, s *Subject, r *report) error {
	if err := lookBodiesOfChanges(ctx, s, r); err != nil || s.Accept.Force || !s.runs() {
		return err
	}
	severity, blocks := Block, []rules.Phase{rules.Cutover}
	if s.direction() == rules.Backward {
		severity, blocks = Warn, []rules.Phase{rules.Active, rules.RolledBack}
	}
	after, mismatch := rules.Renaming(s.Migration, s.direction(), s.Catalog)
	found, err := bodies(ctx, s, s.namesGone(), after, mismatch)
	if err != nil {
		return err
	}
	r.bodies(found, severity, blocks, transition(s.Migration.Phase, blocks[0]))
	arguments, err := arguments(ctx, s.DB, s.namesGone())
	for _, a := range arguments {
		names := strings.Join(a.names, ", ")
		r.add(triggerArgument, a.about, Finding{
			Severity: severity, Blocks: blocks, Hint: hintArgument, line: a.about.String() + " has the argument " + names,
			Message: fmt.Sprintf("its argument %s is kept as text, so %s is refused", names, transition(s.Migration.Phase, blocks[0])),
		})
	}
	return err
}

// lookBodiesOfChanges finds the functions that contract of a change of columns would break: the old columns get other names then, and
// a new column can come to have one of theirs.
func lookBodiesOfChanges(ctx context.Context, s *Subject, r *report) error {
	if s.Accept.Force || s.Migration.Phase != rules.Cutover || s.To != "" && s.To != rules.Contracted {
		return nil
	}
	var names []string
	for _, c := range s.Migration.Changes() {
		names = append(names, c.Taken(rules.Cutover)...)
	}
	if len(names) == 0 {
		return nil
	}
	after, mismatch := rules.Contracting(s.Migration, s.Catalog)
	found, err := bodies(ctx, s, names, after, mismatch)
	if err != nil {
		return err
	}
	r.bodies(found, Block, []rules.Phase{rules.Contracted}, transition(s.Migration.Phase, rules.Contracted))
	return nil
}

// bodies takes a finding for each body, for which a transition is refused.
func (r *report) bodies(found []brokenBody, severity Severity, blocks []rules.Phase, refused string) {
	for _, b := range found {
		names := strings.Join(b.names, ", ")
		if b.unread != "" {
			names += " (by its words alone: it " + b.unread + ")"
		}
		f := Finding{
			Severity: severity, Blocks: blocks, Hint: hintBody, line: b.about.String() + " names " + names,
			Message: fmt.Sprintf("its body is kept as text and names %s, so %s is refused", names, refused),
		}
		if b.trigger {
			f.Hint = hintTriggerBody
		}
		r.add(functionBody, b.about, f)
	}
}

// What to do about each.
const (
	hintBody = "the body is stored as text and would break: drop the function, or write it with BEGIN ATOMIC, which follows a rename"

	hintTriggerBody = "the body of the trigger's function is stored as text and would break: make the function again through Segue, in the version " +
		"whose names stay: that of the new names or columns before cutover and contract (docs/how-a-rename-works.md)"

	hintArgument = "a trigger's argument is stored as text: drop the trigger, and make it again afterwards"
)

// bodies lists the functions, procedures and trigger functions whose body is kept as text and names what will be gone after
// the DDL: a rename does not follow into them. Bodies that PostgreSQL keeps parsed (BEGIN ATOMIC) follow by themselves.
// Members of extensions are left out: they were written before the tables were.
//
// A body that has none of the names as a word is passed over. Any other is bound, as far as it can be read.
func bodies(ctx context.Context, s *Subject, names []string, after *rules.Snapshot, mismatch error) ([]brokenBody, error) {
	list, err := writtenBodies(ctx, s.DB, names)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	var found []brokenBody
	for _, b := range list {
		loss := rewrite.Loss{Unread: "is judged by its words, because " + fmt.Sprint(mismatch)}
		if mismatch == nil {
			if loss, err = b.loses(ctx, s.DB, after, names); err != nil {
				return nil, err
			}
		}
		switch {
		case len(loss.Names) > 0:
			found = append(found, brokenBody{about: b.about, names: loss.Names, trigger: b.trigger})
		case loss.Unread != "":
			found = append(found, brokenBody{about: b.about, names: b.words, trigger: b.trigger, unread: loss.Unread})
		}
	}
	return found, nil
}

// A brokenBody is a body that a rename would break.
type brokenBody struct {
	about   Object
	names   []string // that it has and that will be gone
	trigger bool     // it is a trigger's function
	unread  string   // why it is judged by its words alone, as the end of "it"; "" when it is not
}

// A writtenBody is a function with a body that has some of the names as words.
type writtenBody struct {
	oid     uint32
	about   Object // with its signature
	trigger bool   // it is a trigger's function
	words   []string
}

// writtenBodies finds the functions with such bodies.
func writtenBodies(ctx context.Context, db DB, names []string) (found []writtenBody, err error) {
	if len(names) == 0 {
		return nil, nil
	}
	rows, err := db.Query(ctx, `
		WITH written AS MATERIALIZED ( -- by users; only of these is the whole row looked at
			SELECT p.*, l.lanname
			FROM pg_catalog.pg_proc p
			JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
			JOIN pg_catalog.pg_language l ON l.oid = p.prolang
			WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'segue') AND l.lanname NOT IN ('internal', 'c')
			  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
			                  WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'))
		SELECT oid, oid::pg_catalog.regprocedure::pg_catalog.text, prokind::pg_catalog.text, lanname, prosrc,
		       prorettype = 'pg_catalog.trigger'::pg_catalog.regtype
		FROM written
		WHERE (pg_catalog.to_jsonb(written) ->> 'prosqlbody') IS NULL -- a column that servers before 14 do not have
		ORDER BY 2`)
	if err != nil {
		return nil, fmt.Errorf("cannot read the bodies of functions: %w", err)
	}
	var oid uint32
	var signature, kind, language, body string
	var trigger bool
	_, err = pgx.ForEachRow(rows, []any{&oid, &signature, &kind, &language, &body, &trigger}, func() error {
		if named := namedIn(body, language, names); len(named) > 0 {
			about := Object{Function, signature}
			if kind == "p" {
				about.Kind = Procedure
			}
			found = append(found, writtenBody{oid, about, trigger, named})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the bodies of functions: %w", err)
	}
	return found, nil
}

// loses binds the body. A function that is dropped meanwhile loses nothing.
func (b *writtenBody) loses(ctx context.Context, db DB, after *rules.Snapshot, names []string) (rewrite.Loss, error) {
	var f rewrite.StoredFunction
	var tables []uint32
	err := db.QueryRow(ctx, `
		SELECT pg_catalog.pg_get_functiondef(p.oid), p.proname::pg_catalog.text, l.lanname::pg_catalog.text, p.prosrc,
		       p.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype,
		       ARRAY(SELECT DISTINCT t.tgrelid FROM pg_catalog.pg_trigger t WHERE t.tgfoid = p.oid)
		FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
		WHERE p.oid = $1`, b.oid).Scan(&f.Definition, &f.Name, &f.Language, &f.Source, &f.Trigger, &tables)
	if errors.Is(err, pgx.ErrNoRows) {
		return rewrite.Loss{}, nil
	}
	if err != nil {
		return rewrite.Loss{}, fmt.Errorf("cannot read the body of %s: %w", b.about, err)
	}
	for _, oid := range tables {
		f.Tables = append(f.Tables, catalog.OID(oid))
	}
	return rewrite.Loses(after, &f, names), nil
}

// arguments lists the triggers that have one of the names in an argument: it is kept as text too, and functions such as
// tsvector_update_trigger take it for the name of a column. A body in PL/pgSQL without TG_ARGV does not look at it.
func arguments(ctx context.Context, db DB, names []string) ([]brokenBody, error) {
	rows, err := db.Query(ctx, `
		SELECT t.tgname::pg_catalog.text, t.tgrelid::pg_catalog.regclass::pg_catalog.text, pg_catalog.encode(t.tgargs, 'escape')
		FROM pg_catalog.pg_trigger t
		JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
		JOIN pg_catalog.pg_language l ON l.oid = p.prolang
		WHERE NOT t.tgisinternal AND t.tgnargs > 0 AND (l.lanname <> 'plpgsql' OR p.prosrc ~* 'tg_argv')
		ORDER BY 2, 1`)
	if err != nil {
		return nil, fmt.Errorf("cannot read the arguments of triggers: %w", err)
	}
	var found []brokenBody
	var trigger, table, args string
	_, err = pgx.ForEachRow(rows, []any{&trigger, &table, &args}, func() error {
		if named := namedIn(strings.ReplaceAll(args, `\000`, " "), "", names); len(named) > 0 {
			found = append(found, brokenBody{about: Object{Trigger, trigger + " on " + table}, names: named})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the arguments of triggers: %w", err)
	}
	return found, nil
}

// namedIn lists those of the names that occur in the body.
func namedIn(body, language string, names []string) []string {
	var found []string
	words(body, language == "sql" || language == "plpgsql", func(word string) bool {
		if slices.Contains(names, word) && !slices.Contains(found, word) {
			found = append(found, word)
		}
		return len(found) < len(names)
	})
	return found
}
