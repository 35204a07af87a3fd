package wording

import (
	"regexp"
	"slices"
	"strings"

	"github.com/seguedb/segue/rules"
)

// While a change of columns lasts, a write of one version can fail for the other side: by a CHECK of Segue's, by NOT NULL, or
// within the trigger that computes the other side. The version is told of its own columns, and not of what keeps them in step.

var (
	ownConstraint = regexp.MustCompile(`^_segue_(step|full|null([a-z]))_(\w+)$`)
	ownFunction   = regexp.MustCompile(`\bsegue\._segue_(?:(?:first|last)_(?:insert|update)|(?:follow|looked)_\d+)_(\w+)\(`)
	ownTrigger    = regexp.MustCompile(`"!_segue_first_insert_\w+".*"([^"]+)\.([^".]+)"`)
	ownVariable   = regexp.MustCompile(`\b_segue_(?:old|new)(?:_\d+|_set)\b|\b_segue_(?:fits|row)\b`)
)

// ofChange takes what is Segue's own out of a report. message is what to say in the end; "" for what the server says.
func (w *Context) ofChange(r *Report) (message string) {
	if m := ownTrigger.FindStringSubmatch(r.Detail); m != nil && r.Code == "0A000" {
		return w.ofPartition(r, m[1], m[2])
	}
	key := w.cleanContext(r)
	if r.Code == "23505" && r.Routine != "exec_stmt_raise" {
		return w.ofIndex(r)
	}
	m := ownConstraint.FindStringSubmatch(r.Constraint)
	switch {
	case m != nil:
		r.Constraint = ""
		if r.Routine == "exec_stmt_raise" {
			return ""
		}
		_, p := w.counterpart(r, m[3])
		if p == nil {
			return ""
		}
		if m[2] != "" {
			return w.notNull(r, p, int(m[2][0]-'a'))
		}
		return "the values of " + quotedNames(p.Own) + " do not fit those of " + quotedNames(p.Other) + ", which another version of the app has"
	case r.Code == "23502" && r.Column != "":
		return w.otherIsNull(r)
	case key != "" && r.Hint == "" && r.Routine != "exec_stmt_raise":
		if _, p := w.counterpart(r, key); p != nil {
			r.Hint = cannotHold(p)
		}
	case key != "" && r.Hint == "" && r.Code == "23514" && !strings.Contains(r.Message, "_segue_mark_"):
		if _, p := w.counterpart(r, key); p != nil {
			r.Hint = "Another version of the app has " + quotedNames(p.Own) + " as " + quotedNames(p.Other) + ". Write a value that both can hold."
		}
	case key == "" && strings.HasPrefix(r.Code, "22") && r.Hint == "" && r.Where == "" && (w.InFlip || r.Position == 0): // data_exception
		r.Hint = w.ofFlips(r)
	}
	return ""
}

// ofPartition words the failure of an INSERT into a partition of a row that belongs to another one. The server looks at that behind the
// first trigger, and takes a row that was wrong before for one that the trigger has moved (ExecBRInsertTriggers in trigger.c).
func (w *Context) ofPartition(r *Report, schema, partition string) (message string) {
	r.Code, r.Detail, r.Schema, r.Table = "23514", "", schema, partition
	shown, _ := w.logical(schema, partition, "")
	return `new row for relation "` + shown + `" violates partition constraint`
}

// cannotHold says of which change the expression has failed that makes the other side, and what to do.
func cannotHold(p *rules.Counterpart) string {
	direction := "down"
	if p.OtherNew {
		direction = "up"
	}
	return "Another version of the app has " + quotedNames(p.Own) + " as " + quotedNames(p.Other) + `, which cannot hold this value: "` + direction +
		`" of the change fails for it. Write one that both can hold.`
}

// ofFlips is cannotHold for a text that has the expressions in it. The server does not say where in the text it has met the value.
func (w *Context) ofFlips(r *Report) string {
	var hints []string
	for _, marker := range w.Flips {
		if _, p := w.counterpart(r, strings.TrimPrefix(marker, "_segue_mark_")); p != nil {
			hints = append(hints, cannotHold(p))
		}
	}
	switch {
	case len(hints) == 0:
		return ""
	case w.InFlip && len(hints) == 1:
		return hints[0]
	}
	return "If the columns of the statement can hold it: " + strings.Join(hints, " Or: ")
}

// ofIndex words the violation of a unique index that has a counterpart by the name which the version has for it. Where it is on the
// columns of the other side, their values are no business of the version's.
func (w *Context) ofIndex(r *Report) (message string) {
	for _, l := range w.Lens.Tables {
		if l.Schema != r.Schema || l.Physical != r.Table {
			continue
		}
		for i := range l.Counterparts {
			p := &l.Counterparts[i]
			if w.keyOf(r, p.Other) {
				r.Detail = ""
				r.Hint = "Another version of the app has " + quotedNames(p.Own) + " as " + quotedNames(p.Other) + ", with a unique index."
			}
			for _, x := range p.Indexes {
				if x.Physical == r.Constraint {
					message = strings.Replace(r.Message, `"`+r.Constraint+`"`, `"`+x.Name+`"`, 1)
					r.Constraint = x.Name
					return message
				}
			}
		}
	}
	return ""
}

// keyOf reports whether the key in the detail has one of the columns.
func (w *Context) keyOf(r *Report, side []rules.SideColumn) (found bool) {
	_, key, _ := cutKey(r.Detail)
	replaceColumns(key, func(name string) string {
		found = found || slices.ContainsFunc(side, func(c rules.SideColumn) bool { return c.Physical == name })
		return name
	})
	return found
}

// cleanContext takes the lines out of the context that speak of Segue's functions, and gives the key of their change.
func (w *Context) cleanContext(r *Report) (key string) {
	m := ownFunction.FindStringSubmatch(r.Where)
	if m == nil {
		return ""
	}
	lines := strings.Split(r.Where, "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return ownFunction.MatchString(line) || ownVariable.MatchString(line) })
	r.Where = strings.Join(lines, "\n")
	return m[1]
}

// counterpart finds a change by its key, in the table that the fields name where they do.
func (w *Context) counterpart(r *Report, key string) (*rules.TableLens, *rules.Counterpart) {
	for _, l := range w.Lens.Tables {
		if r.Table != "" && (l.Schema != r.Schema || l.Physical != r.Table) {
			continue
		}
		for i := range l.Counterparts {
			if l.Counterparts[i].Marker == "_segue_mark_"+key {
				return l, &l.Counterparts[i]
			}
		}
	}
	return nil, nil
}

// otherIsNull words the failure of NOT NULL on a column that the version does not have. It gets NULL where the version's own
// columns have none, or else a trigger has rejected the row.
func (w *Context) otherIsNull(r *Report) string {
	for _, l := range w.Lens.Tables {
		if l.Schema != r.Schema || l.Physical != r.Table {
			continue
		}
		for i := range l.Counterparts {
			p := &l.Counterparts[i]
			if slices.ContainsFunc(p.Other, func(c rules.SideColumn) bool { return c.Physical == r.Column }) {
				return nullMessage(r, l, p)
			}
		}
	}
	return ""
}

// notNull words the failure of the CHECK that stands for NOT NULL on a column of the new side until cutover.
func (w *Context) notNull(r *Report, p *rules.Counterpart, column int) string {
	l, _ := w.counterpart(r, strings.TrimPrefix(p.Marker, "_segue_mark_"))
	r.Code = "23502"
	side := p.Own
	if p.OtherNew {
		return nullMessage(r, l, p)
	}
	if column >= len(side) {
		return ""
	}
	return nullIn(r, l, side[column])
}

// nullMessage says that the columns of the version cannot be NULL: in PostgreSQL's words, where one of them is NOT NULL.
func nullMessage(r *Report, l *rules.TableLens, p *rules.Counterpart) string {
	for _, c := range p.Own {
		if c.NotNull {
			return nullIn(r, l, c)
		}
	}
	r.Column = p.Own[0].Physical
	return quotedNames(p.Own) + " cannot be null: another version of the app has " + quotedNames(p.Other) + ", which must not be"
}

func nullIn(r *Report, l *rules.TableLens, c rules.SideColumn) string {
	r.Column = c.Physical
	return `null value in column "` + physicalColumn(l, c.Physical, c.Name) + `" of relation "` + l.Logical + `" violates not-null constraint`
}

func quotedNames(side []rules.SideColumn) string {
	names := make([]string, len(side))
	for i, c := range side {
		names[i] = `"` + c.Name + `"`
	}
	return strings.Join(names, ", ")
}
