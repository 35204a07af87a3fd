package rewrite

import (
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/maypok86/otter/v2"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// A cache keeps rewritten texts, bounded in bytes. It is keyed by a hash of the client's text and of all in the session
// that decides what it means; the entry has both in full and is only used where they are equal.
type cache struct {
	seed    maphash.Seed
	texts   *otter.Cache[uint64, *entry]
	longest int

	mu         sync.Mutex
	distrusted map[uint64]struct{} // texts whose rewrite was shown to be wrong: see textKey
	wary       atomic.Bool         // distrusted is not empty
}

// maxDistrusted bounds what is remembered of wrong rewrites. There should be none; what is forgotten is found out anew.
const maxDistrusted = 4096

// An entry is a rewritten text and the session that it holds for.
type entry struct {
	text    *Text
	session Session // Answers hold only what the text depends on
}

func newCache(bytes int64, longest int) *cache {
	return &cache{
		seed:    maphash.MakeSeed(),
		longest: longest,
		texts: otter.Must(&otter.Options[uint64, *entry]{
			MaximumWeight: uint64(bytes),
			Weigher:       func(_ uint64, e *entry) uint32 { return e.weight() },
			Executor:      func(work func()) { work() }, // eviction is short, and needs no goroutine that outlives us
		}),
		distrusted: map[uint64]struct{}{},
	}
}

// key hashes what a rewrite depends on.
func (c *cache) key(s *Session, sql string) uint64 {
	return c.sessionKey(s, maphash.String(c.seed, sql))
}

// sessionKey adds to the hash of a text what of the session decides its meaning. Unsettled is left to the comparison: for most
// texts it makes no difference.
func (c *cache) sessionKey(s *Session, h uint64) uint64 {
	mix := func(part string) { h = (h ^ maphash.String(c.seed, part)) * 0x9e3779b97f4a7c15 }
	mix(s.Version)
	for _, schema := range s.SearchPath {
		mix(samePerSession(schema))
	}
	if s.Encoding != "" {
		mix(s.Encoding)
	}
	if s.Version == "" {
		mix(s.Default)
		h += uint64(s.Unpinned)
	}
	if len(s.Overlay) > 0 {
		h ^= c.overlayHash(s)
	}
	for _, typ := range s.Params {
		h = (h ^ uint64(typ)) * 0x9e3779b97f4a7c15
	}
	if s.Behind {
		h += 0x9e3779b97f4a7c15
	}
	if s.KeepTypes {
		h -= 0x61c8864680b583eb
	}
	if s.MakesTemporary {
		h ^= 0x2545f4914f6cdd1d
	}
	if s.Changers {
		h -= 0x2545f4914f6cdd1d
	}
	if s.Makers {
		h ^= 0x61c8864680b583eb
	}
	return h
}

// overlayHash does not depend on the order in which a map gives its elements. Whether the relations are the same is
// left to the comparison.
func (c *cache) overlayHash(s *Session) uint64 {
	var sum uint64
	for name, relation := range s.Overlay {
		h := maphash.String(c.seed, name.Name)
		if relation != nil {
			h ^= uint64(relation.OID) << 32
		}
		sum += h
	}
	return sum
}

// samePerSession gives the temporary schemas of all sessions one name: what is in them is in the overlay.
func samePerSession(schema string) string {
	if strings.HasPrefix(schema, "pg_temp_") {
		return "pg_temp"
	}
	return schema
}

// get finds the text for a session, or returns nil. It does not allocate.
func (c *cache) get(key uint64, s *Session, sql string) *Text {
	e, ok := c.texts.GetIfPresent(key)
	if !ok || e.text.Client != sql || !e.holdsFor(s) {
		return nil
	}
	return e.text
}

// put keeps a text, unless it is too long.
func (c *cache) put(key uint64, s *Session, t *Text) {
	if len(t.Client) > c.longest {
		return
	}
	e := newEntry(s, t)
	c.texts.Set(key, &e)
}

func newEntry(s *Session, t *Text) entry {
	return entry{text: t, session: Session{
		Version: s.Version, Default: s.Default, Unpinned: s.Unpinned,
		SearchPath: slices.Clone(s.SearchPath), Overlay: maps.Clone(s.Overlay), MakesTemporary: s.MakesTemporary, Changers: s.Changers, Makers: s.Makers,
		StandardStrings: s.StandardStrings, Encoding: s.Encoding,
		Answers: answersFor(t, s.Answers),
		Params:  slices.Clone(s.Params), Unsettled: s.Unsettled, Behind: s.Behind, KeepTypes: s.KeepTypes,
	}}
}

// answersFor are those on which a text depends.
func answersFor(t *Text, answers map[string]string) (out map[string]string) {
	for i := range t.Statements {
		for _, q := range t.Statements[i].asked {
			put(&out, q, answers[q])
		}
	}
	return out
}

// holdsFor tells whether the session is one for which the entry's text was made.
func (e *entry) holdsFor(s *Session) bool {
	o := &e.session
	if o.Version != s.Version || o.StandardStrings != s.StandardStrings || o.Encoding != s.Encoding {
		return false
	}
	if s.Version == "" && (o.Default != s.Default || o.Unpinned != s.Unpinned) {
		return false
	}
	for q, answer := range o.Answers {
		if given, ok := s.Answers[q]; !ok || given != answer {
			return false
		}
	}
	return (o.Unsettled == s.Unsettled || e.text.settled) && o.Behind == s.Behind && o.KeepTypes == s.KeepTypes && slices.Equal(o.Params, s.Params) &&
		o.MakesTemporary == s.MakesTemporary && o.Changers == s.Changers && o.Makers == s.Makers &&
		samePath(o.SearchPath, s.SearchPath) && sameOverlay(o.Overlay, s.Overlay)
}

func samePath(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if samePerSession(a[i]) != samePerSession(b[i]) {
			return false
		}
	}
	return true
}

func sameOverlay(a, b map[rules.Name]*catalog.Relation) bool {
	return len(a) == len(b) && (len(a) == 0 || maps.Equal(a, b))
}

// weight is roughly what an entry takes in memory, in bytes.
func (e *entry) weight() uint32 {
	t := e.text
	size := 768 + 2*len(t.Client) + len(t.clientUTF8) + len(t.sentUTF8) + 64*len(t.edits) + 128*len(e.session.Overlay)
	if t.Changed {
		size += len(t.SQL)
	}
	for i := range t.Statements {
		s := &t.Statements[i]
		size += 256 + 48*len(s.Columns) + 64*len(s.Uses) + 4*len(s.Tables) + s.plan.Weight()
	}
	for q, answer := range e.session.Answers {
		size += len(q) + len(answer)
	}
	return uint32(size)
}

// anybody stands for all users in a textKey.
const anybody = "\x00"

// textKey names a text in one version, for one user or anybody.
func (c *cache) textKey(user, version, sql string) uint64 {
	h := maphash.String(c.seed, sql) ^ maphash.String(c.seed, version)*0x9e3779b97f4a7c15
	return (h ^ maphash.String(c.seed, user)) * 0xff51afd7ed558ccd
}

// distrust forgets a text and remembers that it must not be rewritten again for that user. For others it is suspect.
func (c *cache) distrust(user, version, sql string, key uint64) {
	c.mu.Lock()
	if len(c.distrusted) >= maxDistrusted {
		clear(c.distrusted)
	}
	for _, u := range []string{user, anybody} {
		c.distrusted[c.textKey(u, version, sql)] = struct{}{}
	}
	c.wary.Store(true)
	c.mu.Unlock()
	c.texts.Invalidate(key)
}

// trusts tells whether no answer to that user speaks against the rewrite of a text.
func (c *cache) trusts(user, version, sql string) bool {
	if !c.wary.Load() {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, bad := c.distrusted[c.textKey(user, version, sql)]
	return !bad
}
