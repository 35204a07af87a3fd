package rewrite

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRangesHoldAllOIDsAndLeaveOutTheWidestGaps(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		oids []int64
		want oidRanges
	}{
		"none":              {nil, nil},
		"one":               {[]int64{20_000}, oidRanges{{20_000, 20_000}}},
		"near each other":   {[]int64{20_010, 20_000, 20_250}, oidRanges{{20_000, 20_250}}},
		"in two places":     {[]int64{20_000, 30_000, 30_010}, oidRanges{{20_000, 20_000}, {30_000, 30_010}}},
		"in too many":       {[]int64{20_000, 30_000, 40_001, 50_000, 50_500}, oidRanges{{20_000, 20_000}, {30_000, 30_000}, {40_001, 40_001}, {50_000, 50_500}}},
		"beyond two to 31":  {[]int64{20_000, 4_294_000_000}, oidRanges{{20_000, 20_000}, {4_294_000_000, 4_294_000_000}}},
		"of different size": {[]int64{9_000, 10_000}, oidRanges{{9_000, 9_000}, {10_000, 10_000}}},
	} {
		o := object{}
		for _, oid := range tc.oids {
			o[number(oid)] = true
		}
		got := newOIDRanges(o)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if sql := (oidRanges{{1, 2}, {5, 7}}).sql("t.oid"); strings.Count(sql, "t.oid") != 4 || !strings.Contains(sql, " OR ") {
		t.Errorf("the condition is %s", sql)
	}
}
