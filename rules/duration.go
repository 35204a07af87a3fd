package rules

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"
)

const (
	defaultContractAfter = 24 * time.Hour
	maxContractAfter     = 3650 * 24 * time.Hour
	durationHint         = "as in 90m, 24h, 7d, 1d12h or 0s"
)

// days matches what Go's durations have not: a day of 24 hours, in front of the rest.
var days = regexp.MustCompile(`^(\d+(?:\.\d+)?)d(.*)$`)

// parseDuration reads a duration as Go writes it, with days besides. It is at least 0 and less than ten years.
func parseDuration(text string) (time.Duration, error) {
	bad := fmt.Errorf("%q is no duration", text)
	var total float64
	rest := text
	if found := days.FindStringSubmatch(text); found != nil {
		n, err := strconv.ParseFloat(found[1], 64)
		if err != nil {
			return 0, bad
		}
		total, rest = n*float64(24*time.Hour), found[2]
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil {
			return 0, bad
		}
		if d < 0 || (rest != text && (rest[0] == '+' || rest[0] == '-')) {
			return 0, fmt.Errorf("%q is negative", text)
		}
		total += float64(d)
	}
	if total > float64(maxContractAfter) {
		return 0, fmt.Errorf("%q is longer than ten years", text)
	}
	return time.Duration(math.Round(total)).Truncate(time.Microsecond), nil
}
