package wal

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A textDecoder reads the lines of test_decoding, PostgreSQL's example of a plugin (pg_decode_change in
// contrib/test_decoding), into transactions. It needs no publication, and its lines have every table of the database.
type textDecoder struct {
	columns map[string][]string // of the last whole row, by table
	open    Transaction
	done    []Transaction
}

// add takes the next line, which can have line feeds in values.
func (d *textDecoder) add(line string) error {
	switch word, rest, _ := strings.Cut(line, " "); word {
	case "BEGIN":
		xid, err := strconv.ParseUint(rest, 10, 32)
		if err != nil {
			return fmt.Errorf("%q begins no transaction", line)
		}
		d.open = Transaction{XID: uint32(xid)}
	case "COMMIT":
		d.done = append(d.done, d.open)
		d.open = Transaction{}
	case "table":
		return d.row(rest)
	case "message:":
		return d.message(rest)
	default:
		return fmt.Errorf("a line that begins with %q is not expected", word)
	}
	return nil
}

// message reads "transactional: 1 prefix: op, sz: 1 content:7".
func (d *textDecoder) message(rest string) error {
	said, ok := strings.CutPrefix(rest, "transactional: 1 prefix: ")
	if !ok {
		return nil // it is said whether or not the transaction is committed
	}
	prefix, rest, ok := strings.Cut(said, ", sz: ")
	_, content, found := strings.Cut(rest, " content:")
	if !ok || !found {
		return fmt.Errorf("a message cannot be read: %q", said)
	}
	d.open.Events = append(d.open.Events, Event{Kind: Message, Prefix: prefix, Content: content})
	return nil
}

// row reads `public.t: UPDATE: old-key: id[integer]:1 new-tuple: id[integer]:1 a[text]:'x'`. Columns that are NULL are left out
// before a write.
func (d *textDecoder) row(rest string) error {
	l := &line{rest: rest}
	e := Event{Table: l.table()}
	switch {
	case l.has("INSERT: "):
		e.Kind, e.New = Insert, l.image(nil)
	case l.has("UPDATE: old-key: "):
		e.Kind, e.Old = Update, l.image(nil)
		e.New = l.image(e.Old)
	case l.has("UPDATE: "):
		e.Kind, e.New = Update, l.image(nil)
		e.Old = e.New // it is not logged: only its key is known, which has not changed
	case l.has("DELETE: "):
		e.Kind, e.Old = Delete, l.image(nil)
	case l.has("TRUNCATE: "):
		return fmt.Errorf("%s is truncated, which nobody does here", e.Table)
	}
	if l.err != nil || l.rest != "" {
		return fmt.Errorf("a row cannot be read, from %q on: %q, %w", l.rest, rest, l.err)
	}
	if e.New != nil {
		d.columns[e.Table] = slices.Collect(maps.Keys(e.New))
	}
	d.complete(e)
	d.open.Events = append(d.open.Events, e)
	return nil
}

// complete puts in the columns that were NULL before a write: those of the last whole row, unless the table has others now.
func (d *textDecoder) complete(e Event) {
	columns := d.columns[e.Table]
	for c := range e.Old {
		if !slices.Contains(columns, c) {
			return
		}
	}
	for _, c := range columns {
		if _, ok := e.Old[c]; e.Old != nil && !ok {
			e.Old[c] = Null
		}
	}
}

// A line is read from left to right. After the first error nothing is read any more.
type line struct {
	rest string
	err  error
}

func (l *line) fail(what string) {
	if l.err == nil {
		l.err = fmt.Errorf("there is no %s", what)
	}
}

// has takes a word, if it is there.
func (l *line) has(word string) bool {
	rest, ok := strings.CutPrefix(l.rest, word)
	if ok {
		l.rest = rest
	}
	return ok
}

// identifier reads a name as quote_identifier writes it.
func (l *line) identifier() string {
	if !l.has(`"`) {
		end := strings.IndexAny(l.rest, ".:[ ")
		if end < 0 {
			l.fail("name")
			return ""
		}
		name := l.rest[:end]
		l.rest = l.rest[end:]
		return name
	}
	return l.quoted('"')
}

// quoted reads up to a quote that is not doubled. The first one has been read.
func (l *line) quoted(quote byte) string {
	var b strings.Builder
	for i := 0; i < len(l.rest); i++ {
		if l.rest[i] != quote {
			b.WriteByte(l.rest[i])
			continue
		}
		if i+1 < len(l.rest) && l.rest[i+1] == quote {
			b.WriteByte(quote)
			i++
			continue
		}
		l.rest = l.rest[i+1:]
		return b.String()
	}
	l.fail("end of what is quoted")
	l.rest = ""
	return b.String()
}

// table reads "public.t: ".
func (l *line) table() string {
	schema := l.identifier()
	if !l.has(".") {
		l.fail("schema")
	}
	name := schema + "." + l.identifier()
	if !l.has(": ") {
		l.fail("end of the table's name")
	}
	return name
}

// image reads columns up to the end, or to the row after the write. Large values that were left alone are those of old.
func (l *line) image(old Image) Image {
	out := Image{}
	for l.rest != "" && l.err == nil && !l.has("new-tuple: ") {
		if l.has("(no-tuple-data)") {
			break
		}
		column := l.identifier()
		end := strings.Index(l.rest, "]:")
		if !strings.HasPrefix(l.rest, "[") || end < 0 {
			l.fail("type")
			return out
		}
		l.rest = l.rest[end+len("]:"):]
		out[column] = l.value(old[column])
		l.has(" ")
	}
	return out
}

// value reads a value; unchanged is the one before, for those that are not repeated.
func (l *line) value(unchanged Value) Value {
	switch {
	case l.has("'"), l.has("B'"):
		return Text(l.quoted('\''))
	case l.has("null"):
		return Null
	case l.has("unchanged-toast-datum"):
		return unchanged
	}
	word, _, _ := strings.Cut(l.rest, " ")
	l.rest = l.rest[len(word):]
	return Text(word)
}
