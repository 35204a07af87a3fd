package migrate

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
	"github.com/seguedb/segue/store"
)

// namesGone lists the names that no table and no column of the migration's tables has any more after its DDL.
func namesGone(m *rules.Migration, d rules.Direction) []string {
	type name struct {
		column bool
		name   string
	}
	var from, to []name
	for _, n := range m.Names() {
		from, to = append(from, name{n.Column, n.From}), append(to, name{n.Column, n.To})
	}
	if d == rules.Backward {
		from, to = to, from
	}
	var gone []string
	for _, n := range from {
		if !slices.Contains(to, n) && !slices.Contains(gone, n.name) {
			gone = append(gone, n.name)
		}
	}
	return gone
}

// bodies lists the functions, procedures and trigger functions whose body is kept as text and names what will be gone after
// the DDL: a rename does not follow into them. Bodies that PostgreSQL keeps parsed (BEGIN ATOMIC) follow by themselves.
// Members of extensions are left out: they were written before the tables were.
//
// A body that has none of the names as a word is passed over. Any other is bound, as far as it can be read.
func bodies(ctx context.Context, db store.DB, m *rules.Migration, d rules.Direction) ([]brokenBody, error) {
	names := namesGone(m, d)
	list, err := writtenBodies(ctx, db, names)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	cat, err := catalog.Load(ctx, db)
	if err != nil {
		return nil, err
	}
	after, mismatch := rules.Renaming(m, d, cat)
	var found []brokenBody
	for _, b := range list {
		loss := rewrite.Loss{Unread: "is judged by its words, because " + fmt.Sprint(mismatch)}
		if mismatch == nil {
			if loss, err = b.loses(ctx, db, after, names); err != nil {
				return nil, err
			}
		}
		switch {
		case len(loss.Names) > 0:
			found = append(found, brokenBody{b.what + " names " + strings.Join(loss.Names, ", "), b.trigger})
		case loss.Unread != "":
			found = append(found, brokenBody{b.what + " names " + strings.Join(b.words, ", ") + " (by its words alone: it " + loss.Unread + ")", b.trigger})
		}
	}
	return found, nil
}

// A brokenBody is a body that a rename would break, in words.
type brokenBody struct {
	what    string // function f() names a, b
	trigger bool   // it is a trigger's function
}

// A writtenBody is a function with a body that has some of the names as words.
type writtenBody struct {
	oid     uint32
	what    string // it is, with its signature
	trigger bool   // it is a trigger's function
	words   []string
}

// writtenBodies finds the functions with such bodies.
func writtenBodies(ctx context.Context, db store.DB, names []string) (found []writtenBody, err error) {
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
			what := "function "
			if kind == "p" {
				what = "procedure "
			}
			found = append(found, writtenBody{oid, what + signature, trigger, named})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the bodies of functions: %w", err)
	}
	return found, nil
}

// loses binds the body. A function that is dropped meanwhile loses nothing.
func (b *writtenBody) loses(ctx context.Context, db store.DB, after *rules.Snapshot, names []string) (rewrite.Loss, error) {
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
		return rewrite.Loss{}, fmt.Errorf("cannot read the body of %s: %w", b.what, err)
	}
	for _, oid := range tables {
		f.Tables = append(f.Tables, catalog.OID(oid))
	}
	return rewrite.Loses(after, &f, names), nil
}

// arguments lists the triggers that have one of the names in an argument: it is kept as text too, and functions such as
// tsvector_update_trigger take it for the name of a column. A body in PL/pgSQL without TG_ARGV does not look at it.
func arguments(ctx context.Context, db store.DB, names []string) ([]string, error) {
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
	var found []string
	var trigger, table, args string
	_, err = pgx.ForEachRow(rows, []any{&trigger, &table, &args}, func() error {
		if named := namedIn(strings.ReplaceAll(args, `\000`, " "), "", names); len(named) > 0 {
			found = append(found, "trigger "+trigger+" on "+table+" has the argument "+strings.Join(named, ", "))
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

// hintBodies is what to do about functions whose body is stored as text; and about those of triggers, and triggers'
// arguments. Only what fits what was found is said.
const (
	hintBodies = "the body is stored as text and would break: drop the function, or write it with BEGIN ATOMIC, which follows a rename"

	hintTriggerBodies = "the body of the trigger's function is stored as text and would break: make the function again through Segue, in the version " +
		"whose names the database does not have, which stores it for either (docs/how-a-rename-works.md)"

	hintArguments = "a trigger's argument is stored as text: drop the trigger, and make it again afterwards"

	hintForceBodies = "or override with force and a reason"
	hintForceCLI    = `or override with --force --reason "..."`
)

// hintOf is what to do about one body.
func (b brokenBody) hintOf() string {
	if b.trigger {
		return hintTriggerBodies
	}
	return hintBodies
}

// hintsOf is what to do about all of them, each said once.
func hintsOf(found []brokenBody, arguments bool) string {
	var hints []string
	for _, b := range found {
		if h := b.hintOf(); !slices.Contains(hints, h) {
			hints = append(hints, h)
		}
	}
	if arguments {
		hints = append(hints, hintArguments)
	}
	return strings.Join(hints, "; ")
}

// bodiesConflict refuses DDL under which a function would break; nil when there is none, or it is forced.
func bodiesConflict(ctx context.Context, db store.DB, m *rules.Migration, to rules.Phase, r Request) error {
	d := rules.Forward
	if to != rules.Cutover {
		d = rules.Backward
	}
	gone := namesGone(m, d)
	found, err := bodies(ctx, db, m, d)
	if err != nil {
		return err
	}
	triggers, err := arguments(ctx, db, gone)
	if err != nil || len(found)+len(triggers) == 0 || r.Force {
		return err
	}
	hint := hintsOf(found, len(triggers) > 0)
	e := &ConflictError{
		Message: fmt.Sprintf("%s of %q is refused: %s what will be gone", r.Kind, m.ID, plural(len(found)+len(triggers), "stored body names", "stored bodies name")),
		Hint:    hint + "; " + hintForceBodies, HintCLI: hint + "; " + hintForceCLI,
	}
	for _, b := range found {
		e.Missing = append(e.Missing, b.what)
	}
	e.Missing = append(e.Missing, triggers...)
	return e
}
