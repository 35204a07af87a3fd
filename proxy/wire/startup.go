package wire

import (
	"encoding/binary"
	"io"
)

// Request codes that stand where a start-up packet has its protocol version.
const (
	CancelRequestCode = 80877102
	SSLRequestCode    = 80877103
	GSSENCRequestCode = 80877104
)

// MaxKey is the longest cancel key of protocol 3.2, in bytes.
const MaxKey = 256

// A StartupPacket is the first message of a connection: it has no type byte.
type StartupPacket struct {
	Code uint32 // protocol version, major in the upper 16 bits, or a request code
	Body []byte // what follows the code
	Raw  []byte // the packet as it came
}

// A Parameter is one name and value of a start-up packet.
type Parameter struct{ Name, Value string }

// NextStartup reads a start-up packet, into memory of its own. io.EOF means that nothing at all came. Mirrors the first
// part of ProcessStartupPacket.
func (r *Reader) NextStartup() (StartupPacket, error) {
	if err := r.fill(4); err != nil {
		return StartupPacket{}, incomplete(err)
	}
	n := binary.BigEndian.Uint32(r.buf[r.r:])
	if n < 8 || n > MaxStartup {
		return StartupPacket{}, &ProtocolError{Message: "invalid length of startup packet"}
	}
	if err := r.fill(int(n)); err != nil {
		return StartupPacket{}, incomplete(err)
	}
	raw := append([]byte(nil), r.buf[r.r:r.r+int(n)]...)
	r.r += int(n)
	return StartupPacket{Code: binary.BigEndian.Uint32(raw[4:]), Body: raw[8:], Raw: raw}, nil
}

// Peek returns the first unread byte without consuming it.
func (r *Reader) Peek() (byte, error) {
	if err := r.fill(1); err != nil {
		return 0, err
	}
	return r.buf[r.r], nil
}

func incomplete(err error) error {
	if err == io.ErrUnexpectedEOF {
		return &ProtocolError{Message: "incomplete startup packet"}
	}
	return err
}

// DecodeParameters returns the parameters of a start-up packet of protocol 3, in their order.
func DecodeParameters(body []byte) ([]Parameter, error) {
	c := cursor{b: body}
	var params []Parameter
	for {
		name := c.string()
		if len(name) == 0 {
			break
		}
		params = append(params, Parameter{Name: string(name), Value: string(c.string())})
	}
	if c.end() != nil {
		return nil, &ProtocolError{Message: "invalid startup packet layout: expected terminator as last byte"}
	}
	return params, nil
}

// DecodeCancelRequest returns whom a CancelRequest is for. Keys are of 4 bytes in protocol 3.0 and of up to 256 in 3.2.
func DecodeCancelRequest(body []byte) (pid uint32, key []byte, err error) {
	c := cursor{b: body}
	pid = c.uint32()
	if c.err != nil || len(c.b) == 0 || len(c.b) > MaxKey {
		return 0, nil, &ProtocolError{Message: "invalid length of query cancel packet"}
	}
	return pid, c.b, nil
}

// AppendStartup appends a start-up packet.
func AppendStartup(dst []byte, version uint32, params []Parameter) []byte {
	at := len(dst)
	dst = binary.BigEndian.AppendUint32(append(dst, 0, 0, 0, 0), version)
	for _, p := range params {
		dst = appendString(appendString(dst, p.Name), p.Value)
	}
	return finish(append(dst, 0), at)
}

// AppendRequest appends an SSLRequest or a GSSENCRequest.
func AppendRequest(dst []byte, code uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, 0, 0, 0, 8), code)
}

// AppendCancelRequest appends a CancelRequest.
func AppendCancelRequest(dst []byte, pid uint32, key []byte) []byte {
	at := len(dst)
	dst = binary.BigEndian.AppendUint32(append(dst, 0, 0, 0, 0), CancelRequestCode)
	dst = binary.BigEndian.AppendUint32(dst, pid)
	return finish(append(dst, key...), at)
}
