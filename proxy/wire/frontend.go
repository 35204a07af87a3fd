package wire

// A ParseMessage is a decoded Parse.
type ParseMessage struct {
	Name, SQL []byte
	Types     []uint32 // as far as the client gave them; 0 where it left one open
}

// DecodeQuery returns the text of a Query.
func DecodeQuery(body []byte) ([]byte, error) {
	c := cursor{b: body}
	sql := c.string()
	return sql, c.end()
}

// DecodeParse decodes a Parse.
func DecodeParse(body []byte) (ParseMessage, error) {
	c := cursor{b: body}
	m := ParseMessage{Name: c.string(), SQL: c.string()}
	n := int(c.uint16())
	if n*4 > len(c.b) {
		c.fail(errFormat)
	}
	if c.err == nil && n > 0 {
		m.Types = make([]uint32, n)
		for i := range m.Types {
			m.Types[i] = c.uint32()
		}
	}
	return m, c.end()
}

// DecodeBind returns the names in a Bind. The rest of it is the server's to judge.
func DecodeBind(body []byte) (portal, statement []byte, err error) {
	c := cursor{b: body}
	portal, statement = c.string(), c.string()
	return portal, statement, c.err
}

// DecodeBindText returns the values in a Bind, in their order: nil for each that is NULL or not in text format.
func DecodeBindText(body []byte) (values [][]byte, err error) {
	c := cursor{b: body}
	c.string()
	c.string()
	formats := make([]uint16, 0, 1)
	for n := c.uint16(); n > 0 && c.err == nil; n-- {
		formats = append(formats, c.uint16())
	}
	n := int(c.uint16())
	for i := 0; i < n && c.err == nil; i++ {
		var value []byte
		if size := int32(c.uint32()); size != -1 {
			value = c.bytes(int(size))
		}
		binary := len(formats) == 1 && formats[0] == 1 || len(formats) > 1 && i < len(formats) && formats[i] == 1
		if binary {
			value = nil
		}
		values = append(values, value)
	}
	return values, c.err
}

// DecodeTarget decodes a Describe or a Close: StatementOf or PortalOf, and the name.
func DecodeTarget(body []byte) (what byte, name []byte, err error) {
	c := cursor{b: body}
	what, name = c.byte(), c.string()
	return what, name, c.end()
}

// DecodeExecute decodes an Execute; maxRows 0 means all.
func DecodeExecute(body []byte) (portal []byte, maxRows uint32, err error) {
	c := cursor{b: body}
	portal, maxRows = c.string(), c.uint32()
	return portal, maxRows, c.end()
}

// DecodeSASLInitialResponse decodes the client's choice of a mechanism; data is nil when the client sent none.
func DecodeSASLInitialResponse(body []byte) (mechanism string, data []byte, err error) {
	c := cursor{b: body}
	mechanism = string(c.string())
	if n := int32(c.uint32()); n != -1 {
		data = c.bytes(int(n))
	}
	return mechanism, data, c.end()
}
