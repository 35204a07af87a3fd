package rewrite_test

import (
	"regexp"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// Names of tables, columns, aliases and labels are all drawn from here, so that they meet each other: in several tables,
// in several schemas, of a table and of a column. Simple ones come first, since rapid shrinks towards the first.
var anyNames = []string{
	"person", "surname", "individual", "last_name", "id", "city", "a", "b",
	"Qty", "order", "LineItem", "user", "größe", "名前", "a b", `say "hi"`, "x.y", "count", "value", "excluded", "name", "_", "key", "Person",
	"a_name_that_is_as_long_as_postgresql_lets_any_name_be_in_tables",
}

var plainName = regexp.MustCompile(`^[a-zß-ÿ_\x{4e00}-\x{9fff}][a-zß-ÿ0-9_\x{4e00}-\x{9fff}]*$`)

// quoted writes a name as SQL needs it.
func quoted(name string) string {
	if plainName.MatchString(name) && name != "order" && name != "user" {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// drawName takes a name that is not among those used, and adds it to them.
func drawName(t *rapid.T, used *[]string) string {
	left := slices.DeleteFunc(slices.Clone(anyNames), func(n string) bool {
		return slices.Contains(*used, n)
	})
	name := rapid.SampledFrom(left).Draw(t, "name")
	*used = append(*used, name)
	return name
}

// chance is true in so many of a hundred draws, and false when rapid shrinks.
func chance(t *rapid.T, percent int) bool {
	return rapid.IntRange(0, 99).Draw(t, "chance") >= 100-percent
}

// oneOf draws one of the values; rapid shrinks towards the first.
func oneOf[T any](t *rapid.T, values ...T) T { return rapid.SampledFrom(values).Draw(t, "one") }

// upTo draws a number from min to max.
func upTo(t *rapid.T, min, max int) int { return rapid.IntRange(min, max).Draw(t, "number") }
