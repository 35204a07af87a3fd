// Package wire reads, writes, encodes and decodes messages of the PostgreSQL frontend/backend protocol 3.
//
// # Frames
//
// A [Reader] cuts a stream into frames and a [Writer] collects frames, so that all that came in one read leaves in one
// write. Neither holds a buffer while it waits for work. A frame that fits the read buffer is given whole; of a larger one
// the first part is given, and the rest is either streamed with [Reader.CopyRest] or collected with [Reader.ReadRest].
// So memory is bounded whatever lengths the other side announces: a length is checked before it is believed, and nothing
// is allocated for bytes that have not come.
//
//	for {
//		f, err := in.Next() // blocks; f aliases the read buffer until the next call of a method of in
//		…
//		out.Write(f.Raw)
//		if f.Rest > 0 {
//			err = in.CopyRest(out)
//		}
//		if !in.Buffered() {
//			err = out.Flush()
//		}
//	}
//
// # Messages
//
// Only what has to be understood is decoded, and every decoder checks each length against what is there: malformed bytes
// give a [*ProtocolError], never a panic. The decoders are our own where pgproto3 trusts the other side (its DataRow and
// AuthenticationSASL decoders panic or never end on malformed input) or allocates for what is not needed. pgproto3
// encodes the messages of authentication; the others are appended to a buffer, in the manner of strconv.AppendInt.
//
// The bytes returned by decoders alias the body they were given. Text is in the client's encoding and is not looked into.
package wire
