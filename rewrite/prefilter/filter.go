package prefilter

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/syntax"
)

// A Filter finds in a text the words through which a table under migration could be seen, and those that change what
// names mean. It is conservative: what it misses cannot matter.
//
// Of each word three bytes and the three that begin one byte later are filed: one of the two is at an even offset of the
// text. So one load gives three places to look up, and six bytes of text are done. (A third of the time that a map of
// bit sets took which was asked at every second byte; BenchmarkPrefilterMiss has the figures.)
type Filter struct {
	table   [1 << tableBits]uint8 // by the hash of three bytes, the bucket; 0 is empty
	buckets [][]candidate
	short   []word // words too short for that, looked for one by one
	wide    bool   // a name has no ASCII letters to look for: any byte beyond ASCII is a hit
	all     bool   // a name cannot be looked for at all
}

const (
	tableBits = 14
	shortest  = 4 // bytes that a word needs to have two overlapping runs of three
)

// A word is what the prefilter looks for, in lower case.
type word struct {
	text      string
	openLeft  bool // may be part of a longer word on its left
	openRight bool // may be part of a longer word on its right
	meaning   meaning
}

// A candidate is a word together with the place in it of the three bytes that it is filed under.
type candidate struct {
	word
	at int
}

// meaning is what follows from finding a word.
type meaning byte

const (
	meansName     meaning = iota // a name of a table under migration
	meansState                   // the session's state may be different afterwards
	meansPrepared                // concerns statements made by SQL PREPARE, if there are any
	meansSchema                  // SCHEMA: as meansSetting; after DROP or ALTER, a name: all that is in the schema
	meansSetting                 // a setting's name which is also a likely column: only right after SET or RESET
	meansRollback                // ROLLBACK, which matters when TO follows
	meansInto                    // INTO, which makes a table unless INSERT or MERGE precedes it
	meansImport                  // IMPORT, which makes tables of names that are not known when FOREIGN follows
	meansDiscard                 // DISCARD: state, and the end of what is prepared
)

// New compiles the filter for the identifiers, which are folded to lower case.
func New(identifiers []string, changers []catalog.SessionChanger) *Filter {
	f := &Filter{buckets: make([][]candidate, 1)}
	for _, id := range identifiers {
		f.addName(id, meansName)
	}
	for _, c := range changers {
		f.addName(c.Name, meansState)
	}
	for _, w := range stateWords {
		f.add(w)
	}
	return f
}

// OfNames compiles a filter for names alone, which are folded to lower case.
func OfNames(names []string) *Filter {
	f := &Filter{buckets: make([][]candidate, 1)}
	for _, name := range names {
		f.addName(name, meansName)
	}
	return f
}

// OfMakers compiles a filter for the names in catalog.Catalog.Makers. INTO counts where it makes a table, with StateWords.
func OfMakers(names []string) *Filter {
	f := &Filter{buckets: make([][]candidate, 1)}
	for _, name := range names {
		if name == "into" {
			f.add(word{text: name, meaning: meansInto})
			continue
		}
		f.addName(name, meansName)
	}
	return f
}

// OfChangers compiles a filter that finds the names of what can change the session without saying so: with Names when it
// may change segue.version too, else with StateWords. It is nil when there is nothing to find.
func OfChangers(changers []catalog.SessionChanger) *Filter {
	if len(changers) == 0 {
		return nil
	}
	f := &Filter{buckets: make([][]candidate, 1)}
	for _, c := range changers {
		means := meansState
		if c.Version {
			means = meansName
		}
		f.addName(c.Name, means)
	}
	return f
}

// addName files an identifier under its longest run of plain bytes: quotes can be doubled in a text, and bytes beyond
// ASCII look different in another encoding.
func (f *Filter) addName(name string, means meaning) {
	run := longestRun(name)
	switch {
	case run == "" && name == strings.Map(dropASCII, name) && name != "":
		f.wide = true
	case run == "":
		f.all = true
	default:
		// A name that long may have been cut, so that the text has more of it.
		cut := len(name) > syntax.MaxIdentifier-4
		partial := len(run) != len(name)
		first, last := run[0], run[len(run)-1]
		f.add(word{text: strings.ToLower(run), openLeft: partial || !isWordByte(first),
			openRight: partial || cut || !isWordByte(last), meaning: means})
	}
}

func dropASCII(r rune) rune {
	if r < 0x80 {
		return -1
	}
	return r
}

// longestRun is the longest part of a name that every text must hold as it is.
func longestRun(name string) string {
	longest := ""
	for _, run := range strings.FieldsFunc(name, func(r rune) bool { return r >= 0x80 || r == '"' || r == '\'' || r == '\\' }) {
		if len(run) > len(longest) {
			longest = run
		}
	}
	return longest
}

func (f *Filter) add(w word) {
	if len(w.text) < shortest {
		f.short = append(f.short, w)
		return
	}
	rarest := rarestPlace(w.text)
	for at := rarest; at <= rarest+1; at++ {
		h := hash3(uint32(w.text[at]) | uint32(w.text[at+1])<<8 | uint32(w.text[at+2])<<16)
		if f.table[h] == 0 {
			f.table[h] = uint8(min(len(f.buckets), 255))
			f.buckets = append(f.buckets, nil)
		}
		f.buckets[f.table[h]] = append(f.buckets[f.table[h]], candidate{word: w, at: at})
	}
}

// letters are those of English text, the commonest first.
const letters = "etaoinsrhdlu_cmfywgpbvkxqjz"

// rarestPlace finds the four bytes of a word that are the least common in texts.
func rarestPlace(text string) int {
	best, bestRarity := 0, -1
	for at := 0; at+shortest <= len(text); at++ {
		rarity := 0
		for _, c := range []byte(text[at : at+shortest]) {
			if i := strings.IndexByte(letters, c); i >= 0 {
				rarity += i
			} else {
				rarity += len(letters)
			}
		}
		if rarity > bestRarity {
			best, bestRarity = at, rarity
		}
	}
	return best
}

// hash3 hashes the low three of four bytes, upper and lower case alike.
func hash3(b uint32) uint32 { return (b | 0x20202020) << 8 * 0x9e3779b1 >> (32 - tableBits) }

// Match looks for words in one pass. prepared says that the session may have statements made by SQL PREPARE.
func (f *Filter) Match(sql []byte, prepared bool) Hit {
	if f.all || f.wide && hasWide(sql) || hasUnicodeQuote(sql) {
		return Names
	}
	hit := Miss
	for _, w := range f.short {
		if hit = max(hit, f.find(sql, w, prepared)); hit == Names {
			return Names
		}
	}
	i := 0
	for ; i+8 <= len(sql); i += 6 {
		b := binary.LittleEndian.Uint64(sql[i:])
		if f.table[hash3(uint32(b))]|f.table[hash3(uint32(b>>16))]|f.table[hash3(uint32(b>>32))] == 0 {
			continue
		}
		for at := i; at < i+6; at += 2 {
			if hit = max(hit, f.confirm(sql, at, prepared)); hit == Names {
				return Names
			}
		}
	}
	for ; i+3 <= len(sql); i += 2 {
		hit = max(hit, f.confirm(sql, i, prepared))
	}
	return hit
}

// confirm compares the words filed under the three bytes at offset i.
func (f *Filter) confirm(sql []byte, i int, prepared bool) Hit {
	hit := Miss
	bucket := f.table[hash3(uint32(sql[i])|uint32(sql[i+1])<<8|uint32(sql[i+2])<<16)]
	for j := range f.buckets[bucket] {
		c := &f.buckets[bucket][j]
		if c.isAt(sql, i-c.at) {
			hit = max(hit, c.consequence(sql, i-c.at, prepared))
		}
	}
	return hit
}

// find looks for a short word by its first byte.
func (f *Filter) find(sql []byte, w word, prepared bool) Hit {
	hit := Miss
	for i := range sql {
		if sql[i]|0x20 == w.text[0]|0x20 && w.isAt(sql, i) {
			hit = max(hit, w.consequence(sql, i, prepared))
		}
	}
	return hit
}

// isAt tells whether the word stands at offset i, whole.
func (w *word) isAt(sql []byte, i int) bool {
	end := i + len(w.text)
	if i < 0 || end > len(sql) {
		return false
	}
	for j := range len(w.text) {
		if syntax.LowerASCII(sql[i+j]) != w.text[j] {
			return false
		}
	}
	// Servers before 15 let a number end where letters begin, so a digit on the left does not join.
	if !w.openLeft && i > 0 && isWordByte(sql[i-1]) && (sql[i-1] < '0' || sql[i-1] > '9') {
		return false
	}
	return w.openRight || end == len(sql) || !isWordByte(sql[end])
}

// isWordByte tells whether c can be inside an identifier. A dollar sign can, but it also ends the quoted text of a DO
// block, so it counts as a boundary.
func isWordByte(c byte) bool {
	return c >= 0x80 || c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'
}

func hasWide(sql []byte) bool {
	for _, c := range sql {
		if c >= 0x80 {
			return true
		}
	}
	return false
}

// hasUnicodeQuote looks for U&" and U&', in which every letter may be written in another way.
func hasUnicodeQuote(sql []byte) bool {
	for from := 0; ; {
		i := bytes.IndexByte(sql[from:], '&')
		if i < 0 {
			return false
		}
		i += from
		if i > 0 && i+1 < len(sql) && sql[i-1]|0x20 == 'u' && (sql[i+1] == '"' || sql[i+1] == '\'') {
			return true
		}
		from = i + 1
	}
}
