package wal

import "fmt"

// Kind says what an event is.
type Kind byte

const (
	Insert  Kind = 'I'
	Update  Kind = 'U'
	Delete  Kind = 'D'
	Message Kind = 'M' // words of a writer
)

// An Event is one thing that a committed transaction did.
type Event struct {
	Kind  Kind
	Table string // schema.name of the relation that holds the row: of a partitioned table, the partition
	Old   Image  // nil for Insert
	New   Image  // nil for Delete

	Prefix, Content string // of a Message
}

func (e Event) String() string {
	switch e.Kind {
	case Insert:
		return fmt.Sprintf("INSERT %s: %s", e.Table, e.New)
	case Update:
		return fmt.Sprintf("UPDATE %s: %s → %s", e.Table, e.Old, e.New)
	case Delete:
		return fmt.Sprintf("DELETE %s: %s", e.Table, e.Old)
	}
	return fmt.Sprintf("%s %s", e.Prefix, e.Content)
}

// A Transaction is a committed transaction with what it did and did not take back, in that order.
type Transaction struct {
	XID    uint32
	Events []Event
}
