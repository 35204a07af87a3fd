package rewrite

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/charset"
	"github.com/seguedb/segue/rewrite/prefilter"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// Options bound a Binder. The zero value means the defaults.
type Options struct {
	CacheBytes int64  // of the cache of rewritten texts; default 64 MiB
	MaxCached  int    // texts longer than this many bytes are rewritten but not cached; default 64 KiB
	Stats      *Stats // where to count; several binders may share one; default: nowhere that can be seen

	// MatchAll has every text bound while anything is live, whatever names it holds, and predicts the columns of
	// statements that are sent unchanged too, so that any corpus of statements tests the binder. A text that cannot be
	// read is still the server's own if it holds no name that matters.
	MatchAll bool

	// MaxTokens bounds the words and signs of a text that is bound; default 500,000. The parser cannot be interrupted.
	MaxTokens int
	// MaxBytes bounds the length of a text that is bound; default 16 MiB.
	MaxBytes int
	// BindCPU is what the binding of one text may take of a processor; default 2s.
	BindCPU time.Duration

	// PlainNames is up to how many bytes of a map of names stand in the texts on the system catalogs that look names up in it; longer
	// ones are read from where they are stored. Default 512; negative: none.
	PlainNames int

	// PlainCatalogs has sessions see the system catalogs as they are, with the names of the database.
	PlainCatalogs bool
}

// A Binder rewrites texts for one snapshot. It is safe for concurrent use.
type Binder struct {
	snap      *rules.Snapshot
	filter    *prefilter.Filter // nil when nothing is live
	unseen    *prefilter.Filter // names that change the session; nil: there are none
	makers    *NameFilter       // names that lead to code which may make something; nil: there are none
	lookedUp  *lookupFilter     // nil: there are no such tables
	cache     *cache
	templates *templates
	stats     *Stats
	views     views                           // how the system catalogs look
	rows      rowTypes                        // of parameters
	moving    map[*rules.Lens]map[string]bool // see Moving; under nil, of any version
	all       bool                            // Options.MatchAll
	maxTokens int
	maxBytes  int
	bindCPU   time.Duration
	bind      func(*bindInput) (*bound, error) // bind, but for tests of what is around it
}

// NewBinder makes the binder of a snapshot, its prefilter compiled and its cache empty.
func NewBinder(snap *rules.Snapshot, o Options) *Binder {
	b := &Binder{
		snap:  snap,
		cache: newCache(cmp.Or(o.CacheBytes, 64<<20), cmp.Or(o.MaxCached, 64<<10)),
		stats: o.Stats,
		all:   o.MatchAll,
		bind:  bind,

		maxTokens: cmp.Or(o.MaxTokens, syntax.DefaultMaxTokens),
		maxBytes:  cmp.Or(o.MaxBytes, DefaultMaxBytes),
		bindCPU:   cmp.Or(o.BindCPU, DefaultBindCPU),
	}
	b.templates = newTemplates(b.cache, max(1, cmp.Or(o.CacheBytes, 64<<20)/4))
	if b.stats == nil {
		b.stats = new(Stats)
	}
	if snap.Live() {
		b.filter = prefilter.New(slices.Concat(snap.Identifiers, triggerWords), snap.Catalog.SessionChangers)
		b.unseen = prefilter.OfChangers(snap.Catalog.SessionChangers)
		b.lookedUp = newLookupFilter(snap.LookedUp)
		b.makers = filterOfMakers(snap.Catalog.Makers)
		b.views.init(snap, o)
		b.rows = newRowTypes(snap.Catalog, snap.Tables)
		b.findMoving()
	}
	return b
}

// Snapshot is the one that the binder works for.
func (b *Binder) Snapshot() *rules.Snapshot { return b.snap }

// Stats are the counters that the binder counts in.
func (b *Binder) Stats() *Stats { return b.stats }

// Match looks for identifiers that matter, in one pass over the bytes and without allocating. prepared says that the
// session has, or may have, statements made by SQL PREPARE, so that EXECUTE matters too. When nothing is live all
// texts miss.
func (b *Binder) Match(sql []byte, prepared bool) prefilter.Hit {
	if b.filter == nil {
		return prefilter.Miss
	}
	if b.all || b.lookedUp.in(sql) {
		return prefilter.Names
	}
	return b.filter.Match(sql, prepared)
}

// MatchPart is Match for a part of a text that is too long to be given to Rewrite: with MatchAll, too, it looks for names.
func (b *Binder) MatchPart(part []byte, prepared bool) prefilter.Hit {
	if b.filter == nil {
		return prefilter.Miss
	}
	if b.lookedUp.in(part) {
		return prefilter.Names
	}
	return b.filter.Match(part, prepared)
}

// FindsAs tells whether Match finds in every text what it finds with another binder.
func (b *Binder) FindsAs(other *Binder) bool {
	return b.snap.Live() == other.snap.Live() && slices.Equal(b.snap.Identifiers, other.snap.Identifiers) &&
		slices.EqualFunc(b.snap.LookedUp, other.snap.LookedUp, sameLookup) &&
		slices.Equal(b.snap.Catalog.SessionChangers, other.snap.Catalog.SessionChangers)
}

// MaxBytes bounds the length of a text that Rewrite binds.
func (b *Binder) MaxBytes() int { return b.maxBytes }

// TooLarge is the refusal of a text that was not given to Rewrite, because it has so many bytes. It is counted.
func (b *Binder) TooLarge(size int) *Error {
	b.stats.Concerned.Add(1)
	b.stats.Refused.Add(1)
	return tooLarge(size, b.maxBytes)
}

// NoMemory is the refusal of a text that was not given to Rewrite, because the memory for long texts is used up. It is counted.
func (b *Binder) NoMemory() *Error {
	b.stats.Concerned.Add(1)
	b.stats.Refused.Add(1)
	return noMemory()
}

// Rewrite binds sql for the session and returns what to send. The only errors are *NeedRelation and ErrPostponed: whatever cannot be
// bound, or must not be sent, is a Statement with a Failure in a Text that makes the server fail at that statement.
// sql is in the session's encoding.
func (b *Binder) Rewrite(s *Session, sql string) (*Text, error) {
	if !b.snap.Live() {
		return &Text{SQL: sql, Client: sql}, nil
	}
	key := b.cache.key(s, sql)
	if t := b.cache.get(key, s, sql); t != nil && b.cache.trusts(s.User, t.Version, sql) {
		b.stats.Hits.Add(1)
		t.countUse(b.stats)
		return t, nil
	}
	if len(sql) > b.maxBytes {
		return b.large(s, sql), nil
	}
	seen := b.templates.look(s, sql)
	if t := seen.text(b, s, key); t != nil {
		b.stats.TemplateHits.Add(1)
		t.countUse(b.stats)
		return t, nil
	}
	if s.Work != nil && s.Work.Postpones() {
		return nil, ErrPostponed
	}
	b.stats.Misses.Add(1)
	r := &rewriting{binder: b, session: s, sql: sql, key: key, seen: seen}
	t, err := b.rewrite(r)
	if err != nil {
		return nil, err
	}
	t.countUse(b.stats)
	if t.GivenUp {
		return t, nil
	}
	if !b.cache.trusts(s.User, t.Version, sql) {
		if !t.refusedWhole() {
			return b.rewrite(&rewriting{binder: b, session: s, sql: sql, key: key}) // found out just now, by another session
		}
		return t, nil // the cache is for all users
	}
	b.cache.put(key, s, t)
	b.templates.learn(seen, r, t)
	return t, nil
}

// large is what becomes of a text beyond the limit of bytes. It is not kept.
func (b *Binder) large(s *Session, sql string) *Text {
	if b.all && b.filter.Match([]byte(sql), true) != prefilter.Names {
		return &Text{SQL: sql, Client: sql}
	}
	b.stats.Misses.Add(1)
	t := (&rewriting{binder: b, session: s, sql: sql, source: charset.Text{UTF8: sql}}).refuseWhole(tooLarge(len(sql), b.maxBytes))
	t.countUse(b.stats)
	return t
}

// rewrite is Rewrite without the cache. A panic of ours ends this text, and not the process with all its sessions; it
// counts as a rewrite that was not proved.
func (b *Binder) rewrite(r *rewriting) (t *Text, err error) {
	if s := r.session; s.Work != nil {
		if why := s.Work.Begin(len(r.sql)); why != nil {
			return r.giveUp(why), nil
		}
		defer s.Work.End()
	}
	r.budget = startBudget(r.session.Work, r.sql, b.bindCPU)
	defer r.budget.end()
	defer func() {
		p := recover()
		if s, ok := p.(stopped); ok {
			t, err = r.giveUp(s.why), nil
			return
		}
		if p != nil {
			b.stats.Unproven.Add(1)
			failure := unproven()
			failure.Detail = fmt.Sprintf("segue failed while it bound the statement: %v", p)
			t, err = r.refuseWhole(failure), nil
		}
	}()
	r.budget.look()
	if t := r.read(); t != nil {
		if b.all && b.filter.Match([]byte(r.sql), true) != prefilter.Names {
			return &Text{SQL: r.sql, Client: r.sql}, nil
		}
		return t, nil
	}
	if t := r.inPieces(); t != nil {
		return t, nil
	}
	d, err := r.choose()
	if err != nil {
		return nil, err
	}
	if r.choosesByStatement(d) {
		if t := r.oneByOne(); t != nil {
			return t, nil
		}
	}
	return r.finish(d), nil
}

// A rewriting is the work on one text that is not in the cache.
type rewriting struct {
	binder  *Binder
	session *Session
	sql     string // the client's bytes
	key     uint64 // of the text in the cache
	charset charset.Encoding
	source  charset.Text
	tokens  *syntax.Tokens
	tree    parsed

	budget   *budget
	seen     *sighting      // nil where the text can have no template
	plain    []*ast.A_Const // those of the tree as it was parsed, where the text may have a template
	catalogs bool           // the system catalogs are read
	appears  bool           // a function or type is used that is not known, in some version
}

// read decodes, scans and parses the text. A text that cannot be read is answered at once.
func (r *rewriting) read() *Text {
	var known bool
	r.charset, known = charset.Named(r.session.Encoding)
	if !known && !charset.IsASCII(r.sql) {
		return r.refuseWhole(unreadableEncoding(r.session.Encoding))
	}
	var err error
	if r.source, err = r.charset.Decode(r.sql); err != nil {
		if r.charset.IsUTF8() && r.session.Encoding != "SQL_ASCII" {
			return &Text{SQL: r.sql, Client: r.sql} // the server checks that it is UTF-8 before it does anything else
		}
		return r.refuseWhole(unreadableEncoding(r.session.Encoding))
	}
	if strings.IndexByte(r.sql, 0) >= 0 {
		return r.refuseWhole(unreadableEncoding("with a zero byte"))
	}
	if r.seen != nil {
		r.tokens = r.seen.tokens
	} else {
		r.tokens, err = syntax.ScanAtMost(r.source.UTF8, r.binder.maxTokens)
	}
	if errors.Is(err, syntax.ErrTooLong) || err == nil && r.tokens.Len() > r.binder.maxTokens {
		return r.refuseWhole(tooLong(r.binder.maxTokens))
	}
	if err == nil {
		if w := r.session.Work; w != nil {
			if why := w.Needs(memoryOf(r.tokens)); why != nil {
				return r.giveUp(why)
			}
		}
		if at := r.backslash(); at >= 0 {
			return r.refuseWhole(backslashInString(syntax.CharPosition(r.source.UTF8, at)))
		}
		r.tree, err = parse(r.source.UTF8)
	}
	if err == nil && r.seen != nil {
		r.plain = plainConstants(r.tree.tree)
	}
	if at := strings.IndexByte(r.source.UTF8, '\\'); err != nil && at >= 0 && !r.session.StandardStrings {
		// Perhaps a quote was taken for the end of a string.
		t := r.refuseWhole(backslashInString(syntax.CharPosition(r.source.UTF8, at)))
		t.Question = r.questionOfUnread(t.Statements[0].Failure)
		return t
	}
	if err != nil {
		return r.unreadable(err)
	}
	return nil
}

// backslash finds a string that the server reads in another way than we do, since backslashes escape in it. Up to the
// first of them both read the same. -1 when there is none.
func (r *rewriting) backslash() int {
	if r.session.StandardStrings {
		return -1
	}
	for i := range r.tokens.List {
		if text := r.tokens.Text(i); text[0] == '\'' && strings.IndexByte(text, '\\') >= 0 {
			return r.tokens.Start(i)
		}
	}
	return -1
}
