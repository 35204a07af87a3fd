package change

// A Guard is one of the measures that keep the sides in step.
type Guard string

// The guards. Without one of them a checker of histories finds a row that is marked to be in step and is not, a write that is
// lost, or one that fails without need.
const (
	FirstTrigger   Guard = "first trigger"  // fills the other side before the triggers of others
	LastTrigger    Guard = "last trigger"   // looks at the row after the triggers of others
	FirstInOrder   Guard = "first in order" // the first trigger comes before those of others
	LastInOrder    Guard = "last in order"  // the last trigger comes after those of others
	AlwaysEnabled  Guard = "always enabled" // triggers fire for replication too
	Code           Guard = "code"           // a code says which side an INSERT gave
	CodeCheck      Guard = "check of codes" // no code is ever stored
	FlipTest       Guard = "test of flips"  // who says that both sides are written is not believed
	FlipTurns      Guard = "turn of flips"  // a flip is another value of the marker than the one before
	StepCheck      Guard = "check of being in step"
	ImageCompare   Guard = "comparison of images" // bytes are compared, and not what = says
	Completion     Guard = "completion"           // half a new side written at 0 is completed from the old one
	Finish         Guard = "finish"               // what is written at 0 while completion is proved is filled
	CompleteCheck  Guard = "check of completion"  // no row is left at 0
	ServedCheck    Guard = "check of being in step, of filled rows"
	ForShare       Guard = "for share"           // rows that are looked up cannot change meanwhile
	Followed       Guard = "following"           // what was made from rows that are looked up follows them
	PinnedSettings Guard = "pinned settings"     // what up gives does not depend on the session
	RoundTrip      Guard = "round trip"          // what the old side cannot hold is rejected
	NullFit        Guard = "fit of nulls"        // up and down make no NULL of what is not NULL
	Conflict       Guard = "conflict"            // both sides written and not in step is an error
	Told           Guard = "told"                // who leaves a row for later says so
	Noted          Guard = "what the first left" // what others' triggers changed is told from what the first trigger did
)

// An Option changes how a description is compiled.
type Option func(*Compiled)

// Without leaves guards out. It exists for tests that show that each guard is needed; nothing else may call it.
func Without(guards ...Guard) Option {
	return func(c *Compiled) {
		for _, g := range guards {
			c.without[g] = true
		}
	}
}

// has reports whether a guard is in force.
func (c *Compiled) has(g Guard) bool { return !c.without[g] }
