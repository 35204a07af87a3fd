package assess

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seguedb/segue/catalog"
)

// A refusal is how the findings of a hazard are told to whoever asks for a transition.
type refusal struct {
	says        func([]Finding) string // why it is refused, in one clause
	each        bool                   // every finding is told with what to do about it
	override    string                 // what accepts them all the same
	overrideCLI string                 // the same in commands and flags; {id} is that of the migration
}

// A Refusal is why a transition is refused.
type Refusal struct {
	Why      string    // in one clause
	Missing  []string  // one by one
	Blockers []Blocker // who is in the way
	Hint     string
	HintCLI  string
	Mend     []string // statements that take the causes away
}

// Refuse tells findings of Refusing as the refusal of a transition of that migration.
func Refuse(id string, found []Finding) Refusal {
	var out Refusal
	var why, hints, overrides, overridesCLI []string
	for _, h := range Hazards() {
		of := slices.DeleteFunc(slices.Clone(found), func(f Finding) bool { return f.ID != h.ID })
		if len(of) == 0 || h.refusal == nil {
			continue
		}
		why = once(why, h.refusal.says(of))
		for _, f := range of {
			out.Blockers = append(out.Blockers, f.Sessions...)
			out.Mend = append(out.Mend, f.Mend...)
			switch {
			case !h.refusal.each:
				out.Missing, hints = append(out.Missing, f.told()), once(hints, f.Hint)
			case f.Hint != "":
				out.Missing = append(out.Missing, f.told()+": "+f.Hint)
			case len(f.Sessions) == 0: // sessions are told by themselves
				out.Missing = append(out.Missing, f.told())
			}
		}
		overrides, overridesCLI = once(overrides, h.refusal.override), once(overridesCLI, h.refusal.overrideCLI)
	}
	out.Why = strings.Join(why, "; ")
	out.Hint, out.HintCLI = strings.Join(slices.Concat(hints, overrides), "; "), strings.ReplaceAll(strings.Join(slices.Concat(hints, overridesCLI), "; "), "{id}", id)
	if out.Hint == out.HintCLI {
		out.HintCLI = ""
	}
	return out
}

// told is the finding in a list of what refuses a transition.
func (f *Finding) told() string {
	if f.line != "" {
		return f.line
	}
	return f.Message
}

// once adds a text that is not there yet.
func once(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// plural is the number with the word for one or for any other number.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func number(pid uint32) string { return strconv.FormatUint(uint64(pid), 10) }

func numbers(tables []catalog.OID) []uint32 {
	out := make([]uint32, len(tables))
	for i, oid := range tables {
		out[i] = uint32(oid)
	}
	return out
}
