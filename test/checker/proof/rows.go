package proof

import (
	"slices"

	"github.com/seguedb/segue/test/checker/wal"
)

// A key names a row.
type key struct{ rule, id string }

// A version is one version of a row, as the versions of the app see it.
type version struct {
	seen   [2]Tuple // nil: that side does not exist, or cannot be made
	marker string   // empty: there is none
	tag    string
	op     *Op
	at     int // number of the transaction
	age    int // of the new side
	gone   bool
}

// tables are the rows of all tables at one point of the replay.
type tables map[string]map[string]wal.Image // by table and key

func (t tables) put(table string, row wal.Image) {
	if t[table] == nil {
		t[table] = map[string]wal.Image{}
	}
	t[table][row[KeyColumn].Text] = row
}

func (t tables) remove(table string, row wal.Image) { delete(t[table], row[KeyColumn].Text) }

// Find implements Rows.
func (t tables) Find(table, column string, v wal.Value) wal.Image {
	if !v.Set {
		return nil
	}
	if column == KeyColumn {
		return t[table][v.Text]
	}
	for _, row := range t[table] {
		if row[column] == v {
			return row
		}
	}
	return nil
}

// altered gives the columns of rows the names that they have from now on, and takes away those that are gone: DDL writes no row.
func (t tables) altered(was, is Lens) {
	names := map[string]string{}
	for side := range was.Columns {
		for i, name := range was.Columns[side] {
			if len(is.Columns[side]) > i {
				names[name] = is.Columns[side][i]
			} else if !slices.Contains(is.Columns[1-side], name) {
				names[name] = ""
			}
		}
	}
	if was.Marker != is.Marker && was.Marker != "" {
		names[was.Marker] = ""
	}
	for _, table := range is.Tables {
		for id, row := range t[table] {
			next := wal.Image{}
			for name, value := range row {
				if now, ok := names[name]; !ok {
					next[name] = value
				} else if now != "" {
					next[now] = value
				}
			}
			t[table][id] = next
		}
	}
}

// raw are the values of a side as they are stored; nil if the side does not exist.
func (l Lens) raw(side Side, row wal.Image) Tuple {
	if len(l.Columns[side]) == 0 {
		return nil
	}
	out := make(Tuple, len(l.Columns[side]))
	for i, c := range l.Columns[side] {
		v, ok := row[c]
		if !ok {
			return nil
		}
		out[i] = v
	}
	return out
}

// marked reports whether the row says that its sides are in step. One that was not written since the marker is there does not.
func (l Lens) marked(row wal.Image) bool {
	v, ok := row[l.Marker]
	return l.Marker != "" && ok && v.Text != "0"
}

// read makes a version of a stored row. The new side of a row that is not marked is what up makes of the old one.
func (l Lens) read(rule *Rule, row wal.Image, rows Rows) version {
	v := version{tag: row[TagColumn].Text}
	v.seen[Old], v.seen[New] = l.raw(Old, row), l.raw(New, row)
	if l.Marker == "" {
		return v
	}
	v.marker = row[l.Marker].Text
	if !l.marked(row) && v.seen[Old] != nil {
		v.seen[New], _ = rule.Derive(Old, v.seen[Old], rows)
	}
	return v
}
