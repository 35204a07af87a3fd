package rules

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// The bounds of a rule file: far above what anyone writes by hand.
const (
	maxFileBytes  = 256 << 10
	maxFileDepth  = 32
	maxOperations = 1000
)

// Parse reads a rule file, YAML or JSON. Every mistake is answered: one is a *FileError, several are FileErrors. file
// is only shown. What the names mean in a database is for Validate to say.
//
// A table is always written with its schema: a rule file is kept and read again long after, and what an unqualified
// name means depends on who asks.
func Parse(file string, data []byte) (*Migration, error) {
	p := &parser{file: file, lines: map[string]int{}}
	m := &Migration{Source: string(data), Phase: Draft, ContractAfter: defaultContractAfter, origin: &origin{file: file, lines: p.lines}}
	if root := p.document(data); root != nil {
		p.migration(root, m)
	}
	switch len(p.errs) {
	case 0:
	case 1:
		return nil, p.errs[0]
	default:
		slices.SortStableFunc(p.errs, func(a, b *FileError) int { return a.Line - b.Line })
		return nil, p.errs
	}
	var err error
	if m.Digest, err = m.digest(); err != nil {
		return nil, err
	}
	return m, nil
}

// A parser gathers mistakes while it goes on reading.
type parser struct {
	file  string
	errs  FileErrors
	lines map[string]int
}

func (p *parser) fail(line int, key, message, hint string) {
	p.errs = append(p.errs, &FileError{File: p.file, Line: line, Key: key, Message: message, Hint: hint})
}

// yamlLine finds the line in the messages of the YAML library.
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// document returns the one node of the file, or nil after a mistake.
func (p *parser) document(data []byte) *yaml.Node {
	switch {
	case len(data) > maxFileBytes:
		p.fail(0, "", fmt.Sprintf("the file has %d bytes; at most %d are read", len(data), maxFileBytes), "split the migration")
		return nil
	case !utf8.Valid(data):
		p.fail(0, "", "the file is not UTF-8", "save it in UTF-8")
		return nil
	}
	var doc, more yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		p.fail(1, "", "the file is empty", "it needs at least id and operations")
		return nil
	} else if err != nil {
		p.syntax(err)
		return nil
	}
	if err := dec.Decode(&more); err == nil {
		p.fail(more.Line, "", "the file holds more than one document", "put each migration into a file of its own")
		return nil
	} else if !errors.Is(err, io.EOF) {
		p.syntax(err)
		return nil
	}
	if !p.plain(&doc, 0) {
		return nil
	}
	return doc.Content[0]
}

func (p *parser) syntax(err error) {
	text := err.Error()
	found := yamlLine.FindStringSubmatch(text)
	line := 0
	if len(found) == 2 {
		line, _ = strconv.Atoi(found[1])
		text = text[len(found[0]):]
	}
	p.fail(line, "", "this is neither YAML nor JSON: "+text, "check the indentation and quotes of this line and the one before")
}

// plain refuses what a rule file has no use for and what can blow it up: anchors, aliases, merge keys, deep nesting.
func (p *parser) plain(n *yaml.Node, depth int) bool {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		p.fail(n.Line, "", "anchors and aliases are not read", "write the value out")
		return false
	case depth > maxFileDepth:
		p.fail(n.Line, "", "the file is nested too deeply", "")
		return false
	}
	for _, c := range n.Content {
		if !p.plain(c, depth+1) {
			return false
		}
	}
	return true
}

// mapping reads a mapping whose keys are all known, and returns its values by key; nil after a mistake in its form.
// An unknown key and a repeated one are mistakes.
func (p *parser) mapping(n *yaml.Node, path string, known ...string) map[string]*yaml.Node {
	if n.Kind != yaml.MappingNode {
		p.fail(n.Line, path, "this must be a mapping, but is "+kindName(n), "known keys: "+strings.Join(known, ", "))
		return nil
	}
	out := make(map[string]*yaml.Node, len(known))
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		key := join(path, k.Value)
		switch {
		case k.Kind != yaml.ScalarNode:
			p.fail(k.Line, path, "a key must be a word", "")
		case !slices.Contains(known, k.Value):
			p.fail(k.Line, key, "this key is not known", suggestKey(k.Value, known))
		case out[k.Value] != nil:
			p.fail(k.Line, key, fmt.Sprintf("this key was given in line %d already", out[k.Value].Line), "remove one of them")
		default:
			out[k.Value] = v
			p.lines[key] = k.Line
		}
	}
	return out
}

// text reads a scalar; ok is false after a mistake. Where n is nil the key is missing, which is a mistake as well.
func (p *parser) text(n *yaml.Node, parent int, path, hint string) (text string, ok bool) {
	switch {
	case n == nil:
		p.fail(parent, path, "this key is missing", hint)
	case n.Kind != yaml.ScalarNode:
		p.fail(n.Line, path, "this must be a text, but is "+kindName(n), hint)
	case n.Value == "" || n.Tag == "!!null":
		p.fail(n.Line, path, "this is empty", hint)
	default:
		return n.Value, true
	}
	return "", false
}

func kindName(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "empty"
	}
	return "the text " + strconv.Quote(n.Value)
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
