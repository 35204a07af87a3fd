// Package bench measures what Segue costs: the rewriter by itself, and a statement's way through the proxy beside the
// same statement sent to the server directly. Figures of one run are to be compared with each other, and not with those
// of another machine or hour.
//
//	go test -run '^$' -bench . -benchmem ./bench
//
// Command versus, in its own folder, measures beside PgBouncer and a proxy that only passes bytes on.
package bench
