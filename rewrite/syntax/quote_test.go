package syntax

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNamesAreQuotedWherePostgresWould(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	want := map[string]string{
		"surname": `surname`,
		"_x1":     `_x1`,
		"1x":      `"1x"`,
		"":        `""`,
		"Surname": `"Surname"`,
		"größe":   `"größe"`,
		`a"b`:     `"a""b"`,
		"a b":     `"a b"`,
		"a$":      `"a$"`,
		"order":   `"order"`,   // reserved
		"between": `"between"`, // cannot be a function or type name
		"left":    `"left"`,    // can be a function or type name
		"name":    `name`,      // unreserved
	}
	for name := range want {
		got[name] = QuoteIdent(name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
