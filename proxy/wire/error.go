package wire

import (
	"fmt"
	"strconv"

	"github.com/seguedb/segue/internal/srcpos"
)

// Fields of an ErrorResponse or NoticeResponse.
const (
	FieldSeverity         = 'S' // in the language of the session
	FieldSeverityFixed    = 'V'
	FieldCode             = 'C'
	FieldMessage          = 'M'
	FieldDetail           = 'D'
	FieldHint             = 'H'
	FieldPosition         = 'P'
	FieldInternalPosition = 'p'
	FieldInternalQuery    = 'q'
	FieldWhere            = 'W'
	FieldSchema           = 's'
	FieldTable            = 't'
	FieldColumn           = 'c'
	FieldDataType         = 'd'
	FieldConstraint       = 'n'
	FieldFile             = 'F'
	FieldLine             = 'L'
	FieldRoutine          = 'R'
)

// An ErrorField is one field of an error or notice.
type ErrorField struct {
	Code  byte
	Value string
}

// ErrorFields are the fields of an ErrorResponse or NoticeResponse, in their order; unknown ones included.
type ErrorFields []ErrorField

// DecodeError decodes an ErrorResponse or NoticeResponse.
func DecodeError(body []byte) (ErrorFields, error) {
	c := cursor{b: body}
	var fields ErrorFields
	for {
		code := c.byte()
		if code == 0 || c.err != nil {
			return fields, c.end()
		}
		fields = append(fields, ErrorField{code, string(c.string())})
	}
}

// Get returns the value of a field, and "" when it is missing.
func (f ErrorFields) Get(code byte) string {
	for _, field := range f {
		if field.Code == code {
			return field.Value
		}
	}
	return ""
}

// Set gives a field a value; "" removes it. The other fields keep their order.
func (f *ErrorFields) Set(code byte, value string) {
	for i, field := range *f {
		if field.Code != code {
			continue
		}
		if value == "" {
			*f = append((*f)[:i], (*f)[i+1:]...)
		} else {
			(*f)[i].Value = value
		}
		return
	}
	if value != "" {
		*f = append(*f, ErrorField{code, value})
	}
}

// AppendTo appends the message; kind is ErrorResponse or NoticeResponse.
func (f ErrorFields) AppendTo(dst []byte, kind byte) []byte {
	dst, at := begin(dst, kind)
	for _, field := range f {
		dst = appendString(append(dst, field.Code), field.Value)
	}
	return finish(append(dst, 0), at)
}

// An Error is an error of our own, to be sent to a client or that a server sent. It implements error.
type Error struct {
	Severity string // ERROR, FATAL; ERROR when empty
	Code     string // SQLSTATE
	Message  string
	Detail   string
	Hint     string
	Position string

	// Where in the source it was raised; the three are set together.
	File, Routine string
	Line          int

	Sent ErrorFields // all of it as a server has sent it: then the other fields do not count for Fields
}

// Fatal makes an error after which the connection ends. Where it was raised is where Fatal was called.
func Fatal(code, format string, args ...any) *Error {
	e := &Error{Severity: "FATAL", Code: code, Message: fmt.Sprintf(format, args...)}
	e.File, e.Line, e.Routine = srcpos.Here().Place()
	return e
}

// WithHint gives the error a hint, and returns it.
func (e *Error) WithHint(hint string) *Error {
	e.Hint = hint
	return e
}

func (e *Error) Error() string { return e.Message + " (SQLSTATE " + e.Code + ")" }

// Fields returns the error as fields, in the order in which the server sends them.
func (e *Error) Fields() ErrorFields {
	if e.Sent != nil {
		return e.Sent
	}
	severity := e.Severity
	if severity == "" {
		severity = "ERROR"
	}
	var f ErrorFields
	f.Set(FieldSeverity, severity)
	f.Set(FieldSeverityFixed, severity)
	f.Set(FieldCode, e.Code)
	f.Set(FieldMessage, e.Message)
	f.Set(FieldDetail, e.Detail)
	f.Set(FieldHint, e.Hint)
	f.Set(FieldPosition, e.Position)
	if e.File != "" {
		f.Set(FieldFile, e.File)
		f.Set(FieldLine, strconv.Itoa(e.Line))
		f.Set(FieldRoutine, e.Routine)
	}
	return f
}

// AppendTo appends the error as an ErrorResponse.
func (e *Error) AppendTo(dst []byte) []byte { return e.Fields().AppendTo(dst, ErrorResponse) }

// Error makes an Error of the fields.
func (f ErrorFields) Error() *Error {
	severity := f.Get(FieldSeverityFixed)
	if severity == "" {
		severity = f.Get(FieldSeverity)
	}
	line, _ := strconv.Atoi(f.Get(FieldLine))
	return &Error{
		Severity: severity, Code: f.Get(FieldCode), Message: f.Get(FieldMessage),
		Detail: f.Get(FieldDetail), Hint: f.Get(FieldHint), Position: f.Get(FieldPosition),
		File: f.Get(FieldFile), Line: line, Routine: f.Get(FieldRoutine),
	}
}
