package wire

// A CopyResponse is a decoded CopyInResponse, CopyOutResponse or CopyBothResponse.
type CopyResponse struct {
	Binary  bool
	Formats []uint16 // of each column
}

// DecodeReadyForQuery returns Idle, InBlock or Failed.
func DecodeReadyForQuery(body []byte) (byte, error) {
	c := cursor{b: body}
	status := c.byte()
	if status != Idle && status != InBlock && status != Failed {
		c.fail(errFormat)
	}
	return status, c.end()
}

// DecodeCommandComplete returns the command tag.
func DecodeCommandComplete(body []byte) ([]byte, error) {
	c := cursor{b: body}
	tag := c.string()
	return tag, c.end()
}

// DecodeParameterStatus returns a reported setting.
func DecodeParameterStatus(body []byte) (name, value []byte, err error) {
	c := cursor{b: body}
	name, value = c.string(), c.string()
	return name, value, c.end()
}

// DecodeBackendKeyData returns what a CancelRequest needs. The key has 4 bytes in protocol 3.0 and up to 256 in 3.2.
func DecodeBackendKeyData(body []byte) (pid uint32, key []byte, err error) {
	c := cursor{b: body}
	pid = c.uint32()
	if c.err == nil && (len(c.b) == 0 || len(c.b) > MaxKey) {
		c.fail(errFormat)
	}
	return pid, c.b, c.err
}

// DecodeCopyResponse decodes a CopyInResponse, CopyOutResponse or CopyBothResponse.
func DecodeCopyResponse(body []byte) (CopyResponse, error) {
	c := cursor{b: body}
	m := CopyResponse{Binary: c.byte() != 0}
	n := int(c.uint16())
	if n*2 > len(c.b) {
		c.fail(errFormat)
	}
	if c.err == nil && n > 0 {
		m.Formats = make([]uint16, n)
		for i := range m.Formats {
			m.Formats[i] = c.uint16()
		}
	}
	return m, c.end()
}

// DecodeParameterDescription returns the types of a statement's parameters.
func DecodeParameterDescription(body []byte) ([]uint32, error) {
	c := cursor{b: body}
	n := int(c.uint16())
	if n*4 != len(c.b) {
		c.fail(errFormat)
		return nil, c.err
	}
	types := make([]uint32, n)
	for i := range types {
		types[i] = c.uint32()
	}
	return types, c.end()
}
