package rewrite

// An Edit replaces the bytes [Start, End) of the client's text by New.
type Edit struct {
	Start, End int
	New        string
}
