package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/change"
)

// ChangeColumns gives a table other columns in the place of some that it has: of another type or meaning, or in another
// number. Names are folded as SQL folds them; expressions are SQL.
type ChangeColumns struct {
	Table     Name              `json:"table"`
	From      []string          `json:"from"`
	To        []NewColumn       `json:"to"`
	Up        map[string]string `json:"up,omitempty"`    // an expression over From for each of To
	Down      map[string]string `json:"down,omitempty"`  // an expression over To for each of From
	Map       map[string]string `json:"map,omitempty"`   // in the place of Up and Down: the new value for each old one
	Reads     []Read            `json:"reads,omitempty"` // tables in which Up and Down look values up
	Settings  map[string]string `json:"settings,omitempty"`
	Lossy     bool              `json:"lossy,omitempty"`
	Bijective bool              `json:"bijective,omitempty"`
	NullOK    bool              `json:"null_ok,omitempty"`
	DownFail  *DownFail         `json:"down_fail,omitempty"` // nil: what the old columns cannot hold is rejected
	OnError   string            `json:"on_error,omitempty"`  // "reject", the default, or "defer"

	Resolved *ResolvedChange `json:"-"` // nil as long as the database has nothing of it
}

// A Read is a table in which the expressions of a change look values up.
type Read struct {
	Table Name              `json:"table"`         // its schema is "" where the file does not say it: that of the change's table, or public
	Via   map[string]string `json:"via,omitempty"` // a column of the table by which rows are looked up, for each column of the change; none: its rows cannot be written
}

// A NewColumn is a column as a rule file describes it.
type NewColumn struct {
	Name      string `json:"name"`
	Type      string `json:"type"`
	Collation string `json:"collation,omitempty"`
	NotNull   bool   `json:"not_null,omitempty"`
	Default   string `json:"default,omitempty"`
}

// DownFail says what the old columns get where they cannot hold the new ones.
type DownFail struct {
	When  string            `json:"when"`
	Value map[string]string `json:"value"`
}

// deferring is OnError where a row for which up cannot be computed is left for later.
const deferring = "defer"

// Kind implements Operation.
func (ChangeColumns) Kind() string { return "change_columns" }

// Target implements Operation.
func (o ChangeColumns) Target() Name { return o.Table }

// Names implements Operation. The old names end, but none takes the place of one of them.
func (ChangeColumns) Names() []NameChange { return nil }

// Sides are the columns that the operation takes, and those that it gives, for people.
func (o ChangeColumns) Sides() (from, to []string) { return o.From, names(o.To) }

func names(columns []NewColumn) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.Name
	}
	return out
}

// Steps implements Operation. Statements are part of them where the types are known that the database has.
func (o ChangeColumns) Steps(from, to Phase) []Step {
	out := o.announced(from, to)
	if o.Resolved == nil || o.Resolved.compiled == nil {
		return out
	}
	for i, sql := range o.statements(from, to) {
		if i == 0 {
			out[0].SQL = sql
			continue
		}
		out = slices.Insert(out, i, Step{SQL: sql, Lock: AccessExclusive, Gated: true})
	}
	return out
}

// statements lists what is run on the way from one phase to another.
func (o ChangeColumns) statements(from, to Phase) []string {
	before, after := o.Resolved.compiled, o.Resolved.renamed
	switch {
	case to == Active && !from.Live():
		return before.Expand()
	case to == Cutover:
		return after.Cutover()
	case to == Active:
		return before.BackToActive()
	case to == Contracted:
		return after.Contract()
	case from == Cutover:
		return append(before.BackToActive(), before.Rollback()...)
	case from == Contracted: // there is no such way where anything is renamed
		return slices.Concat(after.BackFromContract(), after.BackToActive(), after.Rollback())
	case from == Active && o.Resolved.there():
		return before.Rollback()
	}
	return nil
}

// announced lists the steps in words.
func (o ChangeColumns) announced(from, to Phase) []Step {
	columns := strings.Join(names(o.To), ", ")
	gated := func(note string) Step { return Step{Lock: AccessExclusive, Gated: true, Note: note} }
	switch {
	case to == Active && !from.Live():
		return append([]Step{
			gated("adds " + columns + ", a hidden marker, triggers and CHECKs to " + o.Table.String() + o.following() + ", in one transaction that reads no row"),
			{Long: true, Resumable: true, Note: "fills " + columns + " in batches; row locks only"},
			{Long: true, Resumable: true, Note: "validates that every row of " + o.Table.String() + " is filled and in step; reads and writes go on"},
		}, append(o.indexing(),
			gated("the new version is served: CHECKs and conditions of triggers that rows not yet filled need go, and NOT NULL becomes the columns' own"))...)
	case to == Cutover:
		return []Step{gated(columns + " become the truth: defaults move there")}
	case from == Cutover && to == Active:
		return []Step{gated(strings.Join(o.From, ", ") + " are the truth again")}
	case to == Contracted:
		return []Step{gated(strings.Join(o.From, ", ") + " are hidden, and kept in step until purge")}
	case to == RolledBack && (from.Live() || from == Contracted):
		return []Step{gated("triggers and CHECKs go; " + columns + " are hidden, and kept until purge")}
	}
	return nil
}

// following says of which tables rows are looked up.
func (o ChangeColumns) following() string {
	var out []string
	for _, r := range o.Reads {
		out = append(out, r.Table.String())
	}
	if len(out) == 0 {
		return ""
	}
	return ", and triggers to " + strings.Join(out, ", ") + ", whose rows are looked up"
}

// indexing lists the steps that make what the planner needs of the new columns, once these are filled.
func (o ChangeColumns) indexing() (out []Step) {
	if o.Resolved == nil || o.Resolved.compiled == nil {
		return nil
	}
	c := o.Resolved.compiled
	step := func(sql, note string) {
		out = append(out, Step{SQL: sql, Lock: ShareUpdateExclusive, Long: true, Resumable: true, Note: note})
	}
	for i, x := range c.Indexes {
		_, made := c.IndexNames(i)
		note := "in the place of " + x.Of + "; on each partition by itself, where there are some"
		if x.Late {
			note += "; it gets that name at contract"
		}
		step(c.CreateIndex(i, made, c.Table), note)
	}
	step(c.Analyze(), "statistics of the new columns")
	return out
}

// Rights implements Operation: whoever adds columns and triggers owns the table and all that inherit it.
func (ChangeColumns) Rights() Rights { return Rights{OwnHeirs: true} }

// expanded implements Operation.
func (o ChangeColumns) expanded() bool { return o.Resolved.there() }

// apply changes nothing as long as the database has no new columns: they are nobody's then.
func (o ChangeColumns) apply(s *schema, undo bool) (*catalog.Relation, error) {
	r, err := o.Resolved.find(s, o.Table, undo)
	if err != nil {
		return nil, err
	}
	if o.Resolved.there() {
		return r, o.Resolved.apply(s, r, undo)
	}
	for _, from := range o.From {
		if s.column(r, from) == nil {
			return nil, fmt.Errorf("table %s should have a column %s, but has none of that name", Name{r.Schema, r.Name}, showIdentifier(from))
		}
	}
	return r, nil
}

func (o ChangeColumns) validate(v *validator) *FileError {
	r, mistake := v.changeable(o.Table)
	if mistake != nil {
		return mistake
	}
	var old []change.Column
	for _, from := range o.From {
		c, mistake := v.column("from", r, o.Table, from)
		if mistake != nil {
			return mistake
		}
		switch {
		case c.Inherited > 0:
			return v.fail("from", fmt.Sprintf("column %s of %s is inherited", showIdentifier(from), o.Table), "change it in the table that it comes from")
		case c.Identity != 0 || c.Stored:
			return v.fail("from", fmt.Sprintf("column %s of %s is generated", showIdentifier(from), o.Table), "such columns cannot be changed yet")
		}
		old = append(old, change.Column{Name: from, Type: c.TypeName})
	}
	for _, to := range o.To {
		if slices.Contains(o.From, to.Name) {
			continue // the table gives it up
		}
		if mistake := v.columnUnused("to", r, to.Name); mistake != nil {
			return mistake
		}
	}
	if _, err := change.Compile(o.describe("draft", old)); err != nil {
		return v.expression(err)
	}
	return v.readable(o)
}

// Unsupported implements Changing.
func (ChangeColumns) Unsupported() (what, hint string) { return "", "" }

func (o ChangeColumns) resolved() *ResolvedChange              { return o.Resolved }
func (o ChangeColumns) resolvedAs(r *ResolvedChange) Operation { o.Resolved = r; return o }

// describe implements Changing.
func (o ChangeColumns) describe(key string, old []change.Column) change.Change {
	c := change.Change{
		Key: key, Table: change.Name{Schema: o.Table.Schema, Name: o.Table.Name}, Old: old, Up: o.Up, Down: o.Down,
		Pins: o.Settings, Lossy: o.Lossy, Exact: o.Bijective, NullOK: o.NullOK, Defer: o.OnError == deferring,
	}
	for _, r := range o.Reads {
		name := r.Table.String()
		l := change.Lookup{}
		for _, column := range slices.Sorted(maps.Keys(r.Via)) {
			l.Keys = append(l.Keys, change.Key{Column: column, Of: r.Via[column]})
		}
		c.Reads, c.Lookups = append(c.Reads, name), append(c.Lookups, l)
	}
	for _, to := range o.To {
		c.New = append(c.New, to.described())
	}
	if o.Map != nil {
		c.Up = change.Map{c.New[0].Name: change.Choice(c.Old[0], c.New[0], o.Map)}
		c.Down = change.Map{c.Old[0].Name: change.Choice(c.New[0], c.Old[0], turned(o.Map))}
		c.Exact = true
	}
	if o.DownFail != nil {
		c.DownFail = &change.DownFail{When: o.DownFail.When, Then: o.DownFail.Value}
	}
	return c
}

func turned(m map[string]string) map[string]string {
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[v] = k
	}
	return out
}
