package proof

import "fmt"

// shown is how many versions of a row are shown with an anomaly.
const shown = 5

// textShown is how many bytes of a statement are shown.
const textShown = 400

// broken notes an anomaly in the row that was written last.
func (p *proof) broken(kind Kind, k key, format string, args ...any) {
	p.fail(Anomaly{Kind: kind, Rule: k.rule, Row: k.id, What: fmt.Sprintf(format, args...), History: p.story(k, len(p.versions[k]))})
}

func (p *proof) fail(a Anomaly) { p.found = append(p.found, a) }

// story tells the last versions of a row up to, and without, the one of that number.
func (p *proof) story(k key, end int) []string {
	var out []string
	for i := max(0, end-shown); i < end; i++ {
		v := p.versions[k][i]
		line := fmt.Sprintf("transaction %d: old side %s, new side %s, marker %s, tag %s, by ", v.at, v.seen[Old], v.seen[New], v.marker, v.tag)
		if v.gone {
			line = fmt.Sprintf("transaction %d: deleted by ", v.at)
		}
		out = append(out, line+describe(v.op))
	}
	return out
}

func describe(op *Op) string {
	if op == nil {
		return "nobody (backfill, a transition)"
	}
	text := op.Text
	if len(text) > textShown {
		text = text[:textShown] + " …"
	}
	s := fmt.Sprintf("operation %d of %s from %.3f s: %s", op.ID, op.Session, op.Begun.Seconds(), text)
	if op.Outcome == Failed {
		s += " → " + op.Code + " " + op.Error
	}
	return s
}
