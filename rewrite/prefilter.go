package rewrite

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// A prefilter finds in a text the words through which a table under migration could be seen, and those that change what
// names mean. It is conservative: what it misses cannot matter.
//
// Words are looked for by the three bytes at their first or second place, of which one is at an even offset of the text:
// one load, one mask and one look into a bitmap of 4 kB decide for two bytes of text at a time. The masks keep five
// bits of a byte, which makes upper and lower case the same and confuses little else.
type prefilter struct {
	grams [1 << 15 / 64]uint64   // which three bytes begin a word, or follow its first byte
	words map[uint32][]candidate // by the same three bytes
	short []word                 // words too short for that, looked for one by one
	wide  bool                   // a name has no ASCII letters to look for: any byte beyond ASCII is a hit
	all   bool                   // a name cannot be looked for at all
}

// A word is what the prefilter looks for, in lower case.
type word struct {
	text      string
	openLeft  bool // may be part of a longer word on its left
	openRight bool // may be part of a longer word on its right
	meaning   meaning
}

// A candidate is a word together with the place in it, 0 or 1, of the bytes that it is filed under.
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
	meansSetting                 // a setting's name which is also a likely column: only right after SET or RESET
	meansRollback                // ROLLBACK, which matters when TO follows
	meansInto                    // INTO, which makes a table unless INSERT or MERGE precedes it
	meansDiscard                 // DISCARD: state, and the end of what is prepared
)

const shortest = 4 // bytes that a word needs to be found by three of them at an even offset

// newPrefilter compiles the filter for the identifiers, which are folded to lower case.
func newPrefilter(identifiers []string) *prefilter {
	f := &prefilter{words: make(map[uint32][]candidate)}
	for _, id := range identifiers {
		f.addName(id)
	}
	for _, w := range stateWords {
		f.add(w)
	}
	return f
}

// addName files an identifier under its longest run of plain bytes: quotes can be doubled in a text, and bytes beyond
// ASCII look different in another encoding.
func (f *prefilter) addName(name string) {
	run := longestRun(name)
	switch {
	case run == "" && name == strings.Map(dropASCII, name) && name != "":
		f.wide = true
	case run == "":
		f.all = true
	default:
		// A name that long may have been cut, so that the text has more of it.
		cut := len(name) > maxIdentifier-4
		partial := len(run) != len(name)
		first, last := run[0], run[len(run)-1]
		f.add(word{text: strings.ToLower(run), openLeft: partial || !isWordByte(first),
			openRight: partial || cut || !isWordByte(last)})
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

func (f *prefilter) add(w word) {
	if len(w.text) < shortest {
		f.short = append(f.short, w)
		return
	}
	for at := range 2 {
		g := gram(uint32(w.text[at]) | uint32(w.text[at+1])<<8 | uint32(w.text[at+2])<<16)
		f.grams[g>>6] |= 1 << (g & 63)
		f.words[g] = append(f.words[g], candidate{word: w, at: at})
	}
}

// gram packs the low five bits of three bytes.
func gram(b uint32) uint32 { return b&0x1f | b>>3&0x3e0 | b>>6&0x7c00 }

// match looks for words in one pass. prepared says that the session may have statements made by SQL PREPARE.
func (f *prefilter) match(sql []byte, prepared bool) Hit {
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
	for ; i+4 <= len(sql); i += 2 {
		g := gram(binary.LittleEndian.Uint32(sql[i:]))
		if f.grams[g>>6]>>(g&63)&1 != 0 {
			if hit = max(hit, f.confirm(sql, i, g, prepared)); hit == Names {
				return Names
			}
		}
	}
	if i+3 <= len(sql) { // three bytes are left: the end of a word that is filed under its second byte
		g := gram(uint32(sql[i]) | uint32(sql[i+1])<<8 | uint32(sql[i+2])<<16)
		hit = max(hit, f.confirm(sql, i, g, prepared))
	}
	return hit
}

// confirm compares the words filed under the three bytes at offset i.
func (f *prefilter) confirm(sql []byte, i int, g uint32, prepared bool) Hit {
	hit := Miss
	for _, c := range f.words[g] {
		if c.isAt(sql, i-c.at) {
			hit = max(hit, c.consequence(sql, i-c.at, prepared))
		}
	}
	return hit
}

// find looks for a short word by its first byte.
func (f *prefilter) find(sql []byte, w word, prepared bool) Hit {
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
		if lowerASCII(sql[i+j]) != w.text[j] {
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
