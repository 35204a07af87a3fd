package proxy

import (
	"bytes"
	"hash/maphash"
)

// A result is what the server has said of a statement's result at first. A client may go by that for as long as it has the
// statement, so that PostgreSQL lets no later result differ (RevalidateCachedQuery, plancache.c). A statement that was
// prepared anew is another one for the server; then it is for us to look.
type result struct {
	known   bool
	hash    uint64 // of labels, types and type modifiers; 0: there are no columns
	differs bool   // the statement was prepared anew, and its result is another
}

var resultSeed = maphash.MakeSeed()

// shows takes note of the body of a RowDescription, or of NoData if it is empty; again says that the statement was
// prepared anew before.
func (r *result) shows(body []byte, again bool) {
	if r.known && !again {
		return
	}
	hash := uint64(0)
	if len(body) > 2 {
		hash = hashResult(body[2:])
	}
	if r.known {
		r.differs = hash != r.hash
		return
	}
	r.known, r.hash = true, hash
}

// hashResult hashes the columns of a RowDescription: each is a label that ends in a zero byte, and then the table and the
// number of its column, the type, its size, its modifier and the format.
func hashResult(columns []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(resultSeed)
	for len(columns) > 0 {
		end := bytes.IndexByte(columns, 0) + 1
		if end == 0 || len(columns) < end+18 {
			break
		}
		h.Write(columns[:end])
		h.Write(columns[end+6 : end+10])
		h.Write(columns[end+12 : end+16])
		columns = columns[end+18:]
	}
	return h.Sum64()
}
