package main

import "regexp"

// What differs between two runs of the same server without any proxy.
var perRun = []struct {
	pattern *regexp.Regexp
	reason  string
}{
	{regexp.MustCompile(`(?m)^.*(actual time|Buffers:|Planning Time|Execution Time).*$`), "timings"},
	{regexp.MustCompile(`0x[0-9a-f]{6,}|pg_toast_\d+|pg_temp_\d+`), "addresses and numbers handed out by the server"},
}

// normal is an output without what changes from run to run.
func normal(s string) string {
	for _, p := range perRun {
		s = p.pattern.ReplaceAllString(s, "~")
	}
	return s
}
