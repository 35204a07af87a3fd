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
