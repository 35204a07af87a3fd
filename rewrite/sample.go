package rewrite

import (
	"sync"

	"github.com/seguedb/segue/rewrite/syntax"
)

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
		if toks, err := syntax.Scan(client); err == nil {
			t.sample.text = toks.Sample()
		}
	})
	return t.sample.text
}
