package migrate

import (
	"strings"
	"testing"
)

func TestTheHintOfAnOutageNamesCommandsThatExist(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		outage Outage
		want   string
	}{
		{Outage{Kind: WrongNames, Migration: "town"}, "segue show town"},
		{Outage{Kind: WrongNames}, "segue list"},
		{Outage{Kind: WrongNames, Migration: "town", Mend: []string{"ALTER TABLE a RENAME TO b"}}, "ALTER TABLE a RENAME TO b"},
		{Outage{Kind: OutOfTouch}, "another instance"},
	} {
		if got := tc.outage.Hint(); !strings.Contains(got, tc.want) {
			t.Errorf("the hint of %+v is %q, want %q in it", tc.outage, got, tc.want)
		}
	}
}
