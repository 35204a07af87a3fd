package prepared

import (
	"crypto/sha256"
	"encoding/hex"
)

// A Listed is a statement as pg_prepared_statements lists it.
type Listed struct {
	Name string // in UTF-8
	SQL  bool
	Sum  string // of its text as UTF-8, by SHA-256, in hex
}

// Doubt takes note that something may have been prepared or deallocated that could not be followed.
func (a *Account[M]) Doubt() {
	a.unsure = true
	a.doubts++
}

// Unsure tells whether the server has to be asked what there is under a name. It need not be where the last that was sent about
// the name prepares something, and nothing unseen can have come after it. The unnamed statement is always known.
func (a *Account[M]) Unsure(name []byte) bool {
	if !a.unsure || len(name) == 0 {
		return false
	}
	n := a.name(name)
	return n == nil || n.latest == nil || n.latest.since != a.doubts
}

// Doubtful tells whether there may be statements that are not known.
func (a *Account[M]) Doubtful() bool { return a.unsure }

// Reconcile goes by what the server lists, when nothing is under way. What is not listed is gone. It returns the names of
// what must be asked for, and given to Learn: what is unknown, and what has another text than the account says. decode
// reads a text as UTF-8.
func (a *Account[M]) Reconcile(list []Listed, decode func(Reading, string) (string, bool)) (missing []string) {
	a.unsure = false
	listed := make(map[string]bool, len(list))
	for _, l := range list {
		n, _ := a.inUTF8(l.Name, decode)
		if n == nil || n.confirmed == nil || !n.confirmed.matches(l, decode) {
			missing = append(missing, l.Name)
		}
		if n != nil {
			listed[n.key] = true
		}
	}
	for key, n := range a.named {
		if !listed[key] && n.confirmed != nil && !n.confirmed.Have.Absent {
			a.drop(n)
		}
	}
	return missing
}

// inUTF8 finds the name that is so in UTF-8.
func (a *Account[M]) inUTF8(name string, decode func(Reading, string) (string, bool)) (*Name[M], bool) {
	if n := a.named[name]; n != nil || !Matters(name) {
		return n, n != nil
	}
	for key, n := range a.named {
		if text, ok := decode(a.reading, key); ok && text == name {
			return n, true
		}
	}
	return nil, false
}

// matches tells whether the statement can be the one that is listed.
func (st *Statement[M]) matches(l Listed, decode func(Reading, string) (string, bool)) bool {
	text := st.Have.Text
	switch {
	case st.Have.Absent:
		return true // it is to be prepared anew, whatever is there
	case st.SQL != l.SQL:
		return false
	case st.shown != "":
		text = st.shown
	case text != "":
	case st.Lost:
		return true
	default:
		text = string(st.Text)
	}
	utf8, ok := decode(st.Read, text)
	if !ok {
		return true
	}
	sum := sha256.Sum256([]byte(utf8))
	return hex.EncodeToString(sum[:]) == l.Sum
}

// Learn takes note of a statement that the server has and that was not followed: its text is the client's own. st was made
// by Open or OpenSQL; read says how its text is to be read.
func (a *Account[M]) Learn(st *Statement[M], read Reading) {
	old := st.name.confirmed
	a.prepared(st)
	st.Read = read
	if old != nil && old.known {
		st.known, st.described = true, old.described
	}
}
