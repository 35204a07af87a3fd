package proof

import (
	"slices"
	"strings"

	"github.com/seguedb/segue/test/checker/wal"
)

// A Side is one of the two shapes of what is changed.
type Side int

const (
	Old Side = iota
	New
)

// Other is the other side.
func (s Side) Other() Side { return 1 - s }

func (s Side) String() string { return [...]string{"old", "new"}[s] }

// A Tuple holds the values of the columns of a side, in the order of the rule. A nil Tuple is no row.
type Tuple []wal.Value

// Equal reports whether both tuples hold the same values, NULLs being the same.
func (t Tuple) Equal(u Tuple) bool { return (t == nil) == (u == nil) && slices.Equal(t, u) }

func (t Tuple) String() string {
	if t == nil {
		return "no row"
	}
	parts := make([]string, len(t))
	for i, v := range t {
		parts[i] = v.String()
		if v.Set {
			parts[i] = "'" + v.Text + "'"
		}
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// A Rule says how the two sides of a table belong together, in terms that owe nothing to what is checked.
type Rule struct {
	Name    string
	Columns [2][]string // by side, as its version calls them

	// Derive makes the other side of a tuple. It is false where there is none: the other side cannot hold it.
	Derive func(from Side, t Tuple, rows Rows) (Tuple, bool)
	// Assigned is what the user's own triggers make of a side that was written or derived; nil if there are none.
	Assigned func(side Side, t Tuple) Tuple
	// Lossy rules let the new side hold what its own detour over the old side would not bring back.
	Lossy bool
	// Reads is the table, as schema.name, that Derive looks into, if any.
	Reads string
	// Excuses reports of an operation that the server has rejected whether that is no anomaly; nil: it always is one, but for what
	// every client must be prepared for.
	Excuses func(*Op) bool
}

// Rows gives the rows of the tables as they are at one point of the replay.
type Rows interface {
	// Find returns the row of a table, as schema.name, in which a column has that value; nil if there is none.
	Find(table, column string, v wal.Value) wal.Image
}

// A Lens says where the sides of a rule are in the database. Transitions write it into the log, in the transaction that makes it
// true, with the prefix LensPrefix and as JSON.
type Lens struct {
	Rule    string
	Tables  []string    // as schema.name; the partitions of a partitioned table
	Columns [2][]string // physical names, in the order of the rule; none: the side does not exist
	Marker  string      // physical name; empty: the sides are not kept in step
	Defers  bool        // a row stays unmarked whose new side cannot be made; while that is not so, no row may be
}

// Prefixes of what is said in the log.
const (
	OpPrefix   = "op"   // the number of the operation that the following writes belong to; 0: none
	LensPrefix = "lens" // a Lens
)

// Columns that every table has.
const (
	KeyColumn = "id"  // identifies the row
	TagColumn = "tag" // the number of the operation that wrote the row last, set by every operation
)
