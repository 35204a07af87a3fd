package explain

import (
	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rules"
)

// A Statement is what the binder knows of a statement whose plan is shown, or that is prepared and may be.
type Statement struct {
	Format   Format
	Items    []Item
	Visible  []catalog.OID // tables under migration that the search_path finds
	Shadowed []string      // names of tables under migration that the session has given to other relations, too
}

// Weight is roughly what it takes in memory, in bytes.
func (e *Statement) Weight() (size int) {
	if e == nil {
		return 0
	}
	for i := range e.Items {
		size += 64 + 40*len(e.Items[i].Columns)
	}
	return size + 4*len(e.Visible) + 16*len(e.Shadowed)
}

// Edits are the replacements that put the text of one or several plans into the names of a lens.
func (e *Statement) Edits(snap *rules.Snapshot, lens *rules.Lens, text string) []splice.Edit {
	return (&planNames{snap: snap, lens: lens, Statement: e}).edits(text)
}

// An Item is one FROM item or target of the statement.
type Item struct {
	Name    string      // by which the server knows it
	Table   catalog.OID // the relation; 0 for anything else
	Columns []Column    // what it has, by the names in what is sent
	Unknown bool        // it has others, too
	Listed  bool        // its columns are called otherwise than the relation's
}

// A Column is a column of an item: its name in what is sent, and that in the version.
type Column struct{ Sent, Name string }

// Format is the FORMAT of an EXPLAIN.
type Format byte

// The formats. The zero value is what EXPLAIN prints if none is given.
const (
	Text Format = iota
	JSON
	XML
	YAML
)

// columnsOf are those columns of a table that are called otherwise in the version.
func columnsOf(t *rules.TableLens) map[string]string {
	columns := map[string]string{}
	for _, c := range t.Columns {
		if c.Logical != c.Physical && c.Reads() == nil {
			columns[c.Physical] = c.Logical
		}
	}
	return columns
}
