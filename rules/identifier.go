package rules

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxIdentifier is NAMEDATALEN-1, in bytes.
const maxIdentifier = 63

// A longNameError is about a name that PostgreSQL would cut, and so not take for what is written.
type longNameError struct{ name string }

func (e *longNameError) Error() string {
	return fmt.Sprintf("a name is longer than %d bytes, which PostgreSQL would cut", maxIdentifier)
}

// cut is the name that PostgreSQL makes of it: as truncate_identifier (scansup.c) does, no character is cut in two.
func (e *longNameError) cut() string {
	end := maxIdentifier
	for end > 0 && !utf8.RuneStart(e.name[end]) {
		end--
	}
	return e.name[:end]
}

// parseName reads a name as SQL writes it and returns its parts: unquoted ones fold to lower case, quoted ones are kept.
func parseName(text string) ([]string, error) {
	var parts []string
	rest := text
	for {
		part, tail, err := parseIdentifier(rest)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		if tail == "" {
			return parts, nil
		}
		if tail[0] != '.' {
			return nil, fmt.Errorf("%q cannot stand in an unquoted name", firstRune(tail))
		}
		rest = tail[1:]
	}
}

// parseIdentifier reads one identifier from the beginning of text and returns what follows it.
func parseIdentifier(text string) (ident, rest string, err error) {
	switch {
	case text == "":
		return "", "", errors.New("a name is empty")
	case text[0] == '"':
		ident, rest, err = parseQuoted(text)
	default:
		end := 0
		for end < len(text) && identifierByte(text[end], end == 0) {
			end++
		}
		if end == 0 {
			return "", "", fmt.Errorf("an unquoted name cannot begin with %q", firstRune(text))
		}
		ident, rest = foldASCII(text[:end]), text[end:]
	}
	if err == nil && len(ident) > maxIdentifier {
		err = &longNameError{ident}
	}
	return ident, rest, err
}

func parseQuoted(text string) (ident, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == 0:
			return "", "", errors.New("a name cannot hold a zero byte")
		case text[i] != '"':
			b.WriteByte(text[i])
		case i+1 < len(text) && text[i+1] == '"':
			b.WriteByte('"')
			i++
		case b.Len() == 0:
			return "", "", errors.New("a quoted name is empty")
		default:
			return b.String(), text[i+1:], nil
		}
	}
	return "", "", errors.New("a quoted name has no closing quote")
}

// identifierByte tells what scan.l takes for ident_start and ident_cont.
func identifierByte(c byte, first bool) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c >= 0x80:
		return true
	}
	return !first && (c >= '0' && c <= '9' || c == '$')
}

// foldASCII folds as downcase_identifier (scansup.c) does for a multi-byte encoding: only A to Z.
func foldASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func firstRune(s string) string {
	r, _ := utf8.DecodeRuneInString(s)
	return string(r)
}

// quoteIdentifier quotes always: what is sent to the server must not depend on its list of keywords.
func quoteIdentifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// showIdentifier quotes where a name would otherwise be folded or not be read as one: for people.
func showIdentifier(name string) string {
	for i := range len(name) {
		if c := name[i]; !identifierByte(c, i == 0) || c >= 'A' && c <= 'Z' {
			return quoteIdentifier(name)
		}
	}
	return name
}

// String shows the name as a rule file would write it.
func (n Name) String() string {
	if n.Schema == "" {
		return showIdentifier(n.Name)
	}
	return showIdentifier(n.Schema) + "." + showIdentifier(n.Name)
}

// SQL is the name with everything quoted.
func (n Name) SQL() string {
	if n.Schema == "" {
		return quoteIdentifier(n.Name)
	}
	return quoteIdentifier(n.Schema) + "." + quoteIdentifier(n.Name)
}
