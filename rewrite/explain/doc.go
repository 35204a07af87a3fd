// Package explain puts the output of EXPLAIN, in each of its formats, into the names of a version. It mirrors explain.c and how
// ruleutils.c prints names in plans; what cannot be told for sure stays as the server has printed it.
package explain
