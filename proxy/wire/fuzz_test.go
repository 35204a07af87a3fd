package wire

import (
	"bytes"
	"io"
	"testing"
)

// FuzzDecoders gives the same bytes to every decoder: none may panic, and none may return more than it was given.
func FuzzDecoders(f *testing.F) {
	for _, seed := range [][]byte{
		AppendQuery(nil, "select 1"), AppendParse(nil, "s", "q", []uint32{23}), AppendBind(nil, "p", "s", []byte("v")),
		AppendExecute(nil, "p", 3), AppendSASL(nil, []string{"SCRAM-SHA-256"}), AppendBackendKeyData(nil, 1, []byte("abcd")),
		(&Error{Code: "42703", Message: "m"}).AppendTo(nil), AppendParameterStatus(nil, "a", "b"),
		[]byte("....\x00\x00\x01\xff\xff\xff\xfe"), []byte("....\x00\x00\x01id\x00aaaabbccccddeeeeff"),
	} {
		f.Add(seed[5:])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		DecodeQuery(body)
		DecodeParse(body)
		DecodeBind(body)
		if values, err := DecodeBindText(body); err == nil && len(values)*4 > len(body) {
			t.Errorf("%d values in %d bytes", len(values), len(body))
		}
		DecodeTarget(body)
		DecodeExecute(body)
		DecodeSASLInitialResponse(body)
		DecodeReadyForQuery(body)
		DecodeCommandComplete(body)
		DecodeParameterStatus(body)
		DecodeBackendKeyData(body)
		DecodeCopyResponse(body)
		DecodeParameterDescription(body)
		DecodeAuthentication(body)
		DecodeSASL(body)
		DecodeParameters(body)
		DecodeCancelRequest(body)
		if fields, err := DecodeRowDescription(nil, body); err == nil && len(fields)*19 > len(body) {
			t.Errorf("%d columns in %d bytes", len(fields), len(body))
		}
		if values, err := DecodeDataRow(nil, body); err == nil && len(values)*4 > len(body) {
			t.Errorf("%d values in %d bytes", len(values), len(body))
		}
		if fields, err := DecodeError(body); err == nil && !bytes.Equal(fields.AppendTo(nil, 'E')[5:], body) {
			t.Error("an error is not what it was when it is encoded again")
		}
	})
}

// FuzzReader reads any bytes as frames: what comes out is what went in, and every stream ends.
func FuzzReader(f *testing.F) {
	f.Add(AppendQuery(AppendSync(nil), "select 1"))
	f.Add([]byte("Q\xff\xff\xff\xff"))
	f.Add(message('d', readSize+9))
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := NewReader(bytes.NewReader(stream), 0)
		var out bytes.Buffer
		for {
			frame, err := r.Next()
			if err != nil {
				break
			}
			out.Write(frame.Raw)
			if err := r.CopyRest(&out); err != nil {
				if err != io.ErrUnexpectedEOF {
					t.Errorf("CopyRest: %v", err)
				}
				break
			}
		}
		if !bytes.HasPrefix(stream, out.Bytes()) {
			t.Error("frames hold bytes that were not in the stream")
		}
	})
}

// FuzzStartup reads any bytes as the first packets of a connection: what can be read comes out as it went in when it is
// encoded again.
func FuzzStartup(f *testing.F) {
	f.Add(AppendStartup(nil, 3<<16, []Parameter{{"user", "u"}, {"options", "-c a=b"}}))
	f.Add(AppendCancelRequest(AppendRequest(nil, SSLRequestCode), 7, []byte("abcd")))
	f.Add([]byte("\x00\x00\x27\x11\x00\x03\x00\x00"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := NewReader(bytes.NewReader(stream), 0)
		for {
			p, err := r.NextStartup()
			if err != nil {
				return
			}
			if !bytes.HasPrefix(stream, p.Raw) || len(p.Raw) < 8 || len(p.Raw) > MaxStartup {
				t.Fatalf("%d bytes that were not in the stream", len(p.Raw))
			}
			stream = stream[len(p.Raw):]
			if params, err := DecodeParameters(p.Body); err == nil && !bytes.Equal(AppendStartup(nil, p.Code, params), p.Raw) {
				t.Errorf("%q is not what it was when it is encoded again", p.Raw)
			}
			if p.Code != CancelRequestCode {
				continue
			}
			if pid, key, err := DecodeCancelRequest(p.Body); err == nil && !bytes.Equal(AppendCancelRequest(nil, pid, key), p.Raw) {
				t.Errorf("%q is not what it was when it is encoded again", p.Raw)
			}
		}
	})
}
