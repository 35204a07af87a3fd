package assess

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

var reservedWord = &Hazard{
	ID: "reserved-word", Group: OfRule, Severity: Warn,
	What:   "a new name is a reserved word of SQL, so that nobody can write it without double quotes",
	Remedy: "choose another name, or see to it that the new app quotes it everywhere",
}

// lookKeywords finds new names that the server's own grammar reserves: the categories of keywords that are no ColId
// (gram.y) can be neither a table nor a column as they stand.
func lookKeywords(ctx context.Context, s *Subject, r *report) error {
	if !s.before() {
		return nil
	}
	var names []string
	for _, n := range s.Migration.Names() {
		names = append(names, n.To)
	}
	rows, err := s.DB.Query(ctx, `
		SELECT word FROM pg_catalog.pg_get_keywords() WHERE word = ANY ($1::pg_catalog.text[]) AND catcode IN ('R', 'T') ORDER BY word`, names)
	if err != nil {
		return fmt.Errorf("cannot read the keywords of the server: %w", err)
	}
	var word string
	_, err = pgx.ForEachRow(rows, []any{&word}, func() error {
		r.add(reservedWord, Object{Name, word}, Finding{
			Message: "it is a reserved word of SQL: whoever uses it has to write it in double quotes",
			Hint:    "choose another name, or see to it that the new app quotes it everywhere",
		})
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot read the keywords of the server: %w", err)
	}
	return nil
}
