package resolve_test

import (
	"context"
	"testing"

	"github.com/seguedb/segue/change/resolve"
	"github.com/seguedb/segue/internal/pgtest"
)

func TestWhetherAnExpressionIsNullExactlyWhereItsColumnIs(t *testing.T) {
	t.Parallel()
	url := database(t)
	for up, want := range map[string]bool{
		"a": true, "a::numeric / 100.0": true, "(a || 'x')::text": true, "upper(left(a::text, 3)) || 'x'": true, "round(a::numeric * 2)": true, "-a::bigint": true,
		"nullif(a::text, '')": false, "coalesce(a, '0')": false, "substring(a from 'x.*')": false, "scale(a::numeric)": false, "a || NULL": false,
		"CASE WHEN a = 'x' THEN 'y' END": false, "concat(a, 'x')": false, "(a::json) ->> 'x'": false, "lower(a::int4range)::text": false, "twice(a::int)": false,
		"(string_to_array(a, ','))[1]": false,
	} {
		t.Run(up, func(t *testing.T) {
			t.Parallel()
			c, err := resolve.Expressions(context.Background(), pgtest.Connect(t, url), column("text", "text", "("+up+")::text", "b"))
			if err != nil {
				t.Fatal(err)
			}
			if c.UpKeepsNull != want || !c.DownKeepsNull {
				t.Errorf("up: %v, down: %v; want %v, true", c.UpKeepsNull, c.DownKeepsNull, want)
			}
		})
	}
}
