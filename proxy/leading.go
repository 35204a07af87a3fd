package proxy

import "bytes"

// A control says what a single statement does to the transaction block, by its first word.
type control byte

const (
	noControl control = iota
	begins            // BEGIN, START TRANSACTION
	ends              // COMMIT, END, ROLLBACK, ABORT, PREPARE TRANSACTION, and what only may end one: ROLLBACK TO, PREPARE
)

// controlOf looks at the first word of a text. Of several statements in one string it sees the first.
func controlOf(sql []byte) control {
	word := firstWord(sql)
	if len(word) < 3 || len(word) > 8 {
		return noControl
	}
	var folded [8]byte
	for i, c := range word {
		folded[i] = c | 0x20
	}
	switch string(folded[:len(word)]) {
	case "begin", "start":
		return begins
	case "commit", "end", "rollback", "abort", "prepare":
		return ends
	}
	return noControl
}

// firstWord finds the first word of a text, behind white space, comments and empty statements; empty when it begins
// otherwise.
func firstWord(sql []byte) []byte {
	sql = behindNothing(sql)
	end := 0
	for end < len(sql) && (sql[end]|0x20 >= 'a' && sql[end]|0x20 <= 'z') {
		end++
	}
	return sql[:end]
}

// buildsConcurrently tells whether a text begins as CREATE INDEX CONCURRENTLY does.
func buildsConcurrently(sql []byte) bool {
	for _, want := range []string{"create", "unique", "index", "concurrently"} {
		word := firstWord(sql)
		switch {
		case bytes.EqualFold(word, []byte(want)):
			sql = behindNothing(sql)[len(word):]
		case want != "unique":
			return false
		}
	}
	return true
}

// isEmpty tells whether a text has no statement. The server answers EmptyQueryResponse, or says that a comment has no end.
func isEmpty(sql []byte) bool { return len(behindNothing(sql)) == 0 }

// behindNothing skips white space, comments and empty statements.
func behindNothing(sql []byte) []byte {
	for {
		sql = bytes.TrimLeft(sql, " \t\r\n\f\v;")
		switch {
		case bytes.HasPrefix(sql, []byte("--")):
			end := bytes.IndexAny(sql, "\r\n")
			if end < 0 {
				return nil
			}
			sql = sql[end:]
		case bytes.HasPrefix(sql, []byte("/*")):
			sql = behindComment(sql)
		default:
			return sql
		}
	}
}

// behindComment skips the comment at the start of sql, with the comments nested in it.
func behindComment(sql []byte) []byte {
	depth := 0
	for i := 0; i+1 < len(sql); i++ {
		switch {
		case sql[i] == '/' && sql[i+1] == '*':
			depth++
			i++
		case sql[i] == '*' && sql[i+1] == '/':
			depth--
			i++
			if depth == 0 {
				return sql[i+1:]
			}
		}
	}
	return nil
}
