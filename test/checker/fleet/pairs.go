package fleet

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Pairs counts which fault has come in which step of a migration. It is safe for concurrent use.
type Pairs struct {
	mu    sync.Mutex
	count map[string]map[string]int // by step and fault
}

// met counts one.
func (p *Pairs) met(step, fault string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count == nil {
		p.count = map[string]map[string]int{}
	}
	if p.count[step] == nil {
		p.count[step] = map[string]int{}
	}
	p.count[step][fault]++
}

// Different is how many different pairs were met.
func (p *Pairs) Different() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, faults := range p.count {
		n += len(faults)
	}
	return n
}

// String is a table: a line for each step.
func (p *Pairs) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	total := 0
	for _, step := range slices.Sorted(maps.Keys(p.count)) {
		fmt.Fprintf(&b, "%-24s", step)
		for _, fault := range slices.Sorted(maps.Keys(p.count[step])) {
			fmt.Fprintf(&b, "  %s %d", fault, p.count[step][fault])
			total += p.count[step][fault]
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "%d faults in all", total)
	return b.String()
}
