package proof

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/seguedb/segue/test/checker/wal"
)

// Prove replays what was committed and returns each promise that was not kept. The rows that were there before the first
// transaction must not be written by it: the log has no image of them.
func Prove(rules []*Rule, h *History, committed []wal.Transaction) []Anomaly {
	p := &proof{
		rules: map[string]*Rule{}, lenses: map[string]Lens{}, owner: map[string]string{}, age: map[string]int{}, ops: map[int64]*Op{},
		tables: tables{}, versions: map[key][]version{}, wrote: map[int64]int64{},
	}
	for _, r := range rules {
		p.rules[r.Name] = r
	}
	for _, op := range h.inOrder() {
		p.ops[op.ID] = op
	}
	for at, t := range committed {
		p.transaction(at, t)
	}
	for _, op := range h.inOrder() {
		p.answers(op)
		p.reads(op)
	}
	return p.found
}

type proof struct {
	rules  map[string]*Rule
	lenses map[string]Lens   // by rule
	owner  map[string]string // the rule of a table
	age    map[string]int    // how often the new side of a rule was taken away
	ops    map[int64]*Op

	tables   tables
	versions map[key][]version // oldest first
	wrote    map[int64]int64   // rows by operation
	found    []Anomaly

	// Of the transaction that is replayed:
	at      int
	op      *Op
	unknown bool // there is an operation, and it is not in the history
	touched []key
	looked  map[string]bool // tables that rules look into and that were written
}

func (p *proof) transaction(at int, t wal.Transaction) {
	p.at, p.op, p.unknown, p.touched, p.looked = at, nil, false, nil, map[string]bool{}
	for i := 0; i < len(t.Events); i++ {
		e := t.Events[i]
		// A row that moves between partitions is deleted in one and inserted in the other.
		if e.Kind == wal.Delete && i+1 < len(t.Events) {
			if next := t.Events[i+1]; next.Kind == wal.Insert && p.moves(e, next) {
				p.tables.remove(e.Table, e.Old)
				e = wal.Event{Kind: wal.Update, Table: next.Table, Old: e.Old, New: next.New}
				i++
			}
		}
		p.event(e)
	}
	p.end()
}

// moves reports whether an insert continues the row of a delete.
func (p *proof) moves(del, ins wal.Event) bool {
	rule := p.owner[del.Table]
	return rule != "" && del.Table != ins.Table && rule == p.owner[ins.Table] && del.Old[KeyColumn] == ins.New[KeyColumn]
}

func (p *proof) event(e wal.Event) {
	if e.Kind == wal.Message {
		p.said(e)
		return
	}
	if e.Old != nil {
		p.tables.remove(e.Table, e.Old)
	}
	if e.New != nil {
		p.tables.put(e.Table, e.New)
	}
	if rule, ok := p.rules[p.owner[e.Table]]; ok {
		p.row(rule, e)
	}
	for _, r := range p.rules {
		if r.Reads == e.Table {
			p.looked[r.Name] = true
		}
	}
}

func (p *proof) said(e wal.Event) {
	switch e.Prefix {
	case OpPrefix:
		id, err := strconv.ParseInt(e.Content, 10, 64)
		if err != nil {
			p.fail(Anomaly{Kind: WrongStructure, What: "operation " + e.Content})
		}
		p.op, p.unknown = p.ops[id], id != 0 && p.ops[id] == nil
	case LensPrefix:
		var l Lens
		if err := json.Unmarshal([]byte(e.Content), &l); err != nil {
			p.fail(Anomaly{Kind: WrongStructure, What: "lens " + e.Content})
			return
		}
		p.tables.altered(p.lenses[l.Rule], l)
		p.nothingLeft(p.lenses[l.Rule], l)
		p.lenses[l.Rule] = l
		if len(l.Columns[New]) == 0 {
			p.age[l.Rule]++ // the new side is taken away: what only it held is gone, as rollback says before
		}
		for _, t := range l.Tables {
			p.owner[t] = l.Rule
		}
	}
}

// nothingLeft checks that no row is left whose new side cannot be made, when that is not allowed any more.
func (p *proof) nothingLeft(was, is Lens) {
	rule := p.rules[is.Rule]
	if rule == nil || !was.Defers || is.Defers || is.Marker == "" {
		return
	}
	for _, t := range is.Tables {
		for id, row := range p.tables[t] {
			old := is.raw(Old, row)
			if old == nil {
				p.broken(WrongStructure, key{rule.Name, id}, "the row has no old side when the change is complete")
			} else if _, ok := rule.Derive(Old, old, p.tables); !ok && !is.marked(row) {
				p.broken(LeftOut, key{rule.Name, id}, "the change is complete, and the row is unmarked, with %s", old)
			}
		}
	}
}

// row replays one written row.
func (p *proof) row(rule *Rule, e wal.Event) {
	lens := p.lenses[rule.Name]
	any := e.New
	if any == nil {
		any = e.Old
	}
	k := key{rule.Name, any[KeyColumn].Text}
	p.touched = append(p.touched, k)
	if p.unknown { // what is said and not followed by a row can be said in another history
		p.broken(WrongStructure, k, "it is written by an operation that is not in the history")
	}

	before, after := version{gone: true}, version{gone: true}
	if e.Old != nil {
		before = lens.read(rule, e.Old, p.tables)
		p.sameAsLeft(k, before)
	}
	if e.New != nil {
		after = lens.read(rule, e.New, p.tables)
	}
	after.op, after.at, after.age = p.op, p.at, p.age[rule.Name]
	p.versions[k] = append(p.versions[k], after)
	if p.op != nil && p.op.Rule == rule.Name {
		p.wrote[p.op.ID]++
	}
	p.meant(rule, k, before, after)
	if e.New != nil {
		p.marker(rule, lens, k, before, after, e.New)
		if rule.Reads == "" {
			p.inStep(rule, lens, k, e.New)
		}
	}
}

// sameAsLeft compares a row before a write with how the last write left it: between them can only be DDL.
func (p *proof) sameAsLeft(k key, before version) {
	all := p.versions[k]
	if len(all) == 0 {
		return
	}
	left := all[len(all)-1]
	for _, side := range []Side{Old, New} {
		if side == New && left.age != p.age[k.rule] {
			continue
		}
		if left.seen[side] != nil && before.seen[side] != nil && !left.seen[side].Equal(before.seen[side]) && p.rules[k.rule].Reads == "" {
			p.broken(SilentChange, k, "the last write left the %s side %s, and the next one found %s", side, left.seen[side], before.seen[side])
		}
	}
}

// marker checks that only what the database may store is stored, and that no row loses its mark.
func (p *proof) marker(rule *Rule, lens Lens, k key, before, after version, row wal.Image) {
	if lens.Marker == "" {
		return
	}
	switch after.marker {
	case "1", "-1":
	case "0":
		if (before.marker == "1" || before.marker == "-1") && !(lens.Defers && after.seen[New] == nil) {
			p.broken(WrongMarker, k, "a row that was in step is marked 0")
		}
		if raw := lens.raw(New, row); slices.ContainsFunc(raw, func(v wal.Value) bool { return v.Set }) {
			p.broken(WrongMarker, k, "the new side is given, %s, and the row is marked 0", raw)
		}
	default:
		p.broken(WrongMarker, k, "it is %q", after.marker)
	}
}

// inStep checks a stored row that is marked.
func (p *proof) inStep(rule *Rule, lens Lens, k key, row wal.Image) {
	before, after := lens.raw(Old, row), lens.raw(New, row)
	if !lens.marked(row) || before == nil || after == nil {
		return
	}
	if up, ok := rule.Derive(Old, before, p.tables); ok && up.Equal(after) {
		return
	}
	if down, ok := rule.Derive(New, after, p.tables); ok && down.Equal(before) {
		return
	}
	p.broken(NotInStep, k, "it is marked, with %s on the old side and %s on the new one", before, after)
}

// end checks what has to hold when a transaction ends, and not within it: what rules make of rows of other tables.
func (p *proof) end() {
	for name, rule := range p.rules {
		if rule.Reads == "" {
			continue
		}
		lens := p.lenses[name]
		if p.looked[name] { // any row may follow
			for _, t := range lens.Tables {
				for id, row := range p.tables[t] {
					p.inStep(rule, lens, key{name, id}, row)
				}
			}
			continue
		}
		for _, k := range p.touched {
			if k.rule != name {
				continue
			}
			for _, t := range lens.Tables {
				if row, ok := p.tables[t][k.id]; ok {
					p.inStep(rule, lens, k, row)
				}
			}
		}
	}
}
