package assess

import (
	"slices"

	"github.com/seguedb/segue/rules"
)

// lacks is how a cutover is refused while the new side of a change lacks what the old one has.
var lacks = &refusal{
	each:        true,
	says:        func([]Finding) string { return "the new columns lack what the old ones have" },
	override:    "accept a difference by the name of the object, in accept_differences, or waive it in the rule file",
	overrideCLI: "accept a difference by the name of the object: segue cutover {id} --accept-difference NAME; or waive it in the rule file",
}

// looksForDifferences reports whether somebody asks for what a difference between the sides stands against, or for everything.
func (s *Subject) looksForDifferences() bool { return s.To == "" || s.To == rules.Cutover }

// differs takes a finding of what the old side of a change has and the new one does not. Until cutover it stands against that, but
// where the rule file waives it or the request accepts it.
func (s *Subject) differs(r *report, h *Hazard, about Object, f Finding) {
	accepted := slices.ContainsFunc(s.Accept.Differences, func(name string) bool { return name == about.Name || name == about.String() })
	waived := slices.ContainsFunc(s.Migration.Waive, func(w rules.Waiver) bool { return w.ID == h.ID && (w.Object == "" || w.Object == about.String()) })
	if !accepted && !waived && s.before() {
		f.Severity, f.Blocks = Block, []rules.Phase{rules.Cutover}
	}
	f.line = about.String() + ": " + f.Message
	r.add(h, about, f)
}
