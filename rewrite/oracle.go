package rewrite

// oracle remembers which statements of a text the server's RowDescription has confirmed.
type oracle struct{}
