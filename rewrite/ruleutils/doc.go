// Package ruleutils turns what PostgreSQL has printed of a view, a rule, a policy or a function that it keeps as a tree into what
// it would print if the database had the version's names. It mirrors the choices of ruleutils.c: aliases that tell things
// apart, lists of column aliases that keep a USING right, the AS of output columns, and the schemas that names need.
package ruleutils
