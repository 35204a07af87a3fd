package syntax

import "strings"

// SplitName mirrors SplitIdentifierString (varlena.c) for dots.
func SplitName(s string) (parts []string, ok bool) {
	for {
		s = strings.TrimLeft(s, " \t\n\r\f\v")
		var part string
		if strings.HasPrefix(s, `"`) {
			part, s, ok = cutQuoted(s)
			if !ok {
				return nil, false
			}
		} else {
			n := strings.IndexAny(s, ". \t\n\r\f\v")
			if n < 0 {
				n = len(s)
			}
			part, s = FoldIdent(s[:n]), s[n:]
		}
		if part == "" {
			return nil, false
		}
		parts = append(parts, part)
		s = strings.TrimLeft(s, " \t\n\r\f\v")
		if s == "" {
			return parts, true
		}
		if s[0] != '.' {
			return nil, false
		}
		s = s[1:]
	}
}

// cutQuoted takes a quoted identifier from the front of s.
func cutQuoted(s string) (name, rest string, ok bool) {
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			i++
			continue
		}
		return TruncateIdent(Unquote(s[:i+1])), s[i+1:], true
	}
	return "", "", false
}

// ContainsWord looks for a word between characters that cannot belong to an identifier.
func ContainsWord(text, word string) bool {
	for from := 0; word != ""; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(word)
		if (i == 0 || !isIdentByte(text[i-1])) && (end == len(text) || !isIdentByte(text[end])) {
			return true
		}
		from = i + 1
	}
	return false
}

func isIdentByte(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
