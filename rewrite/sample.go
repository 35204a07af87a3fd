package rewrite

import (
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/seguedb/segue/rewrite/ast"
)

// maxSample is the size in bytes that a sample is cut to.
const maxSample = 1024

// sample is made at the first use: few texts are ever reported.
type sample struct {
	once sync.Once
	text string
}

// Sample is the client's text with its literals replaced by $n and its comments removed, at most 1 kB, for reports.
// A text that cannot be scanned has no sample: its literals could not be told apart.
func (t *Text) Sample() string {
	t.sample.once.Do(func() {
		client, _ := t.asUTF8()
		if toks, err := scanTokens(client); err == nil {
			t.sample.text = toks.sample()
		}
	})
	return t.sample.text
}

// WithoutLiterals is Sample for a text whose settings are not known, such as one of pg_stat_activity, which may also be cut
// off. It is empty where it is not certain which parts are literals: in a text that cannot be scanned, and in one whose
// strings end elsewhere when standard_conforming_strings is off.
func WithoutLiterals(sql string) string {
	if !utf8.ValidString(sql) || strings.Contains(sql, `\'`) {
		return ""
	}
	toks, err := scanTokens(sql)
	if err != nil {
		return ""
	}
	return toks.sample()
}

// sample writes the tokens with one space where the text has white space or a comment. Literals are numbered on from
// the highest parameter, as pg_stat_statements does.
func (t *tokens) sample() string {
	var b strings.Builder
	next := t.highestParam() + 1
	for i, k := range t.list {
		if b.Len() > maxSample {
			break
		}
		if i > 0 && t.end(i-1) < k.start {
			b.WriteByte(' ')
		}
		if isLiteral(k.kind) {
			b.WriteString("$" + strconv.Itoa(next))
			next++
			continue
		}
		b.WriteString(t.text(i))
	}
	return cutAtCharacter(b.String(), maxSample)
}

func (t *tokens) highestParam() int {
	highest := 0
	for i, k := range t.list {
		if k.kind == ast.Token_PARAM {
			n, _ := strconv.Atoi(t.text(i)[1:])
			highest = max(highest, n)
		}
	}
	return highest
}

func isLiteral(kind ast.Token) bool {
	switch kind {
	case ast.Token_SCONST, ast.Token_USCONST, ast.Token_BCONST, ast.Token_XCONST, ast.Token_ICONST, ast.Token_FCONST:
		return true
	}
	return false
}

// cutAtCharacter cuts a text to so many bytes, before a character that would not fit.
func cutAtCharacter(s string, size int) string {
	if len(s) <= size {
		return s
	}
	for size > 0 && !utf8.RuneStart(s[size]) {
		size--
	}
	return s[:size]
}
