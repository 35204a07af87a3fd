package syntax

import (
	"errors"
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
)

// The parser is C. It cannot be interrupted, keeps its tree on the stack of the thread, and rescans some texts over and
// over. So what is given to it is bounded before, by what can be seen in the tokens.
const (
	DefaultMaxTokens = 500_000

	// maxLeftDepth bounds how deep a tree can become by operators, joins and UNIONs in a row, which the grammar takes from
	// the left, without needing its own stack, which is bounded. Beyond a few ten thousand the parser overruns the thread's.
	maxLeftDepth = 8_000

	// maxOperator bounds the signs of operators in a row: scan.l reads all that follow, for each + and - among them.
	maxOperator = 1_000

	// longText is a text, in bytes, that can be beyond one of these limits, or take the scanner long.
	longText = 8_000

	// fewComments are so few that it does not matter that scan.l looks at all signs behind the beginning of each.
	fewComments = 16
)

// ErrTooComplex says that a text is beyond a limit of the parser.
var ErrTooComplex = errors.New("the text is too complex")

// ErrTooLong says that a text has more tokens than are read.
var ErrTooLong = errors.New("the text has too many words and signs")

// Parse parses a UTF-8 text that is not beyond what the parser can do. Its errors are those of ast.Parse, and
// ErrTooComplex.
func Parse(sql string) (*ast.ParseResult, error) {
	if tooManyCopies(sql) {
		return nil, ErrTooComplex
	}
	if len(sql) < longText {
		return parseContinued(sql)
	}
	list, ok := Lex(sql)
	if ok && tooDeepTokens(list) || !ok && longOperator(sql) {
		return nil, ErrTooComplex
	}
	blank := blankComments(sql)
	tree, err := parseContinued(blank)
	return tree, nearComment(sql, blank, err)
}

// nearComment has a syntax error quote the text that the comment at which it is begins with.
func nearComment(sql, blank string, err error) error {
	const unterminated = "unterminated /* comment"
	var syntax *ast.SyntaxError
	if blank == sql || !errors.As(err, &syntax) || !strings.HasPrefix(syntax.Message, unterminated) {
		return err
	}
	at := ByteOffset(sql, syntax.Position)
	return &ast.SyntaxError{Message: unterminated + ` at or near "` + sql[at:] + `"`, Position: syntax.Position}
}

// blankComments puts spaces for what is inside comments, so that nothing moves. A text with few of them stays as it is.
//
// scan.l takes for the beginning of a comment all signs of operators that follow it, and gives them back: time that grows
// with the square of the length where comments nest, or stand side by side.
func blankComments(sql string) string {
	if strings.Count(sql, "/*") < fewComments {
		return sql
	}
	l := &lexer{sql: sql}
	out := []byte(sql)
	for l.at < len(sql) {
		switch rest := sql[l.at:]; {
		case isSpace(rest[0]):
			l.at++
		case strings.HasPrefix(rest, "--"):
			l.at += lineLength(rest)
		case strings.HasPrefix(rest, "/*"):
			n := commentLength(rest)
			if n == 0 {
				blankBytes(out[l.at+2:])
				return string(out)
			}
			if n > 4 || l.endsString() {
				blankBytes(out[l.at+2 : l.at+n-2]) // a comment keeps a string from going on behind it
			} else {
				blankBytes(out[l.at : l.at+n])
			}
			l.list = l.list[:0]
			l.at += n
		default:
			if l.list = l.list[:0]; !l.next() {
				return string(out)
			}
		}
	}
	return string(out)
}

// endsString tells whether the last token that was cut is a string.
func (l *lexer) endsString() bool {
	return len(l.list) > 0 && IsLiteral(l.list[len(l.list)-1].Kind)
}

// blankBytes keeps the number of characters, which errors count, and the ends of lines.
func blankBytes(b []byte) {
	for i, c := range b {
		switch {
		case c >= 0x80, c == '\n', c == '\r':
		default:
			b[i] = ' '
		}
	}
}

// longOperator tells whether there are more signs of operators in a row than the scanner can take.
func longOperator(sql string) bool {
	run := 0
	for i := range len(sql) {
		if run++; !isOperator(sql[i]) {
			run = 0
		}
		if run > maxOperator {
			return true
		}
	}
	return false
}

// A nesting is what is open at one level of brackets, or of CASE.
type nesting struct {
	opens      ast.Token
	operators  int // in a row, in one expression
	within     int // the depth of the deepest brackets in that expression
	deepest    int // of the expressions before, and their joins
	joins      int
	operations int // UNION and its like
	betweens   int // that wait for their AND
}

// depth is how deep the tree of the level may be.
func (n *nesting) depth() int { return n.operations + max(n.deepest, n.operators+n.within+n.joins) }

// next begins another expression.
func (n *nesting) next() {
	n.deepest = max(n.deepest, n.operators+n.within+n.joins)
	n.operators, n.within, n.betweens = 0, 0, 0
}

// tooDeepTokens tells whether the tree of a text may be deeper by operators in a row than the parser can take. Brackets
// need the grammar's own stack, which is bounded.
func tooDeepTokens(list []Token) bool {
	levels := []nesting{{}}
	sum := 0 // of the depths of all open levels but the last
	for i := range list {
		kind := list[i].Kind
		n := &levels[len(levels)-1]
		switch kind {
		case '(', '[', ast.Token_CASE:
			sum += n.depth()
			levels = append(levels, nesting{opens: kind})
			continue
		case ')', ']', ast.Token_END_P:
			if len(levels) > 1 && closes(n.opens, kind) {
				depth := n.depth() + 1
				levels = levels[:len(levels)-1]
				n = &levels[len(levels)-1]
				sum -= n.depth()
				n.within = max(n.within, depth)
			}
		default:
			n.take(kind)
		}
		if sum+n.depth() > maxLeftDepth {
			return true
		}
	}
	return false
}

func closes(open, kind ast.Token) bool {
	return open == '(' && kind == ')' || open == '[' && kind == ']' || open == ast.Token_CASE && kind == ast.Token_END_P
}

// take counts a token. What ends an expression is sure to: a word that the grammar has nowhere within one.
func (n *nesting) take(kind ast.Token) {
	switch kind {
	case ';':
		*n = nesting{opens: n.opens}
	case ',', ast.Token_OR, ast.Token_WHERE, ast.Token_WHEN, ast.Token_THEN, ast.Token_ELSE, ast.Token_ON:
		n.next()
	case ast.Token_SELECT:
		n.next()
		n.joins = 0
	case ast.Token_AND:
		if n.betweens > 0 {
			n.betweens--
		} else {
			n.next()
		}
	case ast.Token_BETWEEN:
		n.betweens++
		n.operators++
	case ast.Token_JOIN:
		n.joins++
	case ast.Token_UNION, ast.Token_INTERSECT, ast.Token_EXCEPT:
		n.operations++
	case '+', '-', '*', '/', '%', '^', '<', '>', '=', ast.Token_Op, ast.Token_LESS_EQUALS, ast.Token_GREATER_EQUALS,
		ast.Token_NOT_EQUALS, ast.Token_TYPECAST, ast.Token_IS, ast.Token_ISNULL, ast.Token_NOTNULL, ast.Token_COLLATE,
		ast.Token_AT, ast.Token_LIKE, ast.Token_ILIKE, ast.Token_SIMILAR, ast.Token_IN_P, ast.Token_OVERLAPS,
		ast.Token_OPERATOR, ast.Token_NOT:
		n.operators++
	}
}
