package proof

import (
	"fmt"
	"slices"
	"time"
)

// prepared are the SQLSTATEs that every client must be prepared for: serialization_failure, deadlock_detected,
// lock_not_available, query_canceled, admin_shutdown.
var prepared = []string{"40001", "40P01", "55P03", "57014", "57P01"}

// answers compares what a client was told about a write with what was committed.
func (p *proof) answers(op *Op) {
	k := key{rule: op.Rule}
	switch op.Outcome {
	case Committed:
		if op.Rows >= 0 && p.wrote[op.ID] != op.Rows {
			p.opBroken(LostWrite, k, op, "%d rows were acknowledged, and %d are in the log", op.Rows, p.wrote[op.ID])
		}
	case RolledBack, Failed:
		if n := p.wrote[op.ID]; n > 0 {
			p.opBroken(UndoneWrite, k, op, "%d rows are in the log", n)
		}
		if op.Outcome == Failed && !slices.Contains(prepared, op.Code) && !slices.Contains(op.Allowed, op.Code) && !p.excused(op) {
			p.opBroken(WrongError, k, op, "%s %s", op.Code, op.Error)
		}
	}
}

// excused reports whether the rule of an operation has an excuse for its being rejected.
func (p *proof) excused(op *Op) bool {
	r := p.rules[op.Rule]
	return r != nil && r.Excuses != nil && r.Excuses(op)
}

// reads checks each row that a client saw.
func (p *proof) reads(op *Op) {
	if op.All {
		p.readAll(op)
	}
	for _, r := range op.Reads {
		if op.Blind || r.Own && op.Outcome != Committed { // such a row was never there for anybody else
			continue
		}
		p.read(op, r)
	}
}

// readAll checks that no row is missing.
func (p *proof) readAll(op *Op) {
	there := map[string]bool{}
	for _, r := range op.Reads {
		there[r.ID] = true
	}
	for k, all := range p.versions {
		if k.rule == op.Rule && !all[len(all)-1].gone && !there[k.id] {
			p.opBroken(LostWrite, k, op, "the row is not there")
		}
	}
}

func (p *proof) read(op *Op, r Read) {
	k := key{op.Rule, r.ID}
	all := p.versions[k]
	var candidates int
	last := -1 // the newest version that can have been read
	for i, v := range all {
		if v.gone || v.tag != r.Tag {
			continue
		}
		candidates++
		if v.seen[op.Side] != nil && v.seen[op.Side].Equal(r.Tuple) {
			last = i
		}
	}
	switch {
	case candidates == 0:
		p.opBroken(NeverWritten, k, op, "no version of the row has the tag %s", r.Tag)
		return
	case last < 0:
		p.opBroken(NeverWritten, k, op, "it read %s in the row that operation %s wrote", r.Tuple, r.Tag)
		return
	}
	if next := last + 1; next < len(all) && !r.Own && all[next].op != nil && endedBefore(all[next].op, op.Begun) {
		p.opBroken(StaleRead, k, op, "it read %s, and operation %d had been acknowledged", r.Tuple, all[next].op.ID)
	}
}

// endedBefore reports whether an operation was known to be committed at that time.
func endedBefore(op *Op, at time.Duration) bool { return op.Outcome == Committed && op.Ended < at }

func (p *proof) opBroken(kind Kind, k key, op *Op, format string, args ...any) {
	a := Anomaly{Kind: kind, Rule: k.rule, Row: k.id, What: fmt.Sprintf(format, args...), History: p.story(k, len(p.versions[k]))}
	a.History = append(a.History, "then "+describe(op))
	p.fail(a)
}
