package wire

// A Field is one column of a RowDescription.
type Field struct {
	Name   []byte
	Table  uint32 // OID; 0 when it is no column of a table
	Column int16  // attribute number; 0 when it is no column of a table
	Type   uint32
	Length int16
	Mod    int32 // typmod
	Format int16
}

// maxColumns is MaxTupleAttributeNumber: no row has more.
const maxColumns = 1664

// DecodeRowDescription decodes the columns of a result into dst, which may be nil and is overwritten.
func DecodeRowDescription(dst []Field, body []byte) ([]Field, error) {
	c := cursor{b: body}
	n := int(c.uint16())
	if n > maxColumns {
		c.fail(errFormat)
	}
	dst = dst[:0]
	for i := 0; i < n && c.err == nil; i++ {
		dst = append(dst, Field{
			Name: c.string(), Table: c.uint32(), Column: int16(c.uint16()), Type: c.uint32(),
			Length: int16(c.uint16()), Mod: int32(c.uint32()), Format: int16(c.uint16()),
		})
	}
	return dst, c.end()
}

// DecodeDataRow decodes the values of a row into dst, which may be nil and is overwritten. NULL is nil.
func DecodeDataRow(dst [][]byte, body []byte) ([][]byte, error) {
	c := cursor{b: body}
	n := int(c.uint16())
	if n > maxColumns {
		c.fail(errFormat)
	}
	dst = dst[:0]
	for i := 0; i < n && c.err == nil; i++ {
		size := int32(c.uint32())
		if size == -1 {
			dst = append(dst, nil)
			continue
		}
		dst = append(dst, c.bytes(int(size)))
	}
	return dst, c.end()
}
