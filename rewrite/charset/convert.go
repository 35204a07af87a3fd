package charset

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// errInvalidBytes means that a text is not in the encoding that it should be in.
var errInvalidBytes = errors.New("invalid bytes")

// A Text is a text as UTF-8, with the way back to the bytes that it came from.
type Text struct {
	UTF8    string  // the text
	offsets []int32 // for each byte of UTF8, and its end, the offset in the original; nil when both are the same
}

// Original maps a byte offset of the UTF-8 text to one of the original.
func (d *Text) Original(offset int) int {
	if d.offsets == nil {
		return offset
	}
	return int(d.offsets[offset])
}

// Decode reads a text in the encoding. Its error wraps errInvalidBytes.
func (c Encoding) Decode(s string) (Text, error) {
	if c.encoding == nil {
		if !utf8.ValidString(s) {
			return Text{}, errInvalidBytes
		}
		return Text{UTF8: s}, nil
	}
	if IsASCII(s) {
		return Text{UTF8: s}, nil
	}
	var b strings.Builder
	offsets := make([]int32, 0, len(s)*2)
	decoder := c.encoding.NewDecoder()
	for i := 0; i < len(s); {
		n := 1
		char := s[i : i+1]
		if s[i] >= utf8.RuneSelf {
			n = min(c.width(s[i:]), len(s)-i)
			var err error
			char, err = decoder.String(s[i : i+n])
			if err != nil || strings.ContainsRune(char, utf8.RuneError) {
				return Text{}, fmt.Errorf("%w at offset %d", errInvalidBytes, i)
			}
		}
		for range len(char) {
			offsets = append(offsets, int32(i))
		}
		b.WriteString(char)
		i += n
	}
	return Text{UTF8: b.String(), offsets: append(offsets, int32(len(s)))}, nil
}

// Encode writes a UTF-8 text in the encoding; an error means that it has no such character.
func (c Encoding) Encode(s string) (string, error) {
	if c.encoding == nil || IsASCII(s) {
		return s, nil
	}
	out, err := c.encoding.NewEncoder().String(s)
	if err != nil {
		return "", err
	}
	if back, err := c.Decode(out); err != nil || back.UTF8 != s {
		return "", fmt.Errorf("%q cannot be written in this encoding", s)
	}
	return out, nil
}

// IsASCII tells whether a text has no byte beyond ASCII, so that it is the same in every encoding of a client.
func IsASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
