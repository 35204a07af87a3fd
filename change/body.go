package change

import (
	"fmt"
	"strings"
)

// A body is the text of a trigger function in PL/pgSQL. Its operators and functions are those of pg_catalog, whatever the
// search path of the session is.
type body struct {
	c       *Compiled
	stage   Stage
	invoker bool // it runs as whoever writes, with their settings, and so do the triggers that fire for what it writes
	lines   strings.Builder
}

func (b *body) line(format string, args ...any) {
	fmt.Fprintf(&b.lines, format+"\n", args...)
}

// mark is the marker of a row.
func (b *body) mark(row string) string { return column(row, b.c.Marker()) }

func eq(a, b string) string { return "(" + a + " OPERATOR(pg_catalog.=) " + b + ")" }

func ne(a, b string) string { return "(" + a + " OPERATOR(pg_catalog.<>) " + b + ")" }

// up computes the new side from the old one of a row, into the variables that news lists.
func (b *body) up(row string) {
	share := b.c.has(ForShare)
	b.found(row, false)
	for i, e := range b.c.up {
		b.line("%s := %s;", b.news()[i], e.over(share, func(at int) string { return column(row, b.c.Old[at].Physical) }))
	}
	if b.c.checksNull() {
		b.line("IF %s AND NOT %s THEN", allNull(b.news()), allNull(of(row, b.c.Old)))
		b.raise(fmt.Sprintf("%s would be null for a value of %s that is not", named(b.c.New), named(b.c.Old)), nullHint(b.c.Old, b.c.New))
		b.line("END IF;")
	}
}

// down computes the old side from the new one of a row, into the variables that olds lists.
func (b *body) down(row string) {
	share := b.c.has(ForShare)
	b.found(row, true)
	for i := range b.c.down {
		b.line("%s := %s;", b.olds()[i], b.c.totalDown(i, share, func(at int) string { return column(row, b.c.New[at].Physical) }))
	}
	if b.c.checksNull() {
		b.line("IF %s AND NOT %s THEN", allNull(b.olds()), allNull(of(row, b.c.New)))
		b.raise(fmt.Sprintf("%s would be null for a value of %s that is not", named(b.c.Old), named(b.c.New)), nullHint(b.c.New, b.c.Old))
		b.line("END IF;")
	}
}

// nullHint says what to write where the other side would be null.
func nullHint(written, other []Column) string {
	if len(written) > 1 {
		return fmt.Sprintf("Give a value to each of %s, or to none of them: %s is made of all.", named(written), named(other))
	}
	return fmt.Sprintf("Write NULL, or a value of which %s can be made.", named(other))
}

// news are the variables for a new side.
func (b *body) news() []string { return numbered("_segue_new", len(b.c.New)) }

// olds are the variables for an old side.
func (b *body) olds() []string { return numbered("_segue_old", len(b.c.Old)) }

func numbered(name string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s_%d", name, i+1)
	}
	return out
}

// assign copies variables into columns of NEW.
func (b *body) assign(side []Column, from []string) {
	for i, col := range side {
		b.line("%s := %s;", column("NEW", col.Physical), from[i])
	}
}

// rejected leaves a row whose leading side has NULL where it is NOT NULL to the server, which rejects it before it looks at CHECKs, and in
// its own words. What up or down would say of NULL is no matter of whoever has written it. A trigger of others may still give a value.
//
// The marker is a code, so that no such row can be stored whatever becomes of NOT NULL.
func (b *body) rejected(side []Column) {
	var nulls []string
	for _, col := range side {
		if col.NotNull {
			nulls = append(nulls, column("NEW", col.Physical)+" IS NULL")
		}
	}
	if len(nulls) > 0 && !b.c.Others {
		b.line("IF %s THEN %s := %d; RETURN NEW; END IF;", strings.Join(nulls, " OR "), b.mark("NEW"), codeUnsaid)
	}
}

// oldLeads makes the new side of NEW from its old one.
func (b *body) oldLeads() {
	b.rejected(b.c.Old)
	b.orDefer(func() {
		b.up("NEW")
		b.assign(b.c.New, b.news())
	})
}

// newLeads makes the old side of NEW from its new one, and rejects what the old side cannot hold.
func (b *body) newLeads() {
	b.rejected(b.c.New)
	b.down("NEW")
	b.assign(b.c.Old, b.olds())
	if b.c.Lossy || b.c.Exact || !b.c.has(RoundTrip) {
		return
	}
	if b.c.fails != nil {
		b.line("IF NOT coalesce(%s, false) THEN", b.c.fails.over(false, func(at int) string { return column("NEW", b.c.New[at].Physical) }))
	}
	b.up("NEW")
	b.line("IF %s THEN", b.c.differ(of("NEW", b.c.New), b.news()))
	b.raise(fmt.Sprintf("%s cannot be kept as %s: the version of the app that has %s could not read it", named(b.c.New), named(b.c.Old), named(b.c.Old)), "")
	b.line("END IF;")
	if b.c.fails != nil {
		b.line("END IF;")
	}
}

// test computes into the variable _segue_fits whether the sides of NEW are in step.
func (b *body) test() {
	if b.c.Lossy {
		// What up cannot make of an old side may still be what down has made of the new one.
		b.line("BEGIN")
		b.up("NEW")
		b.line("_segue_fits := %s;", b.c.same(of("NEW", b.c.New), b.news()))
		b.line("EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN _segue_fits := false;")
		b.line("END;")
		b.line("IF NOT _segue_fits THEN")
		b.down("NEW")
		b.line("_segue_fits := %s;", b.c.same(of("NEW", b.c.Old), b.olds()))
		b.line("END IF;")
		return
	}
	if b.c.fails != nil {
		b.line("IF %s THEN", b.c.fails.over(false, func(at int) string { return column("NEW", b.c.New[at].Physical) }))
		b.down("NEW")
		b.line("_segue_fits := %s;", b.c.same(of("NEW", b.c.Old), b.olds()))
		b.line("ELSE")
		defer b.line("END IF;")
	}
	b.up("NEW")
	b.line("_segue_fits := %s;", b.c.same(of("NEW", b.c.New), b.news()))
}

// both keeps the sides of NEW where they are in step. Where they are not, it is an error, or in a worker that applies what was
// written elsewhere, and can ask nobody, the owner of the truth leads and what the other side had is listed.
//
// Hint says what to do.
func (b *body) both(s Stage, hint string) {
	if !b.c.has(Conflict) {
		return
	}
	b.test()
	b.line("IF NOT _segue_fits THEN")
	b.line("IF %s THEN", eq("pg_catalog.current_setting('session_replication_role')", "'replica'"))
	b.line("INSERT INTO segue.conflict (change, relation, old_side, new_side) VALUES (%s, TG_RELID, %s::pg_catalog.text, %s::pg_catalog.text);",
		literal(b.c.Key), row(of("NEW", b.c.Old)), row(of("NEW", b.c.New)))
	if s.newOwns() {
		b.newLeads()
	} else {
		b.oldLeads()
	}
	b.line("ELSE")
	b.raise(fmt.Sprintf("the values of %s and %s do not belong together", named(b.c.Old), named(b.c.New)), hint)
	b.line("END IF;")
	b.line("END IF;")
}

const (
	hintOneSide = "Write one of them, and the other follows."
	hintOthers  = "If no statement gave them so, a trigger did of which Segue does not know yet."
)

// lead lets the side lead that _segue_old_set and _segue_new_set say was written.
func (b *body) lead(s Stage, neither func()) {
	b.line("IF _segue_old_set AND _segue_new_set THEN")
	b.both(s, hintOneSide)
	b.line("ELSIF _segue_old_set THEN")
	b.oldLeads()
	b.line("ELSIF _segue_new_set THEN")
	b.newLeads()
	b.line("ELSE")
	neither()
	b.line("END IF;")
}

// raise is an error that rejects the row, as a CHECK does.
func (b *body) raise(message, hint string) {
	b.line("RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = %s, SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, CONSTRAINT = %s%s;",
		literal(message), literal(b.c.constraint("step")), hinted(hint))
}

func hinted(hint string) string {
	if hint == "" {
		return ""
	}
	return ", HINT = " + literal(hint)
}

// named lists the names that columns have in their version, for people.
func named(side []Column) string {
	out := make([]string, len(side))
	for i, col := range side {
		out[i] = `"` + col.Name + `"`
	}
	return strings.Join(out, ", ")
}

// sql is the statement that makes the function.
func (b *body) sql(name string) string {
	var declared strings.Builder
	for i, v := range b.news() {
		fmt.Fprintf(&declared, "%s %s;\n", v, b.c.New[i].Type)
	}
	for i, v := range b.olds() {
		fmt.Fprintf(&declared, "%s %s;\n", v, b.c.Old[i].Type)
	}
	text := "#variable_conflict use_column\nDECLARE\n" + declared.String() +
		b.rowBeside() + "_segue_old_set boolean;\n_segue_new_set boolean;\n_segue_fits boolean;\nBEGIN\n" + b.lines.String() + "END\n"
	return "CREATE OR REPLACE FUNCTION " + name + "() RETURNS trigger LANGUAGE plpgsql" + b.attributes() + " AS " + dollar(text)
}

// dollar quotes a text that may have anything in it.
func dollar(text string) string {
	tag := "$segue$"
	for i := 0; strings.Contains(text, tag); i++ {
		tag = fmt.Sprintf("$segue%d$", i)
	}
	return tag + "\n" + text + tag
}
