package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
)

// errSlower says that something has become slower.
var errSlower = errors.New("something has become slower")

// tolerated is by which share a ratio may differ from an earlier run's before that counts.
const tolerated = 0.05

// read reads a result.json.
func read(file string) (*result, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r := new(result)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(r.Cells) == 0 {
		return nil, fmt.Errorf("%s: nothing was measured", file)
	}
	return r, nil
}

// slowerThan lists where a proxy of ours is further behind the reference than in an earlier run. Ratios are compared, so that it may have
// been another machine. It counts where the quartiles of the two do not meet, and the medians are further apart than is
// tolerated. What was not measured in both is not compared.
func (r *result) slowerThan(before *result) []string {
	var out []string
	for _, c := range r.Cells {
		i := slices.IndexFunc(before.Cells, func(o *cell) bool { return o.combination == c.combination })
		if i < 0 {
			continue
		}
		for _, side := range r.Sides {
			if side == referenceOf(side) {
				continue
			}
			for _, of := range []struct {
				name string
				of   func(measurement) float64
				more bool // is better
			}{{"throughput", tps, true}, {"p99", p99, false}} {
				now, ok := c.against(side, of.of)
				was, known := before.Cells[i].against(side, of.of)
				if !ok || !known {
					continue
				}
				worse := now.low > was.high && now.median > was.median*(1+tolerated)
				if of.more {
					worse = now.high < was.low && now.median < was.median*(1-tolerated)
				}
				if worse {
					out = append(out, fmt.Sprintf("%s, %s, %s: %s, was %s", c, side, of.name, now, was))
				}
			}
		}
	}
	return out
}
