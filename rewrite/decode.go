package rewrite

// Decode reads text in a client_encoding, as Session.Encoding spells it. ok is false when it cannot be read.
func Decode(encoding, text string) (utf8 string, ok bool) {
	c, known := charsets[encoding]
	if !known {
		return text, isASCII(text)
	}
	d, err := c.decode(text)
	return d.utf8, err == nil
}

// Encode writes text, which is UTF-8, in a client_encoding. ok is false when that has no such character.
func Encode(encoding, utf8 string) (text string, ok bool) {
	c, known := charsets[encoding]
	if !known {
		return utf8, isASCII(utf8)
	}
	text, err := c.encode(utf8)
	return text, err == nil
}
