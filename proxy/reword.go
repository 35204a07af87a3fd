package proxy

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rewrite/wording"
)

// reword puts an error or notice to a rewritten text into the terms of the client.
func (s *session) reword(fields *wire.ErrorFields, t *rewrite.Text) {
	r := reportOf(*fields)
	t.Reword(r)
	s.takeReport(fields, r)
}

// rewordAs puts the names of a version into an error or notice to a text that was sent unseen. It tells whether that may
// have changed it.
func (s *session) rewordAs(fields *wire.ErrorFields, version string) bool {
	e := s.srv.epoch.Load()
	if !e.live {
		return false
	}
	r := reportOf(*fields)
	if !e.binder.Reword(cmp.Or(version, s.srv.cfg.Versions.Default), r) {
		return false
	}
	s.takeReport(fields, r)
	return true
}

// reportFields are the texts of a report, by the fields that they come from.
func reportFields(r *wording.Report) map[byte]*string {
	return map[byte]*string{
		wire.FieldMessage: &r.Message, wire.FieldDetail: &r.Detail, wire.FieldHint: &r.Hint, wire.FieldWhere: &r.Where,
		wire.FieldCode: &r.Code, wire.FieldConstraint: &r.Constraint,
		wire.FieldSchema: &r.Schema, wire.FieldTable: &r.Table, wire.FieldColumn: &r.Column, wire.FieldInternalQuery: &r.Query,
	}
}

// reportOf reads the fields that can speak of names.
func reportOf(fields wire.ErrorFields) *wording.Report {
	r := &wording.Report{Routine: fields.Get(wire.FieldRoutine)}
	for code, text := range reportFields(r) {
		*text = fields.Get(code)
	}
	r.Position, _ = strconv.Atoi(fields.Get(wire.FieldPosition))
	r.QueryPosition, _ = strconv.Atoi(fields.Get(wire.FieldInternalPosition))
	return r
}

// takeReport puts a report into the fields, but for texts that are not in the client's encoding: names are known in
// UTF-8. A text that is empty now was left out.
func (s *session) takeReport(fields *wire.ErrorFields, r *wording.Report) {
	foreign := func(r rune) bool { return r >= 0x80 }
	for code, text := range reportFields(r) {
		was := fields.Get(code)
		if *text != was && (s.encoding == "UTF8" || !strings.ContainsFunc(*text, foreign)) {
			fields.Set(code, *text)
		}
	}
	if r.Position == 0 {
		fields.Set(wire.FieldPosition, "") // it is in nothing that the client has written
	}
	setNumber(fields, wire.FieldPosition, r.Position)
	if fields.Get(wire.FieldInternalQuery) == r.Query {
		setNumber(fields, wire.FieldInternalPosition, r.QueryPosition)
	}
}

func setNumber(fields *wire.ErrorFields, code byte, n int) {
	if n > 0 {
		fields.Set(code, strconv.Itoa(n))
	}
}
