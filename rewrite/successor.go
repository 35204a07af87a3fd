package rewrite

import (
	"maps"
	"reflect"
	"slices"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// maxInherited bounds how many texts, and how many templates, a binder takes over from the one before it.
const maxInherited = 4096

// Successor makes the binder of a snapshot that takes the place of b's, as NewBinder does. Where nothing but the catalog is
// another, it has the texts that b has bound already, those that were used most first: DDL on one table is no reason to bind
// what is about others again.
//
// Taken over are only texts on rows (isOfRows) that hold no name of what differs between the two catalogs
// (catalog.Difference) and do not read the system catalogs. What they mean depends on the lens, the session, and what has a
// name in them, and all of that is the same. Their results are compared with what is predicted once more.
func (b *Binder) Successor(snap *rules.Snapshot, o Options) *Binder {
	next := NewBinder(snap, o)
	if !isSameBut(b.snap, snap) {
		return next
	}
	differs := NewNameFilter(catalog.Difference(b.snap.Catalog, snap.Catalog))
	left := maxInherited
	for e := range b.cache.texts.Hottest() {
		if left--; left < 0 {
			break
		}
		if old := e.Value; old.text.lasting && !differs.In([]byte(old.text.Client)) {
			key := next.cache.key(&old.session, old.text.Client)
			next.cache.texts.Set(key, &entry{text: next.inherit(old.text, key), session: old.session})
		}
	}
	left = maxInherited
	for e := range b.templates.known.Hottest() {
		if left--; left < 0 {
			break
		}
		for _, m := range e.Value {
			if m.text.lasting && m.state.Load() != templateWrong && !differs.In([]byte(m.text.Client)) {
				next.templates.inherit(next, m)
			}
		}
	}
	return next
}

// isSameBut reports whether two snapshots differ in nothing but what the database has beside the tables under migration.
func isSameBut(a, b *rules.Snapshot) bool {
	return a.Live() && b.Live() && slices.Equal(a.Tables, b.Tables) && maps.Equal(a.Aliases, b.Aliases) && maps.Equal(a.StoredNames, b.StoredNames) &&
		slices.EqualFunc(a.LookedUp, b.LookedUp, sameLookup) &&
		slices.Equal(a.Versions(), b.Versions()) && maps.EqualFunc(a.Lenses, b.Lenses, func(x, y *rules.Lens) bool {
		return x.Version == y.Version && slices.EqualFunc(x.Tables, y.Tables, isSameLens)
	})
}

func isSameLens(a, b *rules.TableLens) bool {
	x, y := *a, *b
	x.Columns, y.Columns = nil, nil
	return reflect.DeepEqual(x, y) && slices.EqualFunc(a.Columns, b.Columns, func(x, y rules.ColumnLens) bool { return x == y || reflect.DeepEqual(x, y) })
}

// inherit is a text of another binder as one of b, which predicts its results anew.
func (b *Binder) inherit(old *Text, key uint64) *Text {
	t := &Text{
		SQL: old.SQL, Client: old.Client, Changed: old.Changed, Version: old.Version, Ambiguous: old.Ambiguous,
		Statements: old.Statements, Tables: old.Tables, TxControl: old.TxControl,
		clientUTF8: old.clientUTF8, sentUTF8: old.sentUTF8, edits: old.edits, charset: old.charset,
		names: old.names, tally: old.tally, lasting: old.lasting, settled: old.settled,
	}
	t.names.Snap, t.names.Lens = b.snap, b.snap.Lens(old.Version)
	b.armOracle(t, key, nil)
	return t
}

// inherit takes a template of another binder over.
func (c *templates) inherit(b *Binder, old *template) {
	m := &template{slots: old.slots, free: old.free, sent: old.sent}
	m.entry = entry{text: b.inherit(old.text, c.cache.key(&old.session, old.text.Client)), session: old.session}
	m.state.Store(old.state.Load())
	m.uses.Store(old.uses.Load())
	key := c.cache.sessionKey(&old.session, templateHash(c.seed, old.text.Client, old.slots))
	list, _ := c.known.GetIfPresent(key)
	if len(list) < maxVariants {
		c.known.Set(key, append(slices.Clip(list), m))
	}
}
