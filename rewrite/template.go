package rewrite

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/maypok86/otter/v2"
	"github.com/seguedb/segue/rewrite/charset"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
)

// A template is a text without its plain constants and its comments. Many drivers write the values into the text (psycopg2,
// PDO, whoever uses the simple protocol), and some add a comment to each, so that no text comes twice; but what is to be
// edited does not depend on a value. So a text is rewritten like an earlier one that has the same template, with the same edits
// at the same tokens, and nothing needs to be parsed.
//
// Why that is right: the parser decides by kinds of tokens, and those are the same. So it would take the same way through
// its grammar, with other values in constants that the binder does not look into (plainConstants); and the edits hold no
// constant and touch none. That is not only trusted: a template is used once two of its texts have been bound and proved,
// each by itself, with the same outcome, and every auditEvery-th use is bound and proved again. A template of which two texts
// differ is not used any more, and counts as a rewrite that was not proved.
type template struct {
	entry        // the text that it was made from
	slots []slot // of that text
	free  []bool // which of them may read otherwise
	sent  []int  // where the slots are in the text that was sent
	state atomic.Int32
	uses  atomic.Uint32
}

// The states of a template.
const (
	templateSeen  int32 = iota // once
	templateKnown              // two texts agree
	templateWrong              // two texts do not: it is never used
)

// auditEvery is how many uses of a template there are for one that is bound and proved.
const auditEvery = 1024

// maxVariants bounds the templates that differ in nothing but constants that are not free, as ORDER BY 1 and ORDER BY 2 do.
const maxVariants = 8

// templates keeps the templates of a binder, bounded in bytes. It is safe for concurrent use.
type templates struct {
	seed    maphash.Seed
	longest int
	cache   *cache
	known   *otter.Cache[uint64, []*template] // by the hash of the text without any of its slots; the lists are not changed
}

func newTemplates(c *cache, bytes int64) *templates {
	return &templates{seed: c.seed, longest: c.longest, cache: c, known: otter.Must(&otter.Options[uint64, []*template]{
		MaximumWeight: uint64(bytes),
		Weigher: func(_ uint64, list []*template) (sum uint32) {
			for _, s := range list {
				sum += s.weight() + 48*uint32(len(s.slots))
			}
			return sum
		},
		Executor: func(work func()) { work() },
	})}
}

// A sighting is a text that is in no cache, with its slots.
type sighting struct {
	sql    string
	tokens *syntax.Tokens
	slots  []slot
	key    uint64
	like   *template // nil when none is known
}

// look finds the slots of a text and its template. It returns nil for a text that can have none.
func (c *templates) look(s *Session, sql string) *sighting {
	if in, known := charset.Named(s.Encoding); !known || !in.IsUTF8() || !s.StandardStrings || len(sql) > c.longest {
		return nil
	}
	slots, tokens, ok := slotsOf(sql)
	if !ok || len(slots) == 0 {
		return nil
	}
	g := &sighting{sql: sql, tokens: tokens, slots: slots, key: c.cache.sessionKey(s, templateHash(c.seed, sql, slots))}
	list, _ := c.known.GetIfPresent(g.key)
	for _, known := range list {
		if sameBut(known.text.Client, known.slots, known.free, sql, slots) && known.holdsFor(s) {
			g.like = known
			break
		}
	}
	return g
}

// text is the text rewritten by its template; nil where it has to be bound, because too little is known of the template or
// because it is time to try it.
func (g *sighting) text(b *Binder, s *Session, key uint64) *Text {
	if g == nil || g.like == nil || g.like.state.Load() != templateKnown || g.like.uses.Add(1)%auditEvery == 0 {
		return nil
	}
	if !b.cache.trusts(s.User, g.like.text.Version, g.sql) {
		return nil
	}
	return g.like.apply(b, s, g.sql, g.slots, key)
}

// learn takes note of what has become of a text that was bound.
func (c *templates) learn(g *sighting, r *rewriting, t *Text) {
	switch {
	case g == nil:
	case g.like != nil:
		g.like.try(g, r, t)
	case !r.catalogs && fitsTemplate(t):
		m := newTemplate(g, r, t)
		if !slices.Contains(m.free, true) {
			return
		}
		list, _ := c.known.GetIfPresent(g.key)
		if len(list) == maxVariants {
			list = list[1:]
		}
		c.known.Set(g.key, append(slices.Clip(list), m))
	}
}

// newTemplate makes a template of the first of its texts.
func newTemplate(g *sighting, r *rewriting, t *Text) *template {
	m := &template{entry: newEntry(r.session, t), slots: g.slots, free: freeSlots(g.tokens, g.slots, r.plain)}
	for i, p := range m.slots {
		m.free[i] = m.free[i] && !slices.ContainsFunc(t.edits, p.touchedBy)
		m.sent = append(m.sent, splice.ToSent(t.edits, p.start, true))
	}
	return m
}

// try compares another text of the template, which was bound, with what the template makes of it.
func (m *template) try(g *sighting, r *rewriting, t *Text) {
	switch {
	case sameOutcome(t, m.apply(r.binder, r.session, g.sql, g.slots, r.key)):
		m.state.CompareAndSwap(templateSeen, templateKnown)
	case m.state.Swap(templateWrong) != templateWrong && r.binder.cache.trusts(r.session.User, m.text.Version, g.sql):
		r.binder.stats.Unproven.Add(1)
	}
}

// isOfRows reports whether a text was bound, as a whole, and is made of queries and changes of rows, none of which fails.
func isOfRows(t *Text) bool {
	if t.Pieces != nil || t.GivenUp || t.Question != nil || len(t.Statements) == 0 {
		return false
	}
	for i := range t.Statements {
		s := &t.Statements[i]
		switch s.Tag {
		case "SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt":
		default:
			return false
		}
		if s.Failure != nil || s.plan != nil || len(s.asked) > 0 || !s.Effect.none() {
			return false
		}
	}
	return true
}

// fitsTemplate tells whether a text isOfRows, and whether what is put into it holds no constant but those of the lens.
func fitsTemplate(t *Text) bool {
	if !isOfRows(t) {
		return false
	}
	given := make(map[string]bool) // as splice.Separate leaves it
	for _, s := range t.Statements {
		for _, text := range s.given {
			given[strings.TrimSpace(text)] = true
		}
	}
	return !slices.ContainsFunc(t.edits, func(e splice.Edit) bool { return holdsConstant(e.New) && !given[strings.TrimSpace(e.New)] })
}

// holdsConstant tells whether there is a constant in what is put into a text: it may be one of the client's.
func holdsConstant(sql string) bool {
	list, ok := syntax.Lex(sql)
	return !ok || slices.ContainsFunc(list, func(k syntax.Token) bool { return syntax.IsLiteral(k.Kind) })
}

// none tells whether nothing decides the meaning of later texts.
func (e *Effect) none() bool {
	return !e.State && !e.Schema && len(e.Made) == 0 && e.Prepare == nil && !e.Cursor && e.Execute == "" && e.Deallocate == "" && !e.DropAll
}

// apply rewrites a text of the template.
func (m *template) apply(b *Binder, s *Session, sql string, slots []slot, key uint64) *Text {
	like := m.text
	t := &Text{
		SQL: sql, Client: sql, Changed: like.Changed, Version: like.Version, Ambiguous: like.Ambiguous,
		Statements: slices.Clone(like.Statements), Tables: like.Tables, TxControl: like.TxControl,
		edits: like.edits, names: like.names, tally: like.tally, lasting: like.lasting, settled: like.settled, like: like,
	}
	t.names.Path = s.SearchPath
	if len(like.edits) > 0 {
		t.edits = slices.Clone(like.edits)
		moved := newShift(m.slots, slots, nil)
		for i := range t.edits {
			e := &t.edits[i]
			e.Start, e.End = e.Start+moved.at(e.Start), e.End+moved.at(e.End)
		}
		t.SQL = splice.Apply(sql, t.edits)
	}
	moved := newShift(m.slots, slots, m.sent)
	for i := range t.Statements {
		st := &t.Statements[i]
		st.Start, st.End = st.Start+moved.at(st.Start), st.End+moved.at(st.End)
	}
	moved = newShift(m.slots, slots, nil)
	for i := range t.Statements {
		st := &t.Statements[i]
		st.sides = slices.Clone(st.sides)
		for k := range st.sides {
			st.sides[k].location += moved.at(st.sides[k].location)
		}
	}
	b.armOracle(t, key, func() { m.state.Store(templateWrong) })
	return t
}

// sameOutcome tells whether a text that was bound, a, and one that was rewritten by its template are the same. A test lists all
// that a text consists of.
func sameOutcome(a, b *Text) bool {
	same := a.SQL == b.SQL && a.Changed == b.Changed && a.Version == b.Version && a.Ambiguous == b.Ambiguous && a.TxControl == b.TxControl &&
		a.tally == b.tally && a.lasting == b.lasting && a.settled == b.settled && slices.Equal(a.Tables, b.Tables) && slices.Equal(a.edits, b.edits) && fitsTemplate(a)
	return same && slices.EqualFunc(a.Statements, b.Statements, func(x, y Statement) bool {
		return x.Start == y.Start && x.End == y.End && x.Tag == y.Tag && x.lacks == y.lacks && x.Failure == nil && x.plan == nil && len(x.asked) == 0 && x.Effect.none() &&
			slices.Equal(x.Tables, y.Tables) && slices.Equal(x.Uses, y.Uses) && slices.Equal(x.Columns, y.Columns) &&
			slices.Equal(x.flips, y.flips) && slices.Equal(x.sides, y.sides)
	})
}

// UsedAs is a text with the same tables and uses that many texts may share, for counting them together.
func (t *Text) UsedAs() *Text {
	if t.like != nil {
		return t.like
	}
	return t
}
