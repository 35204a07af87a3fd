package wal

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// A decoder reads the messages of pgoutput, version 1 of its protocol ("Logical Replication Message Formats" in PostgreSQL's
// manual), into transactions.
type decoder struct {
	relations map[uint32]relation
	open      Transaction
	done      []Transaction
}

type relation struct {
	name    string
	columns []string
}

// add takes the next message.
func (d *decoder) add(message []byte) (err error) {
	r := &reader{rest: message}
	defer func() {
		if err == nil && r.short {
			err = fmt.Errorf("a message of kind %q ends early", message[:1])
		}
	}()
	switch kind := r.byte(); kind {
	case 'B': // Begin
		r.skip(8 + 8)
		d.open = Transaction{XID: r.uint32()}
	case 'C': // Commit
		d.done = append(d.done, d.open)
		d.open = Transaction{}
	case 'R': // Relation
		d.relation(r)
	case 'I':
		rel, err := d.relationOf(r)
		if err != nil {
			return err
		}
		r.skip(1)
		d.event(Event{Kind: Insert, Table: rel.name, New: rel.image(r, nil)})
	case 'U':
		rel, err := d.relationOf(r)
		if err != nil {
			return err
		}
		// REPLICA IDENTITY FULL: the old row is always there, and whole.
		if before := r.byte(); before != 'O' {
			return fmt.Errorf("an UPDATE of %s is logged without the row before: it has %q", rel.name, before)
		}
		old := rel.image(r, nil)
		r.skip(1)
		d.event(Event{Kind: Update, Table: rel.name, Old: old, New: rel.image(r, old)})
	case 'D':
		rel, err := d.relationOf(r)
		if err != nil {
			return err
		}
		if before := r.byte(); before != 'O' {
			return fmt.Errorf("a DELETE of %s is logged without the row before: it has %q", rel.name, before)
		}
		d.event(Event{Kind: Delete, Table: rel.name, Old: rel.image(r, nil)})
	case 'M': // Message
		transactional := r.byte()&1 != 0
		r.skip(8)
		prefix := r.string()
		content := r.bytes(int(r.uint32()))
		if transactional {
			d.event(Event{Kind: Message, Prefix: prefix, Content: string(content)})
		}
	case 'O', 'Y': // Origin, Type
	default:
		return fmt.Errorf("a message of kind %q is not expected", kind)
	}
	return nil
}

func (d *decoder) event(e Event) { d.open.Events = append(d.open.Events, e) }

func (d *decoder) relation(r *reader) {
	oid := r.uint32()
	schema := r.string()
	rel := relation{name: schema + "." + r.string()}
	r.skip(1) // replica identity
	for range r.uint16() {
		r.skip(1) // flags
		rel.columns = append(rel.columns, r.string())
		r.skip(4 + 4) // type, modifier
	}
	d.relations[oid] = rel
}

func (d *decoder) relationOf(r *reader) (relation, error) {
	oid := r.uint32()
	rel, ok := d.relations[oid]
	if !ok {
		return rel, fmt.Errorf("relation %d was not described", oid)
	}
	return rel, nil
}

// image reads the values of a row. Large values that an UPDATE left alone are not repeated: they are those of old.
func (rel relation) image(r *reader, old Image) Image {
	n := int(r.uint16())
	out := make(Image, n)
	for i := range n {
		if i >= len(rel.columns) {
			r.short = true
			return out
		}
		switch column := rel.columns[i]; r.byte() {
		case 'n':
			out[column] = Null
		case 'u':
			out[column] = old[column]
		case 't':
			out[column] = Text(strings.Clone(string(r.bytes(int(r.uint32())))))
		default:
			r.short = true
		}
	}
	return out
}

// A reader reads the fields of a message. What is not there is read as zero, and short is set.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.short, r.rest = true, nil
		return nil
	}
	out := r.rest[:n]
	r.rest = r.rest[n:]
	return out
}

func (r *reader) skip(n int) { r.bytes(n) }

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint16() uint16 {
	if b := r.bytes(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.bytes(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

// string reads up to a zero byte.
func (r *reader) string() string {
	s, rest, ok := strings.Cut(string(r.rest), "\x00")
	if !ok {
		r.short, r.rest = true, nil
		return ""
	}
	r.rest = r.rest[len(r.rest)-len(rest):]
	return s
}
