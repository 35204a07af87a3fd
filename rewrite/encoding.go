package rewrite

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// errInvalidBytes means that a text is not in the encoding that it should be in.
var errInvalidBytes = errors.New("invalid bytes")

// A decoded is a text as UTF-8, with the way back to the bytes that it came from.
type decoded struct {
	utf8    string
	offsets []int32 // for each byte of utf8, and its end, the offset in the original; nil when both are the same
}

// original maps a byte offset of the UTF-8 text to one of the original.
func (d *decoded) original(offset int) int {
	if d.offsets == nil {
		return offset
	}
	return int(d.offsets[offset])
}

// decode reads a text in the encoding. Its error wraps errInvalidBytes.
func (c charset) decode(s string) (decoded, error) {
	if c.encoding == nil {
		if !utf8.ValidString(s) {
			return decoded{}, errInvalidBytes
		}
		return decoded{utf8: s}, nil
	}
	if isASCII(s) {
		return decoded{utf8: s}, nil
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
				return decoded{}, fmt.Errorf("%w at offset %d", errInvalidBytes, i)
			}
		}
		for range len(char) {
			offsets = append(offsets, int32(i))
		}
		b.WriteString(char)
		i += n
	}
	return decoded{utf8: b.String(), offsets: append(offsets, int32(len(s)))}, nil
}

// encode writes a UTF-8 text in the encoding; an error means that it has no such character.
func (c charset) encode(s string) (string, error) {
	if c.encoding == nil || isASCII(s) {
		return s, nil
	}
	out, err := c.encoding.NewEncoder().String(s)
	if err != nil {
		return "", err
	}
	if back, err := c.decode(out); err != nil || back.utf8 != s {
		return "", fmt.Errorf("%q cannot be written in this encoding", s)
	}
	return out, nil
}

// encodeEdits turns edits on the UTF-8 text into the same ones on the original.
func (c charset) encodeEdits(d *decoded, edits []Edit) ([]Edit, error) {
	if d.offsets == nil && c.encoding == nil {
		return edits, nil
	}
	out := make([]Edit, len(edits))
	for i, e := range edits {
		text, err := c.encode(e.New)
		if err != nil {
			return nil, err
		}
		out[i] = Edit{Start: d.original(e.Start), End: d.original(e.End), New: text}
	}
	return out, nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
