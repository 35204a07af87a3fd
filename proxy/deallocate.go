package proxy

import (
	"bytes"
	"strings"
)

// deallocates finds what a simple Query of the form DEALLOCATE [PREPARE] name does away with, so that statements do not
// pile up in memory when clients close them so. body is that of the message, perhaps only its first part. nil: it is no
// such Query, or its name is not known; then the command tag tells that something has gone.
func (s *session) deallocates(body []byte) *statement {
	const verb = "deallocate"
	sql := bytes.TrimLeft(body, " \t\r\n")
	if len(sql) <= len(verb) || sql[0]|0x20 != 'd' || !strings.EqualFold(string(sql[:len(verb)]), verb) {
		return nil
	}
	sql = bytes.TrimRight(sql[len(verb):], " \t\r\n;\x00")
	words := bytes.Fields(sql)
	if len(words) == 2 && bytes.EqualFold(words[0], []byte("prepare")) {
		words = words[1:]
	}
	if len(words) != 1 {
		return nil
	}
	name, ok := plainName(words[0])
	if !ok {
		return nil
	}
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	return s.queue.stmts.closing(name)
}

// plainName decodes an identifier of letters, digits and underscores, quoted or not.
func plainName(word []byte) ([]byte, bool) {
	quoted := len(word) > 2 && word[0] == '"' && word[len(word)-1] == '"'
	if quoted {
		word = word[1 : len(word)-1]
	} else {
		word = bytes.ToLower(word)
	}
	for _, c := range word {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_') {
			return nil, false
		}
	}
	return word, len(word) > 0
}
