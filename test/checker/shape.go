package checker

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/test/checker/proof"
	"github.com/seguedb/segue/test/checker/wal"
)

// A Shape is a table and how it is to change, in two wordings that owe nothing to each other: expressions in SQL, of which the
// rule file is made, and a rule in Go, by which the result is judged.
type Shape struct {
	Name   string
	Rule   proof.Rule
	Types  [2][]string // of the columns of the rule, by side
	Exprs  [2][]string // for each column of a side, of what it is made: {0}, {1} … are the columns of the other side
	Values func(r *rand.Rand, side proof.Side) proof.Tuple
	Writes [2][]func(r *rand.Rand) Write

	Partitioned bool      // by column region, into two
	Defaults    [2]string // of the first column of each side, which mean the same; empty: none
	DownFail    *change.DownFail
	Trigger     string            // body of a BEFORE ROW trigger of the user's; empty: none
	Parent      string            // table that the first column of the old side refers to, if any
	Beside      []string          // statements that make what the table needs beside it, run before it is made
	After       []string          // statements whose rows the log is to have, run after the table was made
	Inline      bool              // both directions can be written into a statement
	Pins        map[string]string // settings that expressions depend on
	NullOK      bool              // one side may be NULL where the other is not
	Paired      bool              // the column note is changed beside it, to remark
	Defer       bool              // rows are left for later for which up cannot be computed, and the first column of the new side must not be NULL
	Unprinted   [2]bool           // how a session prints the side depends on its settings
}

// A Write is a change that a version makes to one row.
type Write struct {
	// Exprs are the new values of the columns that are assigned, by their number; {0}, {1} … are the columns of the same side.
	Exprs map[int]string
	// Effect is what that makes of a row.
	Effect func(before proof.Tuple) proof.Tuple
	// Absolute says that the result depends on nothing that is in the columns assigned, and is not NULL.
	Absolute bool
	// Spoils says that up cannot be computed for the result.
	Spoils bool
}

// set assigns values to all columns of a side.
func set(types []string, t proof.Tuple) Write {
	w := Write{Exprs: map[int]string{}, Effect: func(proof.Tuple) proof.Tuple { return t }}
	w.Absolute = !slices.Contains(t, wal.Null)
	for i, v := range t {
		w.Exprs[i] = literal(v, types[i])
	}
	return w
}

// setOne assigns a value to one column of a side.
func setOne(i int, typ string, v wal.Value) Write {
	return Write{
		Exprs:  map[int]string{i: literal(v, typ)},
		Effect: func(before proof.Tuple) proof.Tuple { return with(before, i, v) },

		Absolute: v.Set,
	}
}

// with is a tuple with another value in one place.
func with(t proof.Tuple, i int, v wal.Value) proof.Tuple {
	out := append(proof.Tuple(nil), t...)
	out[i] = v
	return out
}

// literal is a constant of a type.
func literal(v wal.Value, typ string) string {
	if !v.Set {
		return "NULL::" + typ
	}
	return quoted(v.Text) + "::" + typ
}

// quoted is a string constant that means the same under all settings.
func quoted(s string) string {
	return `E'` + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + `'`
}

// fill puts expressions into the places of a template.
func fill(template string, exprs []string) string {
	for i, e := range exprs {
		template = strings.ReplaceAll(template, "{"+string(rune('0'+i))+"}", e)
	}
	return template
}

// rename gives the shape, its rule and its table another name.
func (s *Shape) rename(name string) {
	s.Name, s.Rule.Name = name, name
	if s.Rule.Reads != "" {
		s.Rule.Reads = "public." + name + "_member"
	}
}

// named puts the name of the table that is looked up into SQL.
func (s *Shape) named(sql string) string { return strings.ReplaceAll(sql, "{reads}", s.Rule.Reads) }

// change describes the shape for what makes the SQL.
func (s *Shape) change() change.Change {
	c := change.Change{
		Key: s.Name, Table: change.Name{Schema: "public", Name: s.Name}, Up: change.Map{}, Down: change.Map{}, Pins: s.Pins,
		Lossy: s.Rule.Lossy && s.DownFail == nil, DownFail: s.DownFail, NullOK: s.NullOK, Inline: s.Inline, Others: s.Trigger != "", Defer: s.Defer,
	}
	if s.Rule.Reads != "" {
		schema, name, _ := strings.Cut(s.Rule.Reads, ".")
		c.Reads = []string{s.Rule.Reads}
		c.Lookups = []change.Lookup{{Table: change.Name{Schema: schema, Name: name}, Columns: []string{"id", "code"}, Keys: []change.Key{{Column: "member_id", Of: "id"}, {Column: "member_code", Of: "code"}}}}
	}
	for i, name := range s.Rule.Columns[proof.Old] {
		col := change.Column{Name: name, Type: s.Types[proof.Old][i]}
		if i == 0 && s.Defaults[proof.Old] != "" {
			col.Default, col.Constant = s.Defaults[proof.Old], true
		}
		c.Old = append(c.Old, col)
		c.Down[name] = fill(s.named(s.Exprs[proof.Old][i]), quotedNames(s.Rule.Columns[proof.New]))
	}
	for i, name := range s.Rule.Columns[proof.New] {
		col := change.Column{Name: name, Type: s.Types[proof.New][i], NotNull: s.Defer && i == 0}
		if i == 0 && s.Defaults[proof.New] != "" {
			col.Default, col.Constant = s.Defaults[proof.New], true
		}
		c.New = append(c.New, col)
		c.Up[name] = fill(s.named(s.Exprs[proof.New][i]), quotedNames(s.Rule.Columns[proof.Old]))
	}
	return c
}

func quotedNames(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = ident(n)
	}
	return out
}

// table is the name of the shape's table.
func (s *Shape) table() string { return "public." + s.Name }

// create are the statements that make the table as the old version knows it.
func (s *Shape) create() []string {
	var cols []string
	for i, c := range s.Rule.Columns[proof.Old] {
		col := c + " " + s.Types[proof.Old][i]
		if i == 0 && s.Defaults[proof.Old] != "" {
			col += " DEFAULT " + s.Defaults[proof.Old]
		}
		if i == 0 && s.Parent != "" {
			col += " REFERENCES " + s.Parent + " ON UPDATE CASCADE ON DELETE SET NULL"
		}
		cols = append(cols, col)
	}
	body := "id bigint NOT NULL, region int NOT NULL DEFAULT 0, " + strings.Join(cols, ", ") + ", note text, tag bigint"
	var out []string
	for _, sql := range s.Beside {
		out = append(out, s.named(sql))
	}
	if s.Partitioned {
		out = append(out, "CREATE TABLE "+s.table()+" ("+body+", PRIMARY KEY (id, region)) PARTITION BY LIST (region)",
			"CREATE TABLE "+s.table()+"_0 PARTITION OF "+s.table()+" FOR VALUES IN (0)",
			"CREATE TABLE "+s.table()+"_1 PARTITION OF "+s.table()+" FOR VALUES IN (1)")
	} else {
		out = append(out, "CREATE TABLE "+s.table()+" ("+body+", PRIMARY KEY (id))")
	}
	if s.Trigger != "" {
		out = append(out, "CREATE FUNCTION public."+s.Name+"_user() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "+s.Trigger+" RETURN NEW; END $$",
			"CREATE TRIGGER user_assigns BEFORE INSERT OR UPDATE ON "+s.table()+" FOR EACH ROW EXECUTE FUNCTION public."+s.Name+"_user()")
	}
	return out
}

// tables are those that hold rows.
func (s *Shape) tables() []string {
	if s.Partitioned {
		return []string{s.table() + "_0", s.table() + "_1"}
	}
	return []string{s.table()}
}
