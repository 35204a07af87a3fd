package wire

import (
	"encoding/binary"

	"github.com/jackc/pgproto3/v2"
)

// The Append functions append one whole message to dst and return the extended slice. Strings must hold no zero byte.

// begin starts a message; finish sets its length.
func begin(dst []byte, kind byte) ([]byte, int) {
	return append(dst, kind, 0, 0, 0, 0), len(dst) + 1
}

func finish(dst []byte, at int) []byte {
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at))
	return dst
}

func appendString[S string | []byte](dst []byte, s S) []byte {
	return append(append(dst, s...), 0)
}

// AppendMessage appends a message of any type.
func AppendMessage(dst []byte, kind byte, body []byte) []byte {
	dst, at := begin(dst, kind)
	return finish(append(dst, body...), at)
}

// AppendQuery appends a Query.
func AppendQuery(dst []byte, sql string) []byte {
	dst, at := begin(dst, Query)
	return finish(appendString(dst, sql), at)
}

// AppendParse appends a Parse; types may be shorter than the list of parameters, and 0 leaves a type to the server.
func AppendParse(dst []byte, name, sql string, types []uint32) []byte {
	dst, at := begin(dst, Parse)
	dst = appendString(dst, name)
	dst = appendString(dst, sql)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(types)))
	for _, oid := range types {
		dst = binary.BigEndian.AppendUint32(dst, oid)
	}
	return finish(dst, at)
}

// AppendBind appends a Bind with text parameters and text results. A nil parameter is NULL.
func AppendBind(dst []byte, portal, statement string, params ...[]byte) []byte {
	dst, at := begin(dst, Bind)
	dst = appendString(dst, portal)
	dst = appendString(dst, statement)
	dst = binary.BigEndian.AppendUint16(dst, 0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(params)))
	for _, p := range params {
		if p == nil {
			dst = binary.BigEndian.AppendUint32(dst, 0xffffffff)
			continue
		}
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(p)))
		dst = append(dst, p...)
	}
	dst = binary.BigEndian.AppendUint16(dst, 0)
	return finish(dst, at)
}

// AppendDescribe appends a Describe of StatementOf or PortalOf.
func AppendDescribe(dst []byte, what byte, name string) []byte {
	dst, at := begin(dst, Describe)
	return finish(appendString(append(dst, what), name), at)
}

// AppendClose appends a Close of StatementOf or PortalOf.
func AppendClose(dst []byte, what byte, name string) []byte {
	dst, at := begin(dst, Close)
	return finish(appendString(append(dst, what), name), at)
}

// AppendDataRow appends a row with one value.
func AppendDataRow(dst []byte, value string) []byte {
	dst, at := begin(dst, DataRow)
	dst = binary.BigEndian.AppendUint16(dst, 1)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(value)))
	return finish(append(dst, value...), at)
}

// AppendExecute appends an Execute; maxRows 0 means all.
func AppendExecute(dst []byte, portal string, maxRows uint32) []byte {
	dst, at := begin(dst, Execute)
	dst = appendString(dst, portal)
	return finish(binary.BigEndian.AppendUint32(dst, maxRows), at)
}

// AppendSync appends a Sync.
func AppendSync(dst []byte) []byte { return append(dst, Sync, 0, 0, 0, 4) }

// AppendFlush appends a Flush.
func AppendFlush(dst []byte) []byte { return append(dst, Flush, 0, 0, 0, 4) }

// AppendTerminate appends a Terminate.
func AppendTerminate(dst []byte) []byte { return append(dst, Terminate, 0, 0, 0, 4) }

// AppendReadyForQuery appends a ReadyForQuery.
func AppendReadyForQuery(dst []byte, status byte) []byte {
	return append(dst, ReadyForQuery, 0, 0, 0, 5, status)
}

// AppendCommandComplete appends a CommandComplete.
func AppendCommandComplete(dst []byte, tag string) []byte {
	dst, at := begin(dst, CommandComplete)
	return finish(appendString(dst, tag), at)
}

// AppendParameterStatus appends a ParameterStatus.
func AppendParameterStatus(dst []byte, name, value string) []byte {
	dst, at := begin(dst, ParameterStatus)
	return finish(appendString(appendString(dst, name), value), at)
}

// AppendBackendKeyData appends a BackendKeyData.
func AppendBackendKeyData(dst []byte, pid uint32, key []byte) []byte {
	dst, at := begin(dst, BackendKeyData)
	return finish(append(binary.BigEndian.AppendUint32(dst, pid), key...), at)
}

// AppendSASL appends an AuthenticationSASL that offers the mechanisms.
func AppendSASL(dst []byte, mechanisms []string) []byte {
	return must((&pgproto3.AuthenticationSASL{AuthMechanisms: mechanisms}).Encode(dst))
}

// AppendSASLContinue appends an AuthenticationSASLContinue.
func AppendSASLContinue(dst []byte, data []byte) []byte {
	return must((&pgproto3.AuthenticationSASLContinue{Data: data}).Encode(dst))
}

// AppendSASLFinal appends an AuthenticationSASLFinal.
func AppendSASLFinal(dst []byte, data []byte) []byte {
	return must((&pgproto3.AuthenticationSASLFinal{Data: data}).Encode(dst))
}

// AppendSASLInitialResponse appends a SASLInitialResponse.
func AppendSASLInitialResponse(dst []byte, mechanism string, data []byte) []byte {
	return must((&pgproto3.SASLInitialResponse{AuthMechanism: mechanism, Data: data}).Encode(dst))
}

// AppendSASLResponse appends a SASLResponse.
func AppendSASLResponse(dst []byte, data []byte) []byte {
	return must((&pgproto3.SASLResponse{Data: data}).Encode(dst))
}

// must is for encoders that fail only for messages over 1 GiB.
func must(b []byte, err error) []byte {
	if err != nil {
		panic("wire: " + err.Error())
	}
	return b
}
