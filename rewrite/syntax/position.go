package syntax

import "unicode/utf8"

// CharPosition is the 1-based character at a byte offset of a UTF-8 text, as Postgres counts positions in errors.
func CharPosition(sql string, offset int) int {
	return utf8.RuneCountInString(sql[:min(offset, len(sql))]) + 1
}

// ByteOffset is the byte offset of a 1-based character; the length of the text when it has fewer.
func ByteOffset(sql string, position int) int {
	for i := range sql {
		if position <= 1 {
			return i
		}
		position--
	}
	return len(sql)
}
