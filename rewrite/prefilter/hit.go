package prefilter

// A Hit says what the prefilter found in a text.
type Hit byte

// The hits. Hits are conservative: a text with Miss cannot concern a table under migration.
const (
	Miss       Hit = iota // forward it byte for byte
	StateWords            // forward it; afterwards the session's state is to be read again before it is used
	Names                 // give it to Rewrite
)
