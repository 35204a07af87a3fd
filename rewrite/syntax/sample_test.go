package syntax

import "testing"

func TestWithoutLiteralsShowsNothingThatIsNotCertain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ sql, want string }{
		"a password":                          {"alter role a password 'secret' valid until '2027-01-01'", "alter role a password $1 valid until $2"},
		"what is no SQL":                      {"<insufficient privilege>", "<insufficient privilege>"},
		"comments go":                         {"SELECT /* secret */ 1 -- secret", "SELECT $1"},
		"cut off in a string":                 {"SELECT a FROM t WHERE b = 'secr", ""},
		"cut off in a string of dollars":      {"DO $x$ BEGIN PERFORM 'secret'", ""},
		"cut off in a comment":                {"SELECT 1 /* secr", ""},
		"cut off in a quoted name":            {`SELECT "secr`, ""},
		"a string that may end in two places": {`SELECT 'a\', secret, 'b'`, ""},
		"not UTF-8":                           {"SELECT '\xe9\xe9' secret", ""},
		"other backslashes":                   {`SELECT a ~ '\d+', E'\n'`, "SELECT a ~ $1, $2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := WithoutLiterals(tc.sql); got != tc.want {
				t.Errorf("WithoutLiterals = %q, want %q", got, tc.want)
			}
		})
	}
}
