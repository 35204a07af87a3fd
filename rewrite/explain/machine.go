package explain

import "strings"

// The formats for machines are read as explain.c prints them, line by line, since only their values are to be changed.
// What follows keeps track of the groups that are open (ExplainOpenGroup).

// A planGroup is a group that is open.
type planGroup struct {
	node   *planNode
	label  string // XML: of the group; else of the list whose items come
	indent int    // YAML: the column in which its labels begin
}

// A machinePlan reads one of these formats.
type machinePlan struct {
	text    string
	queries []*planQuery
	query   *planQuery
	open    []planGroup
}

// push opens a group with a node of its own. The outermost is a query.
func (p *machinePlan) push(g planGroup) {
	if len(p.open) == 0 || p.query == nil {
		p.query = &planQuery{}
		p.queries = append(p.queries, p.query)
	}
	g.node = p.query.add()
	if outer := p.last(); outer != nil {
		g.node.parent = outer.node
	}
	p.open = append(p.open, g)
}

func (p *machinePlan) pop() {
	if len(p.open) > 0 {
		p.open = p.open[:len(p.open)-1]
	}
}

// last is the innermost open group; nil when none is.
func (p *machinePlan) last() *planGroup {
	if len(p.open) == 0 {
		return nil
	}
	return &p.open[len(p.open)-1]
}

// jsonPlans reads FORMAT JSON.
func jsonPlans(text string) []*planQuery {
	p := &machinePlan{text: text}
	for at := 0; at < len(text); {
		end := lineEnd(text, at)
		start := at + len(text[at:end]) - len(strings.TrimLeft(text[at:end], " "))
		p.jsonLine(start, text[start:end])
		at = end + 1
	}
	return p.queries
}

// jsonLine reads a line: strings have no line breaks in them, so each is a property, or a bracket.
func (p *machinePlan) jsonLine(start int, line string) {
	g := p.last()
	switch {
	case line == "{":
		p.push(planGroup{})
	case strings.HasPrefix(line, "}"):
		p.pop()
	case g == nil:
	case strings.HasPrefix(line, `["`): // a list within a list
		p.properties(g, g.label, start+1)
	case strings.HasPrefix(line, `"`):
		label, ok := quotedPart(p.text, start)
		if !ok || !strings.HasPrefix(p.text[label.end:], ": ") {
			return
		}
		g.label = label.value
		at := label.end + len(": ")
		switch {
		case strings.HasPrefix(p.text[at:], "{"):
			p.push(planGroup{})
		case strings.HasPrefix(p.text[at:], `["`):
			p.properties(g, g.label, at+1)
		default:
			p.properties(g, g.label, at)
		}
	}
}

// properties takes the JSON strings from an offset on; there may be none.
func (p *machinePlan) properties(g *planGroup, label string, at int) {
	for _, part := range quotedParts(p.text, at) {
		p.query.property(g.node, label, part)
	}
}

// yamlPlans reads FORMAT YAML.
func yamlPlans(text string) []*planQuery {
	p := &machinePlan{text: text}
	for at := 0; at < len(text); {
		end := lineEnd(text, at)
		indent := end - at - len(strings.TrimLeft(text[at:end], " "))
		p.yamlLine(at+indent, indent, text[at+indent:end])
		at = end + 1
	}
	return p.queries
}

// yamlLine reads a line. Labels have no quotes, and values that are text have them.
func (p *machinePlan) yamlLine(start, indent int, line string) {
	item := strings.HasPrefix(line, "- ")
	if item {
		start, indent, line = start+2, indent+2, line[2:]
	}
	if g := p.last(); item && g != nil && (strings.HasPrefix(line, `"`) || strings.HasPrefix(line, `["`)) {
		p.properties(g, g.label, start+strings.IndexByte(line, '"'))
		return
	}
	label, value, ok := strings.Cut(line, ":")
	if !ok {
		return
	}
	for g := p.last(); g != nil && (g.indent > indent || item && g.indent == indent); g = p.last() {
		p.pop()
	}
	if g := p.last(); g == nil || g.indent < indent {
		p.push(planGroup{indent: indent})
	}
	g := p.last()
	g.label = label
	p.properties(g, label, start+len(line)-len(strings.TrimLeft(value, " ")))
}

// xmlPlans reads FORMAT XML. A value ends at its tag, perhaps on another line.
func xmlPlans(text string) []*planQuery {
	p := &machinePlan{text: text}
	for at := 0; ; {
		open := strings.IndexByte(text[at:], '<')
		if open < 0 {
			return p.queries
		}
		at += open + 1
		length := strings.IndexByte(text[at:], '>')
		if length < 0 {
			return p.queries
		}
		tag := text[at : at+length]
		at += length + 1
		at = p.xmlTag(tag, at)
	}
}

// xmlGroups are the tags within which properties are those of one node.
var xmlGroups = map[string]bool{
	"Query": true, "Plan": true, "Target-Table": true, "Grouping-Set": true, "Trigger": true, "Worker": true,
}

// xmlTag reads what follows a tag, up to the offset that it returns.
func (p *machinePlan) xmlTag(tag string, at int) int {
	switch {
	case strings.HasPrefix(tag, "/"):
		p.pop()
		return at
	case strings.HasPrefix(tag, "explain "), strings.HasSuffix(tag, "/"), strings.HasPrefix(tag, "?"):
		return at
	case strings.HasPrefix(p.text[at:], "\n"):
		if g := p.last(); g == nil || xmlGroups[tag] {
			p.push(planGroup{label: tag})
		} else {
			p.open = append(p.open, planGroup{node: g.node, label: tag})
		}
		return at
	}
	length := strings.IndexByte(p.text[at:], '<')
	if length < 0 {
		return at
	}
	end := at + length
	if g := p.last(); g != nil {
		if tag == "Item" {
			tag = g.label
		}
		label := strings.ReplaceAll(tag, "-", " ")
		if label == "One Time Filter" {
			label = "One-Time Filter"
		}
		p.query.property(g.node, label, planPart{start: at, end: end, value: xmlUnescaper.Replace(p.text[at:end]), spell: xmlEscaper.Replace})
	}
	return end + strings.IndexByte(p.text[end:], '>') + 1
}

// These mirror escape_xml (xml.c).
var (
	xmlEscaper   = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#x0d;")
	xmlUnescaper = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">", "&#x0d;", "\r")
)
