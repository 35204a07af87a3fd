// Package prefilter finds out, in one pass over the bytes and without allocating, whether a text can matter at all: whether it
// has a name by which a table under migration could be seen, or a word that changes what later texts mean.
package prefilter
