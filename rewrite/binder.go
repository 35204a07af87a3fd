package rewrite

import "github.com/seguedb/segue/rules"

// A Hit says what the prefilter found in a text.
type Hit byte

// The hits. Hits are conservative: a text with Miss cannot concern a table under migration.
const (
	Miss       Hit = iota // forward it byte for byte
	StateWords            // forward it; afterwards the session's state is to be read again before it is used
	Names                 // give it to Rewrite
)

// Options bound a Binder. The zero value means the defaults.
type Options struct {
	CacheBytes int64 // of the cache of rewritten texts; default 64 MiB
	MaxCached  int   // texts longer than this many bytes are rewritten but not cached; default 64 KiB
}

// A Binder rewrites texts for one snapshot. It is safe for concurrent use.
type Binder struct {
	snap *rules.Snapshot
}

// NewBinder makes the binder of a snapshot, its prefilter compiled and its cache empty.
func NewBinder(snap *rules.Snapshot, o Options) *Binder { panic("being built") }

// Snapshot is the one that the binder works for.
func (b *Binder) Snapshot() *rules.Snapshot { return b.snap }

// Match looks for identifiers that matter, in one pass over the bytes and without allocating. prepared says that the
// session has, or may have, statements made by SQL PREPARE, so that EXECUTE matters too. When nothing is live all
// texts miss.
func (b *Binder) Match(sql []byte, prepared bool) Hit { panic("being built") }

// Rewrite binds sql for the session and returns what to send. The only error is *NeedRelation: whatever cannot be
// bound, or must not be sent, is a Statement with a Failure in a Text that makes the server fail at that statement.
// sql is in the session's encoding.
func (b *Binder) Rewrite(s *Session, sql string) (*Text, error) { panic("being built") }

// FailureAt finds the error to give to the client when the server reports one for this text at the position (1-based,
// in characters of Text.SQL; 0 when the server gave none). nil means that the server's own error is the right one.
// A statement that must fail is sent as a stand-in that the server rejects by itself, at the time and with the
// transaction state that the client's own statement would have had.
func (t *Text) FailureAt(code string, message string, position int) *Error { panic("being built") }

// ClientPosition maps a position in Text.SQL to the client's text; both 1-based and in characters.
func (t *Text) ClientPosition(position int) int { panic("being built") }

// Translate replaces the physical names of tables and columns in an error's text by the version's: only quoted ones,
// and only names that the lens of the text's version maps.
func (t *Text) Translate(s string) string { panic("being built") }

// LogicalNames maps the table and column fields of an error or notice to the version's names.
func (t *Text) LogicalNames(schema, table, column string) (string, string) { panic("being built") }

// Verify compares the server's first RowDescription for statement number i with what was predicted. After a mismatch
// the text is refused from then on, by every later Rewrite of it. Safe for concurrent use.
func (t *Text) Verify(i int, got []Column) error { panic("being built") }

// Verified tells whether nothing is left for Verify to do.
func (t *Text) Verified() bool { panic("being built") }

// Sample is the client's text with its literals replaced by $n, at most 1 kB, for reports.
func (t *Text) Sample() string { panic("being built") }
