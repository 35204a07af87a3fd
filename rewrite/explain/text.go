package explain

import (
	"regexp"
	"strings"

	"github.com/seguedb/segue/rewrite/syntax"
)

// A textPlan reads plans in the text format: a line for each node, and lines for its properties below it, further to the
// right. A line can hold line breaks, within strings and quoted names.
type textPlan struct {
	text    string
	at      int
	queries []*planQuery
	query   *planQuery
	node    *planNode // the last one
}

// textPlans reads the text format.
func textPlans(text string) []*planQuery {
	p := &textPlan{text: text}
	for p.begin(); p.at < len(text); {
		p.line()
	}
	return p.queries
}

// begin starts a new query: a line that is empty parts them.
func (p *textPlan) begin() {
	p.query = &planQuery{}
	p.queries = append(p.queries, p.query)
	p.node = p.query.add()
}

// line reads one line, and goes to the start of the next.
func (p *textPlan) line() {
	end := lineEnd(p.text, p.at)
	start := p.at + len(p.text[p.at:end]) - len(strings.TrimLeft(p.text[p.at:end], " "))
	root := start == p.at && len(p.query.parts) == 0 && len(p.query.nodes) == 1
	if start == end {
		p.begin()
	} else if arrow := strings.HasPrefix(p.text[start:], "->  "); arrow || root {
		if arrow {
			start += len("->  ")
		}
		outer := p.node
		p.node = p.query.add()
		if p.node.index = bitmapLine.MatchString(p.text[start:end]); p.node.index {
			p.node.parent = outer
		}
		end = p.scan(start, end, p.node)
	} else if targetLine.MatchString(p.text[start:end]) {
		end = p.scan(start, end, p.query.add())
	} else {
		end = p.property(start, end)
	}
	p.at = min(lineEnd(p.text, end)+1, len(p.text))
}

// lineEnd is the end of the line that the offset is in.
func lineEnd(text string, at int) int {
	if n := strings.IndexByte(text[at:], '\n'); n >= 0 {
		return at + n
	}
	return len(text)
}

// property reads a line with a label, and returns the end of what it has read.
func (p *textPlan) property(start, end int) int {
	line := p.text[start:end]
	if m := triggerLine.FindStringSubmatchIndex(line); m != nil {
		p.query.parts = append(p.query.parts, planPart{
			start: start + m[2], end: start + m[3], kind: partTable, value: line[m[2]:m[3]], spell: asItIs,
		})
		return end
	}
	label, value, ok := strings.Cut(line, ": ")
	if !ok || !planExpressions[label] {
		return end
	}
	from := end - len(value)
	for quote := openQuote(value, 0); quote != 0; {
		if end == len(p.text) {
			return lineEnd(p.text, from)
		}
		line := end
		end = lineEnd(p.text, end+1)
		quote = openQuote(p.text[line:end], quote)
	}
	p.query.parts = append(p.query.parts, planPart{
		start: from, end: end, kind: partExpression, value: p.text[from:end], node: p.node, spell: asItIs,
	})
	return end
}

// openQuote is the quote within which a text ends; 0 where it ends in none. The text begins within another, if not 0.
func openQuote(text string, quote byte) byte {
	for i := range len(text) {
		switch c := text[i]; {
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case c == quote: // doubled, it opens again
			quote = 0
		}
	}
	return quote
}

func asItIs(value string) string { return value }

// What a node's line says of its relation, as ExplainNode and ExplainTargetRel in explain.c print it.
var (
	scanLine = regexp.MustCompile(syntax.WithIdents(`^(?:Async |Parallel )*(?:(?:Seq|Sample|Bitmap Heap|Tid|Tid Range|Foreign) Scan` +
		`|Index (?:Only )?Scan(?: Backward)? using %|Custom Scan [(][^)\n]*[)]|(?:Foreign )?(?:(Insert)|Update|Delete|Merge))` +
		` on ((?:(%)[.])?(%)(?: (%))?)(?: ? [(]|\n|$)`))
	otherLine = regexp.MustCompile(syntax.WithIdents(`^(?:Async |Parallel )*(?:Subquery|Function|Table Function|Values|CTE` +
		`|Named Tuplestore|WorkTable) Scan on (?:%[.])?(%)(?: (%))?(?: ? [(]|\n|$)`))

	bitmapLine = regexp.MustCompile(`^(?:Bitmap Index Scan on |BitmapAnd|BitmapOr)`)

	// targetLine is that of one of several relations that are changed; it is no node of its own.
	targetLine = regexp.MustCompile(`^(?:Foreign )?(?:Insert|Update|Delete|Merge) on `)
	// triggerLine has names without quotes.
	triggerLine = regexp.MustCompile(`^Trigger .* on (.+): (?:time=[0-9.]+ )?calls=[0-9.]+$`)
)

// maxScanLine is more than the bytes of a node's name with four identifiers, each perhaps of doubled quotes.
const maxScanLine = 1 << 10

// scan reads what a node reads or changes, and returns the end of what it has read.
func (p *textPlan) scan(start, end int, n *planNode) int {
	line := p.text[start:min(start+maxScanLine, len(p.text))]
	if m := scanLine.FindStringSubmatchIndex(line); m != nil {
		part := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return syntax.DecodeIdent(p.text[start+m[2*i] : start+m[2*i+1]])
		}
		n.insert, n.schema, n.relation, n.alias = m[2] >= 0, part(3), part(4), part(5)
		if n.alias == "" {
			n.alias = n.relation
		}
		p.query.parts = append(p.query.parts, planPart{
			start: start + m[4], end: start + m[5], kind: partScan, value: p.text[start+m[4] : start+m[5]], node: n, spell: asItIs,
		})
		return start + m[5]
	}
	if m := otherLine.FindStringSubmatchIndex(line); m != nil {
		if m[4] < 0 {
			m[4], m[5] = m[2], m[3]
		}
		n.alias = syntax.DecodeIdent(p.text[start+m[4] : start+m[5]])
		return start + m[5]
	}
	return end
}
