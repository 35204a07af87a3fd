package change

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// insertFirst decides for a new row which side leads.
func (c *Compiled) insertFirst(s Stage) string {
	b := &body{c: c, stage: s}
	if s == Filling {
		b.line("IF %s AND %s THEN RETURN NEW; END IF; -- it comes from another partition", eq(b.mark("NEW"), "0"), allNull(of("NEW", c.New)))
	}
	switch {
	case c.notes() && c.Others:
		// The row has both sides, and comes from another partition or from whoever writes both.
		b.line("IF %s THEN", eq("abs("+b.mark("NEW")+")", "1"))
		b.both(s, hintOneSide)
		b.note()
		b.line("RETURN NEW;")
		b.line("END IF;")
	case s >= Completing:
		b.line("IF %s THEN RETURN NEW; END IF; -- it comes from another partition", eq(b.mark("NEW"), "-1"))
	}
	if c.has(Code) {
		b.said()
		b.line("IF %s THEN", eq(b.mark("NEW"), fmt.Sprint(CodeNew)))
		b.newLeads()
		b.line("ELSIF %s THEN", eq(b.mark("NEW"), fmt.Sprint(CodeOld)))
		b.oldLeads()
		b.line("ELSE")
	}
	owner, other := c.Old, c.New
	lead, follow := b.oldLeads, b.newLeads
	if s.newOwns() {
		owner, other = other, owner
		lead, follow = follow, lead
	}
	// Nothing is said. The side that is not the owner has no defaults, so that it was given if it is not NULL.
	b.line("IF %s THEN", allNull(of("NEW", other)))
	lead()
	b.line("ELSIF %s THEN", hasDefaults(c, owner))
	follow()
	b.line("ELSE")
	b.both(s, hintOneSide)
	b.line("END IF;")
	if c.has(Code) {
		b.line("END IF;")
	}
	b.line("%s := 1;", b.mark("NEW"))
	b.note()
	b.line("RETURN NEW;")
	return b.sql(c.function("first_insert"))
}

// hasDefaults is SQL that is true where a side of NEW is what an INSERT makes of it that does not name its columns.
func hasDefaults(c *Compiled, side []Column) string {
	out := make([]string, len(side))
	for i, col := range side {
		at := column("NEW", col.Physical)
		switch {
		case col.Default == "":
			out[i] = at + " IS NULL"
		case col.Constant:
			out[i] = c.same([]string{at}, []string{cast(col.Default, col)})
		default:
			out[i] = "false"
		}
	}
	return "(" + strings.Join(out, " AND ") + ")"
}

// updateFirst decides for a changed row which side leads.
func (c *Compiled) updateFirst(s Stage) string {
	b := &body{c: c, stage: s}
	if c.notes() {
		b.line("IF %s THEN RETURN NEW; END IF;", eq(b.mark("NEW"), fmt.Sprint(codeNoted)))
	}
	b.line("IF %s THEN", eq(b.mark("NEW"), fmt.Sprint(CodeFill)))
	if c.lasts() {
		b.line("RETURN NEW;")
	} else {
		b.fill()
	}
	b.line("END IF;")
	b.follow(s)
	b.known()
	b.line("_segue_old_set := %s;", c.differ(of("NEW", c.Old), of("OLD", c.Old)))
	b.line("_segue_new_set := %s;", c.differ(of("NEW", c.New), of("OLD", c.New)))
	if c.has(Completion) && s < Owned {
		c.complete(b, true)
	}
	b.lead(s, func() {
		if s >= Completing && c.has(Finish) {
			b.line("IF %s THEN", eq(b.mark("OLD"), "0"))
			b.oldLeads()
			b.line("ELSE")
			defer b.line("END IF;")
		}
		b.line("%s := %s;", b.mark("NEW"), b.mark("OLD"))
		b.line("RETURN NEW;")
	})
	b.line("%s := %s;", b.mark("NEW"), b.kept())
	b.note()
	b.line("RETURN NEW;")
	return b.sql(c.function("first_update"))
}

// known rejects a marker that is neither what it was nor a code.
func (b *body) known() {
	if !b.c.has(CodeCheck) || !b.c.has(FlipTurns) {
		return
	}
	b.line("IF %s AND %s AND %s AND %s THEN", ne(b.mark("NEW"), b.mark("OLD")), ne(b.mark("NEW"), fmt.Sprint(CodeNew)),
		ne(b.mark("NEW"), fmt.Sprint(CodeOld)), ne(b.mark("NEW"), fmt.Sprint(codeUnsaid)))
	b.raise("the marker "+b.c.Marker()+" cannot be set by hand", "")
	b.line("END IF;")
}

// kept is the marker of a row in step: the one that it had, or 1.
func (b *body) kept() string {
	return "CASE WHEN " + eq(b.mark("OLD"), "-1") + " THEN -1 ELSE 1 END"
}

// complete fills the columns of the new side that a writer has not touched where the row had no new side yet, so that no half of
// one is taken for the whole. What is then as its version would have read it has not been written; the row is in step, and the first
// trigger notes that, because those of others come after it.
func (c *Compiled) complete(b *body, first bool) {
	b.line("IF _segue_new_set AND %s THEN", eq(b.mark("OLD"), "0"))
	b.upOfWhole()
	for i, col := range c.New {
		at := column("NEW", col.Physical)
		b.line("IF %s THEN %s := %s; END IF;", c.same([]string{at}, []string{column("OLD", col.Physical)}), at, b.news()[i])
	}
	b.line("_segue_new_set := %s;", c.differ(of("NEW", c.New), b.news()))
	b.line("IF NOT _segue_new_set AND NOT _segue_old_set THEN")
	b.line("%s := 1;", b.mark("NEW"))
	if first {
		b.note()
	}
	b.line("RETURN NEW;")
	b.line("END IF;")
	b.line("END IF;")
}

// insertLast looks at a new row after the triggers of others.
func (c *Compiled) insertLast(s Stage) string {
	b := &body{c: c, stage: s}
	if c.notes() {
		b.line("IF %s THEN", eq(b.mark("NEW"), fmt.Sprint(codeNoted)))
		b.line("%s := 1;", b.mark("NEW"))
		b.changed()
		b.lead(s, func() { b.line("NULL;") })
		b.line("RETURN NEW;")
		b.line("END IF;")
	}
	b.line("IF %s AND %s THEN RETURN NEW; END IF;", eq(b.mark("NEW"), "0"), allNull(of("NEW", c.New)))
	b.refuse(s)
	b.line("RETURN NEW;")
	return b.sql(c.function("last_insert"))
}

// updateLast looks at a changed row after the triggers of others.
func (c *Compiled) updateLast(s Stage) string {
	b := &body{c: c, stage: s}
	b.line("IF %s THEN", eq(b.mark("NEW"), fmt.Sprint(CodeFill)))
	b.fill()
	b.line("END IF;")
	b.again()
	if c.notes() {
		b.line("IF %s THEN", eq(b.mark("NEW"), fmt.Sprint(codeNoted)))
		b.line("%s := %s;", b.mark("NEW"), b.kept())
		b.changed()
		b.lead(s, func() { b.line("NULL;") })
		b.line("RETURN NEW;")
		// Where the first trigger saw nothing that was changed, it has left the row as it was.
		b.line("ELSIF %s THEN", eq(b.mark("NEW"), b.mark("OLD")))
		b.line("_segue_old_set := %s;", c.differ(of("NEW", c.Old), of("OLD", c.Old)))
		b.line("_segue_new_set := %s;", c.differ(of("NEW", c.New), of("OLD", c.New)))
		if c.has(Completion) && s < Owned {
			c.complete(b, false)
		}
		b.lead(s, func() { b.line("RETURN NEW;") })
		b.line("%s := %s;", b.mark("NEW"), b.kept())
		b.line("RETURN NEW;")
		b.line("END IF;")
	}
	b.refuse(s)
	b.line("RETURN NEW;")
	return b.sql(c.function("last_update"))
}

// refuse rejects a row that says that it is in step and is not, or says nothing that is known.
func (b *body) refuse(s Stage) {
	if !b.c.has(FlipTest) {
		return
	}
	b.line("IF %s OR %s THEN", eq(b.mark("NEW"), "1"), eq(b.mark("NEW"), "-1"))
	b.both(s, hintOthers)
	b.line("ELSE")
	b.raise("the marker "+b.c.Marker()+" cannot be set by hand", "")
	b.line("END IF;")
}

// fill is the backfill of a row where others' triggers cannot be kept from firing: nothing of what they did is taken.
func (b *body) fill() {
	b.line("IF %s THEN RETURN NULL; END IF;", ne(b.mark("OLD"), "0"))
	b.up("OLD")
	if len(b.c.beside) > 0 {
		b.line("_segue_row := NEW;")
	}
	b.line("NEW := OLD;")
	b.keepBeside()
	b.assign(b.c.New, b.news())
	b.line("%s := 1;", b.mark("NEW"))
	b.line("RETURN NEW;")
}

// attributes are how a trigger function runs. Where it reads only the row, and lists none, it needs nobody's rights but the writer's. The
// search_path is pinned in any case: it would be that of the session, whoever the writer is, and what a session finds first, a
// temporary type or an operator, would run with the rights of a definer function, or of the owner for whom a foreign key acts.
// Every setting costs as much as a seventh of the rest.
func (b *body) attributes() string {
	c := b.c
	if b.invoker {
		return ""
	}
	out := ""
	if !c.Inline || c.defers(b.stage) {
		out = " SECURITY DEFINER"
	}
	out += " SET search_path TO pg_catalog, pg_temp"
	if c.has(PinnedSettings) {
		for _, name := range slices.Sorted(maps.Keys(c.Pins)) {
			out += " SET " + quote(name) + " TO " + literal(c.Pins[name])
		}
	}
	return out
}
