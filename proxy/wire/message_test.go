package wire

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgproto3/v2"
)

func TestMessagesAreWhatPgproto3MakesOfThem(t *testing.T) {
	t.Parallel()
	encode := func(m interface {
		Encode([]byte) ([]byte, error)
	}) []byte {
		b, err := m.Encode(nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	full := &Error{Severity: "FATAL", Code: "0A000", Message: "m", Detail: "d", Hint: "h", Position: "7"}
	for name, c := range map[string]struct{ got, want []byte }{
		"Query":           {AppendQuery(nil, "select 1"), encode(&pgproto3.Query{String: "select 1"})},
		"Parse":           {AppendParse(nil, "s", "q", []uint32{23, 0}), encode(&pgproto3.Parse{Name: "s", Query: "q", ParameterOIDs: []uint32{23, 0}})},
		"Bind":            {AppendBind(nil, "p", "s", []byte("v"), nil), encode(&pgproto3.Bind{DestinationPortal: "p", PreparedStatement: "s", Parameters: [][]byte{[]byte("v"), nil}})},
		"Describe":        {AppendDescribe(nil, StatementOf, "s"), encode(&pgproto3.Describe{ObjectType: 'S', Name: "s"})},
		"Close":           {AppendClose(nil, PortalOf, "p"), encode(&pgproto3.Close{ObjectType: 'P', Name: "p"})},
		"Execute":         {AppendExecute(nil, "p", 9), encode(&pgproto3.Execute{Portal: "p", MaxRows: 9})},
		"Sync":            {AppendSync(nil), encode(&pgproto3.Sync{})},
		"Flush":           {AppendFlush(nil), encode(&pgproto3.Flush{})},
		"Terminate":       {AppendTerminate(nil), encode(&pgproto3.Terminate{})},
		"ReadyForQuery":   {AppendReadyForQuery(nil, 'T'), encode(&pgproto3.ReadyForQuery{TxStatus: 'T'})},
		"CommandComplete": {AppendCommandComplete(nil, "SELECT 1"), encode(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})},
		"ParameterStatus": {AppendParameterStatus(nil, "a", "b"), encode(&pgproto3.ParameterStatus{Name: "a", Value: "b"})},
		"BackendKeyData":  {AppendBackendKeyData(nil, 1, []byte{0, 0, 0, 2}), encode(&pgproto3.BackendKeyData{ProcessID: 1, SecretKey: 2})},
		"CancelRequest":   {AppendCancelRequest(nil, 1, []byte{0, 0, 0, 2}), encode(&pgproto3.CancelRequest{ProcessID: 1, SecretKey: 2})},
		"SSLRequest":      {AppendRequest(nil, SSLRequestCode), encode(&pgproto3.SSLRequest{})},
		"ErrorResponse": {full.AppendTo(nil), encode(&pgproto3.ErrorResponse{
			Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: "0A000", Message: "m", Detail: "d", Hint: "h", Position: 7})},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func TestDecodersReturnWhatWasEncoded(t *testing.T) {
	t.Parallel()
	body := func(m []byte) []byte { return m[5:] }

	sql, err := DecodeQuery(body(AppendQuery(nil, "q")))
	check(t, err, "q", string(sql))

	parse, err := DecodeParse(body(AppendParse(nil, "s", "q", []uint32{23})))
	check(t, err, ParseMessage{[]byte("s"), []byte("q"), []uint32{23}}, parse)

	portal, statement, err := DecodeBind(body(AppendBind(nil, "p", "s", []byte("v"))))
	check(t, err, "p s", string(portal)+" "+string(statement))

	what, name, err := DecodeTarget(body(AppendClose(nil, PortalOf, "p")))
	check(t, err, "Pp", string(what)+string(name))

	portal, rows, err := DecodeExecute(body(AppendExecute(nil, "p", 3)))
	check(t, err, "p", string(portal))
	check(t, err, uint32(3), rows)

	status, err := DecodeReadyForQuery(body(AppendReadyForQuery(nil, Failed)))
	check(t, err, byte('E'), status)

	tag, err := DecodeCommandComplete(body(AppendCommandComplete(nil, "DISCARD ALL")))
	check(t, err, "DISCARD ALL", string(tag))

	setting, value, err := DecodeParameterStatus(body(AppendParameterStatus(nil, "TimeZone", "UTC")))
	check(t, err, "TimeZone=UTC", string(setting)+"="+string(value))

	long := bytes.Repeat([]byte{7}, MaxKey)
	pid, key, err := DecodeBackendKeyData(body(AppendBackendKeyData(nil, 42, long)))
	check(t, err, uint32(42), pid)
	check(t, err, long, key)

	pid, key, err = DecodeCancelRequest(AppendCancelRequest(nil, 42, long)[8:])
	check(t, err, uint32(42), pid)
	check(t, err, long, key)

	params := []Parameter{{"user", "u"}, {"options", ""}, {"user", "v"}}
	decoded, err := DecodeParameters(AppendStartup(nil, 3<<16, params)[8:])
	check(t, err, params, decoded)

	mechanism, data, err := DecodeSASLInitialResponse(body(AppendSASLInitialResponse(nil, "SCRAM-SHA-256", []byte("n,,"))))
	check(t, err, "SCRAM-SHA-256 n,,", mechanism+" "+string(data))

	kind, data, err := DecodeAuthentication(body(AppendSASL(nil, []string{"A", "B"})))
	check(t, err, uint32(AuthSASL), kind)
	offered, err := DecodeSASL(data)
	check(t, err, []string{"A", "B"}, offered)
}

func TestRowsAreDecoded(t *testing.T) {
	t.Parallel()
	described, err := (&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{
		{Name: []byte("id"), TableOID: 16384, TableAttributeNumber: 1, DataTypeOID: 23, DataTypeSize: 4, TypeModifier: -1},
		{Name: []byte("?column?"), DataTypeOID: 25, DataTypeSize: -1, TypeModifier: -1, Format: 1},
	}}).Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	fields, err := DecodeRowDescription(nil, described[5:])
	check(t, err, []Field{
		{Name: []byte("id"), Table: 16384, Column: 1, Type: 23, Length: 4, Mod: -1},
		{Name: []byte("?column?"), Type: 25, Length: -1, Mod: -1, Format: 1},
	}, fields)

	row, err := (&pgproto3.DataRow{Values: [][]byte{[]byte("1"), nil, {}}}).Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	values, err := DecodeDataRow(nil, row[5:])
	check(t, err, [][]byte{[]byte("1"), nil, {}}, values)
}

func TestErrorFieldsKeepTheirOrderWhenOneIsReplaced(t *testing.T) {
	t.Parallel()
	fields, err := DecodeError([]byte("SERROR\x00C42703\x00Mcolumn\x00P15\x00zunknown\x00\x00"))
	if err != nil {
		t.Fatal(err)
	}
	fields.Set(FieldMessage, "other")
	fields.Set(FieldPosition, "")
	fields.Set(FieldHint, "help")
	want := ErrorFields{{'S', "ERROR"}, {'C', "42703"}, {'M', "other"}, {'z', "unknown"}, {'H', "help"}}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Error(diff)
	}
	if got := fields.Error().Error(); got != "other (SQLSTATE 42703)" {
		t.Errorf("as an error: %q", got)
	}
}

func TestMalformedMessagesAreErrors(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"Query without an end":                 second(DecodeQuery([]byte("select 1"))),
		"Query with something after its text":  second(DecodeQuery([]byte("select 1\x00x"))),
		"Parse with more types than there are": second(DecodeParse([]byte("\x00\x00\xff\xff"))),
		"DataRow with a negative length":       second(DecodeDataRow(nil, []byte("\x00\x01\xff\xff\xff\xfe"))),
		"DataRow with a length past its end":   second(DecodeDataRow(nil, []byte("\x00\x01\x00\x00\x00\x05abc"))),
		"DataRow with too few values":          second(DecodeDataRow(nil, []byte("\x00\x02\x00\x00\x00\x01a"))),
		"RowDescription cut off":               second(DecodeRowDescription(nil, []byte("\x00\x01id\x00\x00"))),
		"RowDescription of 65535 columns":      second(DecodeRowDescription(nil, []byte("\xff\xff"))),
		"ErrorResponse without an end":         second(DecodeError([]byte("Mtext\x00"))),
		"ReadyForQuery with an unknown state":  second(DecodeReadyForQuery([]byte("X"))),
		"SASL list without an end":             second(DecodeSASL([]byte("SCRAM-SHA-256\x00"))),
		"SASL list with a name that has none":  second(DecodeSASL([]byte("SCRAM-SHA-256"))),
	} {
		if _, ok := err.(*ProtocolError); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func check[T any](t *testing.T, err error, want, got T) {
	t.Helper()
	if err != nil {
		t.Error(err)
	} else if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestValuesOfABindAreThoseInTextFormat(t *testing.T) {
	t.Parallel()
	for formats, want := range map[string]string{
		"\x00\x00":                         "one,NULL,two",
		"\x00\x01\x00\x00":                 "one,NULL,two",
		"\x00\x01\x00\x01":                 "NULL,NULL,NULL",
		"\x00\x03\x00\x01\x00\x00\x00\x00": "NULL,NULL,two",
	} {
		body := "p\x00s\x00" + formats + "\x00\x03" + "\x00\x00\x00\x03one" + "\xff\xff\xff\xff" + "\x00\x00\x00\x03two" + "\x00\x00"
		values, err := DecodeBindText([]byte(body))
		var got []string
		for _, v := range values {
			if v == nil {
				v = []byte("NULL")
			}
			got = append(got, string(v))
		}
		check(t, err, want, strings.Join(got, ","))
		if _, err := DecodeBindText([]byte(body[:len(body)-4])); err == nil {
			t.Errorf("%q: a value that is cut off is decoded", formats)
		}
	}
}
