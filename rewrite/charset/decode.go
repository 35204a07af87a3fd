package charset

// Decode reads text in a client_encoding, as SHOW client_encoding spells it; "" is UTF8. ok is false when it cannot be read.
func Decode(encoding, text string) (utf8 string, ok bool) {
	c, known := Named(encoding)
	if !known {
		return text, IsASCII(text)
	}
	d, err := c.Decode(text)
	return d.UTF8, err == nil
}

// Encode writes text, which is UTF-8, in a client_encoding. ok is false when that has no such character.
func Encode(encoding, utf8 string) (text string, ok bool) {
	c, known := Named(encoding)
	if !known {
		return utf8, IsASCII(utf8)
	}
	text, err := c.Encode(utf8)
	return text, err == nil
}
