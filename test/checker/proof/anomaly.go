package proof

import (
	"fmt"
	"strings"
)

// Kind of an anomaly: which promise was broken.
type Kind string

const (
	NotInStep      Kind = "not in step"
	PutGet         Kind = "what was written is not what is there"
	GetPut         Kind = "saving what was read has changed something"
	SilentChange   Kind = "a value has changed without a statement that says so"
	WrongMarker    Kind = "the marker is wrong"
	NotReversible  Kind = "a value was kept that the other side cannot hold"
	LostWrite      Kind = "an acknowledged write is not there"
	UndoneWrite    Kind = "a write is there that was rolled back"
	NeverWritten   Kind = "a value was read that nobody wrote"
	StaleRead      Kind = "an old value was read"
	WrongError     Kind = "a statement failed that must not fail"
	LeftOut        Kind = "a row is overlooked that was left for later"
	Stuck          Kind = "a transition cannot be done"
	WrongStructure Kind = "the history cannot be understood"
)

// An Anomaly is a promise that was not kept.
type Anomaly struct {
	Kind    Kind
	Rule    string
	Row     string // the row's key, if it is about one
	What    string
	History []string // what happened to the row up to then, oldest first
}

func (a Anomaly) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s: %s", a.Kind, a.Rule, a.Row, a.What)
	for _, line := range a.History {
		b.WriteString("\n    ")
		b.WriteString(line)
	}
	return b.String()
}

// Samples are the first anomaly of each kind and rule. One fault makes many.
func Samples(all []Anomaly) []Anomaly {
	type class struct {
		kind Kind
		rule string
		what string
	}
	var out []Anomaly
	seen := map[class]bool{}
	for _, a := range all {
		c := class{kind: a.Kind, rule: a.Rule}
		if a.Kind == WrongError {
			c.what, _, _ = strings.Cut(a.What, " ") // the SQLSTATE
		}
		if !seen[c] {
			seen[c] = true
			out = append(out, a)
		}
	}
	return out
}
