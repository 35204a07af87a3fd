package explain

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A planQuery is the plan of one query; a rule can make several of one statement. The names that its expressions use are
// unique within it (select_rtable_names_for_explain in ruleutils.c).
type planQuery struct {
	nodes []*planNode
	parts []planPart
}

// A planNode is one node of a plan, or a group within it, as far as it says what the names in its properties mean.
type planNode struct {
	schema, relation string // what it reads or changes; relation "" when it is no relation
	alias            string // under which name; "" when it has none
	insert           bool   // it inserts into the relation
	index            bool   // it is part of a bitmap scan, and its conditions are on columns of the table that parent reads
	parent           *planNode
}

// A partKind says what a part of a plan is.
type partKind byte

const (
	partExpression partKind = iota // SQL as ruleutils.c prints it, or a list of it
	partScan                       // rel, or rel alias, behind "on" in the text format
	partRelation                   // the name of the node's relation, without quotes
	partAlias                      // the node's alias, without quotes
	partTable                      // the name of any table, without quotes
)

// A planPart is a range of bytes of a plan that may hold names.
type planPart struct {
	start, end int
	kind       partKind
	value      string // what it says, in the plan's own spelling for text
	node       *planNode
	spell      func(string) string // writes a value as the format does
}

// planQueries cuts the output of EXPLAIN apart, by the format.
func planQueries(text string, format Format) []*planQuery {
	switch format {
	case JSON:
		return jsonPlans(text)
	case XML:
		return xmlPlans(text)
	case YAML:
		return yamlPlans(text)
	}
	return textPlans(text)
}

// A property is what the formats for machines print of a node: ExplainProperty in explain.c.
func (q *planQuery) property(n *planNode, label string, p planPart) {
	p.node = n
	switch label {
	case "Relation Name":
		n.relation, p.kind = p.value, partRelation
	case "Schema":
		n.schema = p.value
		return
	case "Alias":
		n.alias, p.kind = p.value, partAlias
	case "Node Type":
		n.index = strings.HasPrefix(p.value, "Bitmap") && p.value != "Bitmap Heap Scan"
		return
	case "Operation":
		n.insert = p.value == "Insert"
		return
	case "Relation": // of a trigger
		p.kind = partTable
	default:
		if !planExpressions[label] {
			return
		}
		p.kind = partExpression
	}
	q.parts = append(q.parts, p)
}

// planExpressions are the labels behind which expressions stand.
var planExpressions = map[string]bool{
	"Output": true, "Filter": true, "Join Filter": true, "One-Time Filter": true, "Conflict Filter": true,
	"Index Cond": true, "Recheck Cond": true, "TID Cond": true, "Hash Cond": true, "Merge Cond": true, "Run Condition": true,
	"Order By": true, "Sort Key": true, "Presorted Key": true, "Group Key": true, "Group Keys": true, "Hash Key": true,
	"Hash Keys": true, "Cache Key": true, "Function Call": true, "Table Function Call": true, "Sampling": true,
	"Sampling Parameters": true, "Repeatable Seed": true, "Window": true,
}

// add makes a node of the query.
func (q *planQuery) add() *planNode {
	n := &planNode{}
	q.nodes = append(q.nodes, n)
	return n
}

// quotedLengthJSON is the length of the JSON string at the start of s; 0 where there is none.
func quotedLengthJSON(s string) int {
	if !strings.HasPrefix(s, `"`) {
		return 0
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// quotedPart is the JSON string at an offset of the text; ok is false where there is none.
func quotedPart(text string, at int) (p planPart, ok bool) {
	n := quotedLengthJSON(text[at:])
	if n == 0 || json.Unmarshal([]byte(text[at:at+n]), &p.value) != nil {
		return p, false
	}
	p.start, p.end, p.spell = at, at+n, spellJSON
	return p, true
}

// quotedParts are the JSON strings of a list, of which the first starts at an offset of the text.
func quotedParts(text string, at int) []planPart {
	var list []planPart
	for {
		p, ok := quotedPart(text, at)
		if !ok {
			return list
		}
		list = append(list, p)
		if !strings.HasPrefix(text[p.end:], `, "`) {
			return list
		}
		at = p.end + len(", ")
	}
}

// spellJSON mirrors escape_json (json.c).
func spellJSON(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\b':
			b.WriteString(`\b`)
		case '\f':
			b.WriteString(`\f`)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			if c < ' ' {
				fmt.Fprintf(&b, `\u%04x`, c)
			} else {
				b.WriteByte(c)
			}
		}
	}
	b.WriteByte('"')
	return b.String()
}
