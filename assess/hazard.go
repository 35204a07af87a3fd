package assess

import (
	"context"
	"slices"
)

//go:generate go run ../internal/hazardpage ../docs/hazards.md

// Group is what hazards are about.
type Group string

// The groups.
const (
	OfRule    Group = "rule"    // the rule file, and its place among the others
	OfRights  Group = "rights"  // what the role of the upstream URL may do
	OfFollow  Group = "follows" // what depends on a table and follows a rename by itself
	OfBreak   Group = "breaks"  // what depends on names and does not follow
	OfTable   Group = "table"   // what kind of table it is
	OfLocks   Group = "locks"   // who keeps it locked
	OfClients Group = "clients" // who uses it
)

// A Hazard is a kind of trouble.
type Hazard struct {
	ID       string
	Group    Group
	Severity Severity // that its findings have, unless they say otherwise
	What     string   // when it is found and why it matters: Markdown, a phrase without a full stop
	Remedy   string   // what to do about it, likewise

	refusal *refusal // how a transition is refused for it; nil: none is
}

// A check looks for hazards.
type check struct {
	hazards []*Hazard // that it can find, all of one group
	look    func(context.Context, *Subject, *report) error
}

// refuses tells whether the check can find what refuses a transition.
func (c *check) refuses() bool {
	return slices.ContainsFunc(c.hazards, func(h *Hazard) bool { return h.refusal != nil })
}

// registry lists the groups with their checks, in the order in which they are made.
func registry() []struct {
	group  Group
	checks []check
} {
	return []struct {
		group  Group
		checks []check
	}{
		{OfRule, ruleChecks}, {OfRights, rightsChecks}, {OfFollow, followChecks}, {OfBreak, breakChecks},
		{OfTable, tableChecks}, {OfLocks, lockChecks}, {OfClients, clientChecks},
	}
}

// checks lists all of them.
func checks() (all []check) {
	for _, g := range registry() {
		all = append(all, g.checks...)
	}
	return all
}

// Groups lists the groups in the order in which they are looked at.
func Groups() (out []Group) {
	for _, g := range registry() {
		out = append(out, g.group)
	}
	return out
}

// Hazards lists all hazards in the order in which they are looked for.
func Hazards() []*Hazard {
	out := []*Hazard{notServed}
	for _, c := range checks() {
		out = append(out, c.hazards...)
	}
	return out
}
