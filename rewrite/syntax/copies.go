package syntax

import (
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
)

// The parser hands its tree out with a copy of what stands on the right of (a, b) = … for each column on the left: a text of
// 280 kB took 5 GB, and where one such list stands within another the copies multiply. So words and signs are counted as often
// as the tree has them.

// Weight is how many words and signs the tree of a text is made from. It stops counting some way beyond most.
func Weight(list []Token, most int) int {
	c := copies{most: most, factor: 1}
	for i := range list {
		if c.weight += c.factor; c.weight > most {
			break
		}
		c.take(list, i)
	}
	return c.weight
}

// A copies counts the tokens of a text.
type copies struct {
	most    int
	weight  int
	factor  int // how often the token at hand is in the tree
	open    []openList
	sources []source
}

// An openList is a bracket that is open, which may be that of a list of columns.
type openList struct {
	columns int  // 0 where it can be no such list
	assigns bool // it begins where an assignment can
}

// A source is the right side of an assignment to a list of columns.
type source struct{ depth, factor int }

// take goes over token i.
func (c *copies) take(list []Token, i int) {
	switch list[i].Kind {
	case '(', '[':
		assigns := list[i].Kind == '(' && i > 0 && (list[i-1].Kind == ast.Token_SET || list[i-1].Kind == ',')
		c.open = append(c.open, openList{columns: 1, assigns: assigns})
	case ')', ']':
		if len(c.open) == 0 {
			return
		}
		closed := c.open[len(c.open)-1]
		c.open = c.open[:len(c.open)-1]
		c.end(len(c.open) + 1)
		if closed.assigns && i+1 < len(list) && list[i+1].Kind == '=' {
			c.sources = append(c.sources, source{depth: len(c.open), factor: c.factor})
			c.factor = min(c.factor*closed.columns, c.most+1)
		}
	case ',':
		if len(c.open) > 0 {
			c.open[len(c.open)-1].columns++
		}
		c.end(len(c.open))
	case ast.Token_FROM:
		if i > 0 && list[i-1].Kind != ast.Token_DISTINCT { // IS DISTINCT FROM goes on
			c.end(len(c.open))
		}
	case ';', ast.Token_WHERE, ast.Token_RETURNING:
		c.end(len(c.open))
	}
}

// end ends the right sides that are as deep, or deeper.
func (c *copies) end(depth int) {
	for n := len(c.sources) - 1; n >= 0 && c.sources[n].depth >= depth; n-- {
		c.factor = c.sources[n].factor
		c.sources = c.sources[:n]
	}
}

// mayCopy tells whether a text may assign to a list of columns.
func mayCopy(sql string) bool {
	for {
		i := strings.IndexByte(sql, ')')
		if i < 0 {
			return false
		}
		sql = sql[i+1:]
		if rest := strings.TrimLeft(sql, " \t\n\r\f\v"); rest != "" && (rest[0] == '=' || rest[0] == '-' || rest[0] == '/') {
			return true // a comment may stand before the sign
		}
	}
}

// tooManyCopies tells whether the tree of a text is made from more than a text may have.
func tooManyCopies(sql string) bool {
	if !mayCopy(sql) {
		return false
	}
	list, ok := Lex(sql)
	if !ok {
		t, err := parserTokens(sql)
		if err != nil {
			return false // the parser refuses it, too
		}
		list = t.List
	}
	return Weight(list, DefaultMaxTokens) > DefaultMaxTokens
}
