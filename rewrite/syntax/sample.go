package syntax

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seguedb/segue/rewrite/ast"
)

// maxSample is the size in bytes that a sample is cut to.
const maxSample = 1024

// WithoutLiterals is Tokens.Sample for a text whose settings are not known, such as one of pg_stat_activity, which may also be cut
// off. It is empty where it is not certain which parts are literals: in a text that cannot be scanned, and in one whose
// strings end elsewhere when standard_conforming_strings is off.
func WithoutLiterals(sql string) string {
	if !utf8.ValidString(sql) || strings.Contains(sql, `\'`) {
		return ""
	}
	toks, err := Scan(sql)
	if err != nil {
		return ""
	}
	return toks.Sample()
}

// Sample writes the tokens with one space where the text has white space or a comment. Literals are numbered on from
// the highest parameter, as pg_stat_statements does.
func (t *Tokens) Sample() string {
	var b strings.Builder
	next := t.highestParam() + 1
	for i, k := range t.List {
		if b.Len() > maxSample {
			break
		}
		if i > 0 && t.End(i-1) < k.Start {
			b.WriteByte(' ')
		}
		if IsLiteral(k.Kind) {
			b.WriteString("$" + strconv.Itoa(next))
			next++
			continue
		}
		b.WriteString(t.Text(i))
	}
	return CutAtCharacter(b.String(), maxSample)
}

func (t *Tokens) highestParam() int {
	highest := 0
	for i, k := range t.List {
		if k.Kind == ast.Token_PARAM {
			n, _ := strconv.Atoi(t.Text(i)[1:])
			highest = max(highest, n)
		}
	}
	return highest
}

// IsLiteral tells whether a token is a constant.
func IsLiteral(kind ast.Token) bool {
	switch kind {
	case ast.Token_SCONST, ast.Token_USCONST, ast.Token_BCONST, ast.Token_XCONST, ast.Token_ICONST, ast.Token_FCONST:
		return true
	}
	return false
}
