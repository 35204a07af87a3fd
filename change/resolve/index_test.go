package resolve

import (
	"strings"
	"testing"
)

// An index that has columns of two changes would end with the columns of either, also where one of them had made it on its new side.
func TestAnIndexWithColumnsOfTwoChangesHasNoCounterpart(t *testing.T) {
	t.Parallel()
	tr := &translation{columns: []string{"id", "cents", "amount", "payer"}, to: map[string]string{"cents": "amount"}, others: []string{"payer"}}
	cents := IndexKey{Column: "cents"}
	for name, tc := range map[string]struct {
		index Index
		want  string
	}{
		"of its own column":                                {Index{Keys: []IndexKey{cents, {Column: "id"}}}, ""},
		"of both":                                          {Index{Keys: []IndexKey{cents, {Column: "payer"}}}, "payer is taken by another operation"},
		"of an expression of the other":                    {Index{Keys: []IndexKey{cents, {Expression: "lower(payer)"}}}, "payer is taken by another operation"},
		"of rows that the other tells":                     {Index{Keys: []IndexKey{cents}, Where: "(payer IS NOT NULL)"}, "payer is taken by another operation"},
		"with the other's column at its side":              {Index{Keys: []IndexKey{cents}, Include: []string{"payer"}}, "payer is taken by another operation"},
		"of an expression of something that is in neither": {Index{Keys: []IndexKey{cents, {Expression: "(id + 1)"}}}, ""},
	} {
		out, why := tr.translate(&tc.index)
		if tc.want == "" && (why != "" || out == nil || out.Keys[0].Column != "amount") || !strings.Contains(why, tc.want) {
			t.Errorf("%s: %+v, %q", name, out, why)
		}
	}
}
