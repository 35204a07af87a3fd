// Package rules holds what is to change and what follows from it: rule files, migrations and their phases, the lens of
// each schema version, the immutable Snapshot that the rest of the program works from, and the store in schema segue.
package rules
