package rules

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// list reads a list that is not empty, or returns nil after a mistake.
func (p *parser) list(n *yaml.Node, parent int, path, hint string) []*yaml.Node {
	switch {
	case n == nil:
		p.fail(parent, path, "this key is missing", hint)
	case n.Kind != yaml.SequenceNode:
		p.fail(n.Line, path, "this must be a list, but is "+kindName(n), hint)
	case len(n.Content) == 0:
		p.fail(n.Line, path, "this list is empty", hint)
	default:
		return n.Content
	}
	return nil
}

// flag reads true or false; a key that is missing is false.
func (p *parser) flag(n *yaml.Node, path string) bool {
	switch {
	case n == nil:
		return false
	case n.Kind == yaml.ScalarNode && n.Tag == "!!bool":
		return strings.EqualFold(n.Value, "true")
	}
	p.fail(n.Line, path, "this must be true or false, but is "+kindName(n), "")
	return false
}

// oneOf reads one of some words; a key that is missing gives "".
func (p *parser) oneOf(n *yaml.Node, path string, words ...string) string {
	if n == nil {
		return ""
	}
	text, ok := p.text(n, n.Line, path, "one of "+strings.Join(words, ", "))
	if ok && !slices.Contains(words, text) {
		p.fail(n.Line, path, "this cannot be "+text, suggestKey(text, words))
	}
	return text
}

// texts reads a mapping of texts to texts; a key that is missing gives nil.
func (p *parser) texts(n *yaml.Node, path string) map[string]string {
	switch {
	case n == nil:
		return nil
	case n.Kind != yaml.MappingNode || len(n.Content) == 0:
		p.fail(n.Line, path, "this must be a mapping that is not empty, but is "+kindName(n), "")
		return nil
	}
	out := map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || value.Kind != yaml.ScalarNode {
			p.fail(key.Line, path, "keys and values must be texts", "")
			continue
		}
		if _, twice := out[key.Value]; twice {
			p.fail(key.Line, join(path, key.Value), "this key is given twice", "remove one of them")
		}
		out[key.Value] = value.Value
	}
	return out
}
