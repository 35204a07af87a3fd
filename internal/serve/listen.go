package serve

import (
	"errors"
	"fmt"
	"syscall"
)

// A listenError is that an address cannot be had.
type listenError struct {
	what    string // for clients
	flag    string // that gives another one
	address string
	err     error
}

func (e *listenError) Error() string { return fmt.Sprintf("cannot listen %s: %v", e.what, e.err) }
func (e *listenError) Unwrap() error { return e.err }

// Hint is what to do about it.
func (e *listenError) Hint() string {
	if errors.Is(e.err, syscall.EADDRINUSE) {
		return fmt.Sprintf("another process, perhaps another segue, has %s; give another address with %s", e.address, e.flag)
	}
	return "give another address with " + e.flag
}
