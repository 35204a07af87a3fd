package rewrite

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestASampleHasNoLiterals(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ sql, want string }{
		"strings and numbers":          {"SELECT 'secret', 1.5, 42 FROM t", "SELECT $1, $2, $3 FROM t"},
		"every kind of string":         {`SELECT E'a\'b', N'x', B'01', X'1f', $$ y $$, $t$z$t$, U&'\0061'`, "SELECT $1, N$2, $3, $4, $5, $6, $7"},
		"parameters are kept":          {"SELECT $2, 'x', $1", "SELECT $2, $3, $1"},
		"comments are dropped":         {"SELECT /* secret */ a -- secret\nFROM t", "SELECT a FROM t"},
		"white space becomes one":      {"SELECT\n\t a", "SELECT a"},
		"a continued string":           {"SELECT 'a'\n'b'", "SELECT $1"},
		"nothing where it has no end":  {"SELECT 'secret", ""},
		"a value that was refused too": {"SELECT puzzle FROM individual WHERE a = 'x'", "SELECT puzzle FROM individual WHERE a = $1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := mustRewrite(t, plainBinder(), pinned("surname"), tc.sql)
			for range 2 {
				if got := text.Sample(); got != tc.want {
					t.Errorf("Sample = %q, want %q", got, tc.want)
				}
			}
		})
	}
	t.Run("a long text is cut at a character", func(t *testing.T) {
		t.Parallel()
		text := &Text{Client: "SELECT " + strings.Repeat("éé ", 1000)}
		if got := text.Sample(); len(got) > 1024 || len(got) < 1000 || !utf8.ValidString(got) {
			t.Errorf("%d bytes, valid: %v", len(got), utf8.ValidString(got))
		}
	})
}
