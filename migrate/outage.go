package migrate

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// An Outage is why an instance holds every statement on a table under migration although no gate is closed. It is the
// one reason that is given everywhere: to the clients that are held, by the API and its probes, and in the log. It is
// immutable.
type Outage struct {
	Kind      OutageKind `json:"kind"`
	Reason    string     `json:"reason"`              // a clause: "migration … cannot be served: …"
	Migration string     `json:"migration,omitempty"` // that the database contradicts
	Since     time.Time  `json:"since"`               // by the instance's clock
	Mend      []string   `json:"mend,omitempty"`      // statements that end it, in order, as far as they are known
}

// OutageKind tells causes apart.
type OutageKind string

// The causes of an outage.
const (
	WrongNames OutageKind = "names"          // the database was changed around the instances: all of them hold
	OutOfTouch OutageKind = "control_tables" // this instance does not know what is in force: others may
)

// Error implements error.
func (o *Outage) Error() string { return o.Reason }

// Hint says what to do about it. It is for clients too.
func (o *Outage) Hint() string {
	switch {
	case o.Kind == OutOfTouch:
		return "It names a table under migration. Try again later, or connect to another instance."
	case len(o.Mend) == 0 && o.Migration != "":
		return fmt.Sprintf("The database was changed around Segue. An operator gives the table back the names that \"segue show %s\" tells.", o.Migration)
	case len(o.Mend) == 0:
		return `The database was changed around Segue. An operator gives the tables back the names that "segue list" and "segue show ID" tell.`
	}
	return "The database was changed around Segue. An operator mends it with: " + strings.Join(o.Mend, "; ")
}

// wrongNames makes an outage of the error of building a snapshot. before is the last one that could be served, or nil.
func wrongNames(err error, migrations []*rules.Migration, cat *catalog.Catalog, before *rules.Snapshot) *Outage {
	o := &Outage{Kind: WrongNames, Reason: fmt.Sprintf("the stored migrations cannot be served: %v", err), Since: time.Now()}
	if wrong, ok := errors.AsType[*rules.MismatchError](err); ok {
		o.Migration, o.Mend = wrong.Migration, rules.Mend(migrations, cat, before)
		o.Reason = fmt.Sprintf("migration %q, which is %s, cannot be served: %v", wrong.Migration, wrong.Phase, wrong.Err)
	}
	return o
}

// equal tells whether two outages are the same one, seen twice. To be out of touch is one, however it is noticed.
func (o *Outage) equal(other *Outage) bool {
	if o != nil && other != nil && o.Kind == OutOfTouch && other.Kind == OutOfTouch {
		return true
	}
	return o != nil && other != nil && o.Kind == other.Kind && o.Reason == other.Reason && strings.Join(o.Mend, "\n") == strings.Join(other.Mend, "\n")
}

// refusal is the answer to what is asked for meanwhile: a transition, or that a file be stored.
func (o *Outage) refusal(kind, id string) *ConflictError {
	return &ConflictError{
		Message: fmt.Sprintf("%s of %q is refused: %s", kind, id, o.Reason),
		Hint:    "the database was changed around Segue: give it the names back, and ask again",
		Mend:    o.Mend,
	}
}

// Outage is why the statements on tables under migration are held; nil while they are served.
func (i *Instance) Outage() *Outage { return i.outage.Load() }

// outageOf is the outage as far as it is one of a migration in that phase.
func (i *Instance) outageOf(p rules.Phase) *Outage {
	if !p.Live() {
		return nil
	}
	return i.Outage()
}

// unservable is why the stored migrations cannot be served with the names that the database has at this moment, which an
// instance may not have noticed yet; nil when they can.
func (i *Instance) unservable(all []*rules.Migration, cat *catalog.Catalog) (*Outage, error) {
	_, err := rules.Build(0, all, cat)
	if _, ok := errors.AsType[*rules.MismatchError](err); ok {
		return wrongNames(err, all, cat, i.lastSnapshot()), nil
	}
	return nil, err
}

// lastSnapshot is the last one that was served, or nil.
func (i *Instance) lastSnapshot() *rules.Snapshot {
	if snap := i.snapshot.Load(); snap != nil && snap.Live() {
		return snap
	}
	return nil
}
