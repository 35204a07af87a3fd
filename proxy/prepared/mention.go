package prepared

import "bytes"

var execute = []byte("execute")

// MayExecute tells whether a text has the word EXECUTE in it, anywhere.
func MayExecute(text []byte) bool {
	for i := 1; i+6 <= len(text); i++ {
		if text[i]|0x20 == 'x' && bytes.EqualFold(text[i-1:i+6], execute) {
			return true
		}
	}
	return false
}

// longestQuoted bounds a name in quotes: each byte of it may be a quote that is doubled.
const longestQuoted = 2*63 + 1

// Mentioned calls visit for each statement whose name is a word of the text, quoted or not, wherever it stands: a text in
// a string is executed, too. It may be called more than once for one.
func (a *Account[M]) Mentioned(text []byte, visit func(*Statement[M])) {
	found := func(word []byte) {
		if n := a.named[string(Key(word))]; n != nil && n.confirmed != nil {
			visit(n.confirmed)
		}
	}
	for i := 0; i < len(text); {
		switch {
		case isWord(text[i]):
			end := i
			for end < len(text) && isWord(text[end]) {
				end++
			}
			found(text[i:end])
			found(bytes.ToLower(text[i:end]))
			i = end
		case text[i] == '"':
			found(bytes.ReplaceAll(quoted(text[i+1:]), []byte(`""`), []byte(`"`)))
			i++ // what follows is looked at as words, too: this may be the end of another name
		default:
			i++
		}
	}
}

// quoted is what is before the quote that ends a name.
func quoted(s []byte) []byte {
	for end := 0; end < len(s) && end < longestQuoted; end++ {
		if s[end] != '"' {
			continue
		}
		if end+1 == len(s) || s[end+1] != '"' {
			return s[:end]
		}
		end++
	}
	return nil
}

func isWord(c byte) bool {
	return c >= 0x80 || c == '_' || c == '$' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'
}
