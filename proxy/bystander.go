package proxy

import (
	"cmp"
	"strings"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
)

// A text that names no table under migration is sent unseen, but its errors and notices can speak of one: of the other
// end of a foreign key, of what TRUNCATE cascades to, of what a function does. They get the names of the session's version
// too, as far as that is known without asking the server; else they stay as they are.

// reword puts the names of the version into an error or notice, and tells whether that may have changed it.
func (s *session) reword(fields wire.ErrorFields, version string) bool {
	e := s.srv.epoch.Load()
	if !e.live || !speaksOfNames(fields) {
		return false
	}
	schema, table := fields.Get(wire.FieldSchema), fields.Get(wire.FieldTable)
	w := e.binder.Wording(cmp.Or(version, s.srv.cfg.Versions.Default), schema, table)
	if w == nil {
		return false
	}
	for i := range fields {
		switch field := &fields[i]; field.Code {
		case wire.FieldMessage, wire.FieldDetail, wire.FieldHint, wire.FieldWhere:
			field.Value = s.inEncoding(field.Value, w)
		}
	}
	if table != "" {
		table, column := w.LogicalNames(schema, table, fields.Get(wire.FieldColumn))
		fields.Set(wire.FieldTable, table)
		fields.Set(wire.FieldColumn, column)
	}
	return true
}

// speaksOfNames tells whether what is quoted in an error can be the name of a table: in data exceptions (class 22) it is
// a value, and what RAISE says is the user's.
func speaksOfNames(fields wire.ErrorFields) bool {
	return !strings.HasPrefix(fields.Get(wire.FieldCode), "22") && fields.Get(wire.FieldRoutine) != "exec_stmt_raise"
}

// inEncoding translates a text if the result is one in the client's encoding. Names are known in UTF-8.
func (s *session) inEncoding(text string, w *rewrite.Wording) string {
	out := w.Translate(text)
	if s.encoding == "UTF8" || !strings.ContainsFunc(out, func(r rune) bool { return r >= 0x80 }) {
		return out
	}
	return text
}

// rewordUnseen delivers an error or notice to a text that was sent unseen.
func (s *session) rewordUnseen(f wire.Frame) error {
	version, known := s.knownVersion()
	if !known || !s.srv.epoch.Load().live {
		return s.deliver(f)
	}
	fields, err := wire.DecodeError(f.Body)
	if err != nil || !s.reword(fields, version) {
		return s.deliver(f)
	}
	if _, err := s.client.out.Write(fields.AppendTo(s.client.out.AvailableBuffer(), f.Type)); err != nil {
		return clientError{err}
	}
	return nil
}

// knownVersion is the version that the session is pinned to. It is not known once the session may have set another, until
// the view is read again.
func (s *session) knownVersion() (version string, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.identity.pinned, !s.identity.unsure
}

// doubtVersion takes note that the session may have set another version.
func (s *session) doubtVersion() {
	s.mu.Lock()
	s.identity.unsure = true
	s.mu.Unlock()
}
