package rules_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/rules"
)

func TestAChangeThatComesInThePlaceOfAnotherHasAKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	c := change.Change{
		Key: "7_1", Table: change.Name{Schema: "public", Name: "orders"}, Old: []change.Column{{Name: "cents", Type: "integer"}},
		New: []change.Column{{Name: "amount", Type: "numeric"}}, Up: change.Map{"amount": "cents"}, Down: change.Map{"cents": "amount::integer"},
	}
	for _, want := range []struct {
		key  string
		left []string
	}{
		{"7_1_2", []string{"_segue_withdrawn_7_1_1", "_segue_mark_7_1"}},
		{"7_1_3", []string{"_segue_withdrawn_7_1_2_1", "_segue_mark_7_1_2", "_segue_withdrawn_7_1_1", "_segue_mark_7_1"}},
	} {
		r, err := rules.NewResolvedChange(c, rules.Filling)
		if err != nil {
			t.Fatal(err)
		}
		c.Key, c.Left = r.Successor()
		if c.Key != want.key || !cmp.Equal(c.Left, want.left) {
			t.Errorf("the key is %s, and what is left %v", c.Key, c.Left)
		}
	}
	r, err := rules.NewResolvedChange(c, rules.Withdrawn)
	if err != nil {
		t.Fatal(err)
	}
	if sql := strings.Join(r.Compiled().PurgeRolledBack(), ";"); !strings.Contains(sql, `"_segue_withdrawn_7_1_1"`) || !strings.Contains(sql, `"_segue_mark_7_1_2"`) {
		t.Errorf("purge leaves something: %s", sql)
	}
}
