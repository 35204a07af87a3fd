package assess

import (
	"context"
	"fmt"
	"regexp"

	"github.com/jackc/pgx/v5"
)

var dynamicSQL = &Hazard{
	ID: "dynamic-sql", Group: OfBreak, Severity: Warn,
	What: "a function in PL/pgSQL runs SQL whose text it computes, and has none of the names itself: whether it will name what goes cannot be told from its body. " +
		"Found by a scan of its words",
	Remedy: "look at where its names come from; waive it by its object when it is harmless",
}

// lookDynamic finds functions that may name anything. Those that have the names are found as functionBody.
func lookDynamic(ctx context.Context, s *Subject, r *report) error {
	gone := s.namesGone()
	if len(gone) == 0 {
		return nil
	}
	rows, err := s.DB.Query(ctx, fmt.Sprintf(`
		SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, p.oid::pg_catalog.regprocedure::pg_catalog.text, p.prosrc
		FROM pg_catalog.pg_proc p
		JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
		JOIN pg_catalog.pg_language l ON l.oid = p.prolang
		WHERE l.lanname = 'plpgsql' AND p.prosrc ~* 'execute' AND %s
		ORDER BY 2`, fmt.Sprintf(ofUsers, "pg_proc", "p")))
	if err != nil {
		return fmt.Errorf("cannot read the bodies of functions: %w", err)
	}
	var about Object
	var body string
	_, err = pgx.ForEachRow(rows, []any{&about.Kind, &about.Name, &body}, func() error {
		if computesSQL(body) && len(namedIn(body, "plpgsql", gone)) == 0 {
			r.add(dynamicSQL, about, Finding{
				Message: "it runs SQL whose text it computes: whether that names what will be gone cannot be told",
				Hint: "look at where its names come from; it runs with the names of the database. A rule file accepts it by " +
					fmt.Sprintf("waive: [{ id: dynamic-sql, object: %q, reason: \"...\" }]", about.String()),
			})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read the bodies of functions: %w", err)
	}
	return nil
}

// executes finds the word EXECUTE, with a word behind it that makes it another one; executesText finds a string that is all
// that is executed.
var (
	executes     = regexp.MustCompile(`(?i)\bexecute\s+(?:on\b|function\b|procedure\b)?`)
	executesNot  = regexp.MustCompile(`(?i)(?:on|function|procedure)$`)
	executesText = regexp.MustCompile(`(?is)^'(?:[^']|'')*'\s*(?:;|using\b|into\b|loop\b)`)
)

// computesSQL tells whether a body has an EXECUTE that is not of a constant alone. Rights and triggers have the word too, and
// are passed over.
func computesSQL(body string) bool {
	for _, at := range executes.FindAllStringIndex(body, -1) {
		word, rest := body[at[0]:at[1]], body[at[1]:]
		if !executesNot.MatchString(word) && !executesText.MatchString(rest) {
			return true
		}
	}
	return false
}
