package proof

// meant compares a written row with what its statement means.
func (p *proof) meant(rule *Rule, k key, before, after version) {
	want, wrote, ok := p.expected(rule, k, before)
	if !ok {
		p.broken(NotReversible, k, "%s is kept, of which nothing can be made for the other side", wrote)
		return
	}
	for _, side := range []Side{Old, New} {
		switch {
		case want[side] == nil && after.gone:
		case after.gone:
			p.broken(PutGet, k, "the row is gone, and should be %s", want[side])
			return
		case after.seen[side] == nil || want[side] == nil && p.lenses[rule.Name].Marker == "":
			// This side does not exist now, or nothing can be made of the old one yet.
		case !after.seen[side].Equal(want[side]):
			kind := PutGet
			if before.seen[side].Equal(want[side]) {
				kind = GetPut
				if p.op == nil {
					kind = SilentChange
				}
			}
			p.broken(kind, k, "the %s side is %s, and should be %s", side, after.seen[side], want[side])
		}
	}
}

// expected is what both sides must be after a write, and what its statement has written, if it has. It is not ok if the
// statement should have been rejected.
func (p *proof) expected(rule *Rule, k key, before version) (want [2]Tuple, wrote Tuple, ok bool) {
	want = before.seen
	switch {
	case p.op == nil && p.looked[rule.Name] && before.seen[Old] != nil:
		// What it was made from has changed.
		if followed, ok := p.lead(rule, Old, before.seen[Old]); ok {
			want = followed
		}
		return want, nil, true
	case p.op == nil:
		return want, nil, true
	case p.op.Rule != rule.Name && p.op.Cascade == nil:
		return want, nil, true
	}
	side := p.op.Side
	if p.op.Rule == rule.Name {
		wrote = p.op.Effect(k.id, before.seen[side])
	} else {
		side = Old
		wrote = p.op.Cascade(rule.Name, k.id, before.seen[side])
	}
	if wrote == nil {
		return [2]Tuple{}, nil, true
	}
	if p.op.Excluded && before.seen[side] != nil {
		want, back, ok := p.stored(rule, side, wrote, [2]Tuple{})
		if !ok {
			return want, back, false
		}
		wrote = want[side]
	}
	return p.stored(rule, side, wrote, before.seen)
}

// stored is what both sides are after one of them was written, and the user's triggers have fired. It is not ok if the write has
// to be rejected, for what then is returned as written.
func (p *proof) stored(rule *Rule, side Side, wrote Tuple, before [2]Tuple) (want [2]Tuple, written Tuple, ok bool) {
	want = before
	if !wrote.Equal(before[side]) {
		if want, ok = p.lead(rule, side, wrote); !ok {
			return want, wrote, false
		}
	}
	if rule.Assigned == nil || p.op.Untriggered {
		return want, wrote, true
	}
	for _, s := range []Side{Old, New} {
		if want[s] == nil {
			continue
		}
		if t := rule.Assigned(s, want[s]); !t.Equal(want[s]) {
			if want, ok = p.lead(rule, s, t); !ok {
				return want, t, false
			}
		}
	}
	return want, wrote, true
}

// lead makes the other side of what is written to one. It is not ok if the write has to be rejected.
func (p *proof) lead(rule *Rule, side Side, t Tuple) (want [2]Tuple, ok bool) {
	want[side] = t
	if p.lenses[rule.Name].Marker == "" {
		return want, true
	}
	other, ok := rule.Derive(side, t, p.tables)
	if !ok {
		// An old value of which no new one can be made stays without, where that is left for later.
		return want, side == Old && p.lenses[rule.Name].Defers
	}
	want[side.Other()] = other
	if side == New && !rule.Lossy {
		back, ok := rule.Derive(Old, other, p.tables)
		return want, ok && back.Equal(t)
	}
	return want, true
}
