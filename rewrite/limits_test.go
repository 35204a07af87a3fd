package rewrite

import (
	"errors"
	"strings"
	"testing"

	"github.com/seguedb/segue/rewrite/syntax"
)

// TestNoTextOverrunsTheParser gives the parser, which would end the whole process, texts that are as deep as may be, and
// deeper ones.
func TestNoTextOverrunsTheParser(t *testing.T) {
	t.Parallel()
	long := map[string]func(n int) string{
		"operators": func(n int) string { return "SELECT surname" + strings.Repeat("||surname", n) + " FROM individual" },
		"signs":     func(n int) string { return "SELECT 1" + strings.Repeat(" + 1", n) + " FROM individual" },
		"casts":     func(n int) string { return "SELECT surname" + strings.Repeat("::text", n) + " FROM individual" },
		"IS NULL": func(n int) string {
			return "SELECT surname" + strings.Repeat(" IS NULL = true", n) + " FROM individual"
		},
		"BETWEEN": func(n int) string {
			return "SELECT surname" + strings.Repeat(" BETWEEN 1 AND 2 IS NULL", n) + " FROM individual"
		},
		"COLLATE": func(n int) string { return "SELECT surname" + strings.Repeat(` COLLATE "C"`, n) + " FROM individual" },
		"time zones": func(n int) string {
			return "SELECT surname" + strings.Repeat(" AT TIME ZONE 'UTC'", n) + " FROM individual"
		},
		"joins": func(n int) string { return "SELECT FROM individual" + strings.Repeat(" CROSS JOIN individual", n) },
		"in ON": func(n int) string { return "SELECT FROM individual" + strings.Repeat(" JOIN individual ON true", n) },
		"UNION": func(n int) string {
			return "SELECT surname, id FROM individual" + strings.Repeat(" UNION SELECT surname, id FROM individual", n)
		},
		"TABLE": func(n int) string { return "TABLE individual" + strings.Repeat(" EXCEPT TABLE individual", n) },
		"in brackets": func(n int) string {
			return "SELECT " + strings.Repeat("(", n/100) + "1" + strings.Repeat(strings.Repeat(" + 1", 100)+")", n/100) + " FROM individual"
		},
		"behind brackets": func(n int) string {
			return "SELECT " + strings.Repeat("1 + 1 + 1 + (", n/3) + "1" + strings.Repeat(")", n/3) + " FROM individual"
		},
		"CASE": func(n int) string {
			return "SELECT " + strings.Repeat("CASE WHEN true THEN 1 ELSE ", n) + "1" + strings.Repeat(" END", n) + " FROM individual"
		},
		"arrays": func(n int) string {
			return "SELECT " + strings.Repeat("ARRAY[", n) + "1" + strings.Repeat("]", n) + " FROM individual"
		},
		"NOT": func(n int) string { return "SELECT " + strings.Repeat("NOT ", n) + "true FROM individual" },
		"subqueries": func(n int) string {
			return strings.Repeat("SELECT (", n) + "SELECT surname FROM individual" + strings.Repeat(")", n)
		},
		"in DO": func(n int) string {
			return "DO $$ BEGIN PERFORM 1" + strings.Repeat(" + 1", n) + " FROM individual; END $$"
		},
		"in a string": func(n int) string {
			return "SELECT query_to_xml('SELECT 1" + strings.Repeat(" + 1", n) + " FROM individual', true, true, '')"
		},
		"in a function": func(n int) string {
			return "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1" + strings.Repeat(" + 1", n) + " FROM individual'"
		},
	}
	for name, text := range long {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, n := range []int{7_990, 150_000} {
				_, err := NewBinder(testSnapshot(150000), Options{}).Rewrite(pinned("surname"), text(n))
				if err != nil && !errors.As(err, new(*NeedRelation)) {
					t.Error(err)
				}
			}
		})
	}
}

// TestRowsOfShortExpressionsAreNotDeep has the parser's guard tell long from deep.
func TestRowsOfShortExpressionsAreNotDeep(t *testing.T) {
	t.Parallel()
	const n = 9_000
	for _, name := range []string{"AND", "OR", "IN", "targets", "VALUES", "statements", "WHEN", "CTEs chained", "SET", "EXISTS"} {
		if _, err := syntax.Parse(longTexts[name](n)); err != nil {
			t.Errorf("%d parts with %s are taken for deep", n, name)
		}
	}
}

func TestATextBeyondALimitIsRefusedAsTooComplex(t *testing.T) {
	t.Parallel()
	most := map[string]int{"tokens": 500}
	for name, text := range map[string]string{
		"tokens": longTexts["IN"](300),
		"signs":  "SELECT surname FROM individual WHERE id = 1 " + strings.Repeat("+", 20_000) + " 1",
		"deep":   longTexts["operators"](200_000),
		"copies": "UPDATE individual SET (" + strings.Repeat("surname, ", 1_999) + "surname) = ROW(" + strings.Repeat("'', ", 1_999) + "'')",
	} {
		got := mustRewrite(t, NewBinder(testSnapshot(150000), Options{MaxTokens: most[name]}), pinned("surname"), text)
		f := got.Statements[0].Failure
		if f == nil || f.Code != codeTooComplex || f.Hint == "" {
			t.Errorf("%s: failure %v", name, f)
		}
	}
}
