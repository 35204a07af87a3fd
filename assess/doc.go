// Package assess finds what stands against a migration before anything is done: can data be lost, would users notice, can it
// be taken back, is a lock held for long, does anything stay behind that still speaks the old names?
//
// A [Hazard] is a kind of trouble, with an id, a group, a severity and what to do about it; docs/hazards.md is written from
// the list of them. A [Finding] is one object of the database at hand that has it. Checks look for hazards; each is a line in
// the list of its group, and each group has a file (rule.go, rights.go, …), so that a new hazard is added there and nowhere
// else.
//
// [Look] makes all checks, for people. [Refusing] makes those that can refuse a transition, for whoever makes transitions:
// what stands in the way of one is a question to the same checks.
//
// The package reads the database and changes nothing. What only the instances know about their clients comes in through
// [Fleet].
package assess
