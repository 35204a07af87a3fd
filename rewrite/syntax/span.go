package syntax

// A Span is a range of tokens, from the first to the one after the last.
type Span struct{ From, To int }
