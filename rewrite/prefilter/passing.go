package prefilter

import (
	"bytes"
	"strings"

	"github.com/seguedb/segue/rewrite/syntax"
)

const (
	// passingWindow is how much of a text that passes by is looked at together, in bytes.
	passingWindow = 64 << 10

	// passingContext is what is looked at again with what follows, because words mean something by those beside them. A word
	// is met once with half of it on each side.
	passingContext = 8 << 10

	// passingWord is how far a window is cut shorter so as not to end or begin within a word.
	passingWord = 1 << 10
)

// A Passing looks at a text that comes in parts, and is not held in memory, as Match looks at a whole one: it is given
// windows of the text. What a window does not show, because too much white space or comment is between two words, is
// taken for the worst.
type Passing struct {
	look   func(window []byte) Hit
	hit    Hit
	window []byte
	dashes bool // a line comment may have begun so far
	drops  bool // DROP or ALTER may have been so far
}

// NewPassing makes one that gives each window to look, which says what is in it as Match does.
func NewPassing(look func(window []byte) Hit) *Passing { return &Passing{look: look} }

// Write looks at the next part of the text, which is not kept. Behind Names nothing matters any more. The error is always nil.
func (p *Passing) Write(part []byte) (int, error) {
	n := len(part)
	for len(part) > 0 && p.hit != Names {
		if p.window == nil {
			p.window = make([]byte, 0, passingWindow)
		}
		k := min(len(part), passingWindow-len(p.window))
		p.window, part = append(p.window, part[:k]...), part[k:]
		if len(p.window) == passingWindow {
			p.next()
		}
	}
	return n, nil
}

// Close looks at what is left, at the end of the text, and returns what all of it comes to.
func (p *Passing) Close() Hit {
	if p.hit != Names {
		p.see(p.window)
	}
	p.window = nil
	return p.hit
}

// Hit is what was found so far.
func (p *Passing) Hit() Hit { return p.hit }

// next looks at a full window and keeps the end of it.
func (p *Passing) next() {
	end := wordEnd(p.window)
	p.see(p.window[:end])
	context := p.window[end-passingContext : end]
	blank := len(bytes.TrimSpace(context[passingContext/2:])) == 0
	commented := p.dashes && !bytes.ContainsAny(context[:passingContext/2], "\r\n")
	if blank || commented {
		p.hit = max(p.hit, StateWords) // what stands on both sides of it is not seen together
	}
	begin := end - passingContext
	if i := bytes.IndexFunc(p.window[begin:begin+passingWord], func(c rune) bool { return c < 0x80 && !isWordByte(byte(c)) }); i > 0 {
		begin += i
	}
	p.window = append(p.window[:0], p.window[begin:]...)
}

// see looks at a window.
func (p *Passing) see(window []byte) {
	p.hit = max(p.hit, p.look(window))
	p.dashes = p.dashes || bytes.Contains(window, []byte("--"))
	if p.hit == Miss {
		return // DROP and ALTER would be no miss
	}
	lower := strings.ToLower(string(window))
	if p.drops && syntax.ContainsWord(lower, "schema") {
		p.hit = Names
	}
	p.drops = p.drops || syntax.ContainsWord(lower, "drop") || syntax.ContainsWord(lower, "alter")
}

// wordEnd is where a window can end without cutting a word.
func wordEnd(window []byte) int {
	for end := len(window); end > len(window)-passingWord; end-- {
		if !isWordByte(window[end-1]) {
			return end
		}
	}
	return len(window)
}

// All is what a text comes to that is at hand.
func (p *Passing) All(text []byte) Hit {
	_, _ = p.Write(text)
	return p.Close()
}
