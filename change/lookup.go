package change

import (
	"fmt"
	"slices"
	"strings"
)

// A Lookup is a table in which expressions look values up. As long as the change is there, its rows cannot come to say something else
// than what rows of the change were made from: either these follow in the same transaction, or the write is rejected.
//
// Who makes a row of the change locks what is looked up for share, so that whoever changes that waits for it, or it for them. What is not there
// cannot be locked, so a key that has no row is rejected, as by a foreign key.
type Lookup struct {
	Table   Name     // as the database calls it now
	Columns []string // that expressions read, and those of Keys
	Keys    []Key    // none: no row of Table may be written
}

// A Key is a column of the change by whose value a row of the table is looked up: the one whose column Of, which is unique, has the same value.
type Key struct {
	Column string // of either side, as its version calls it
	Of     string
}

// key is a Key with the physical name of its column.
type key struct {
	Key
	physical string
	newSide  bool
}

// keys are those of a lookup by columns of one side.
func (c *Compiled) keys(l Lookup, newSide bool) (out []key) {
	side := c.Old
	if newSide {
		side = c.New
	}
	for _, k := range l.Keys {
		if at := slices.IndexFunc(side, func(col Column) bool { return col.Name == k.Column }); at >= 0 {
			out = append(out, key{k, side[at].Physical, newSide})
		}
	}
	return out
}

// found rejects a row whose keys on one side have no row in the tables that are looked up. What it finds is locked.
func (b *body) found(row string, newSide bool) {
	for _, l := range b.c.Lookups {
		for _, k := range b.c.keys(l, newSide) {
			value := column(row, k.physical)
			share := ""
			if b.c.has(ForShare) {
				share = " FOR SHARE"
			}
			b.line("IF %s IS NOT NULL AND NOT EXISTS (SELECT FROM %s AS _segue_looked WHERE %s%s) THEN", value, l.Table.SQL(), eq(column("_segue_looked", k.Of), value), share)
			b.raise(fmt.Sprintf("there is no row of %s whose %q is the value of %q", l.Table, k.Of, k.Column), "")
			b.line("END IF;")
		}
	}
}

// String is the name for people.
func (n Name) String() string { return n.Schema + "." + n.Name }

// Who writes a row that is looked up may have fewer rights than the instance, and more than whoever has put triggers on the table of the
// change. So what was made from it is written with the writer's own rights, as if it were another statement of theirs, and functions that
// have the rights of the instance only look, before it and after it: they run nothing of anybody else's.

// looker is the function that rejects the write of a row that is looked up where rows of the change would not be in step with it.
// Its argument says whether what was made from the row has followed.
func (c *Compiled) looker(i int, s Stage) string {
	b := &body{c: c, stage: s}
	l := c.Lookups[i]
	if len(l.Keys) == 0 {
		b.line("RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = %s, HINT = %s, SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;",
			literal(fmt.Sprintf("the rows of %s cannot be written while %s is being changed to %s: these are made from them", l.Table, named(c.Old), named(c.New))),
			literal("The rule file says with \"via\" by which columns rows are looked up; then what was made from a row follows it."))
		return b.sql(c.function(numberedName("looked", i)))
	}
	table := c.Table.SQL()
	first, then := c.keys(l, s.newOwns()), c.keys(l, !s.newOwns())
	b.line("IF TG_OP = 'TRUNCATE' THEN")
	b.line("IF EXISTS (SELECT FROM %s AS _segue_row WHERE %s AND (%s)) THEN", table, c.inUse("_segue_row"), strings.Join(eachKey(slices.Concat(first, then), func(k key) string {
		return column("_segue_row", k.physical) + " IS NOT NULL"
	}), " OR "))
	b.stillLookedUp(l)
	b.line("END IF;")
	b.line("RETURN NULL;")
	b.line("END IF;")
	b.line("IF TG_ARGV[0] = 'before' THEN")
	b.line("IF pg_catalog.current_setting('transaction_isolation') <> ALL (ARRAY['read committed', 'read uncommitted']) THEN")
	b.line("RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = %s, HINT = %s;",
		literal(fmt.Sprintf("rows of %s are looked up for %s, and have to be written in a transaction that is READ COMMITTED", l.Table, c.Table)),
		literal("Another one does not see the rows that were made from them meanwhile."))
	b.line("END IF;")
	b.orphans(l, first)
	b.line("RETURN NULL;")
	b.line("END IF;")
	b.line("IF TG_OP = 'UPDATE' AND EXISTS (SELECT FROM %s AS _segue_row WHERE %s AND %s AND %s) THEN", table, c.inUse("_segue_row"), c.madeFrom(l), c.stale(s))
	b.line("RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = %s, HINT = %s, SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;",
		literal(fmt.Sprintf("rows of %s are made from this row of %s, and could not be written with it", c.Table, l.Table)),
		literal(fmt.Sprintf("As long as %s and %s are kept in step, whoever writes such a row needs SELECT and UPDATE on %s, and no policy or trigger may be in the way.",
			named(c.Old), named(c.New), c.Table)))
	b.line("END IF;")
	b.orphans(l, then)
	b.line("RETURN NULL;")
	return b.sql(c.function(numberedName("looked", i)))
}

// follower is the function that has rows of the change made anew when a row is written that was looked up for them. Its UPDATE only says so: the
// first trigger makes them. Whoever may not write them is left to the function that looks whether any had to be.
func (c *Compiled) follower(i int, s Stage) string {
	b := &body{c: c, stage: s, invoker: true}
	table := c.Table.SQL()
	b.line("IF pg_catalog.has_table_privilege(%s, 'SELECT') AND pg_catalog.has_table_privilege(%[1]s, 'UPDATE') THEN", literal(table))
	b.line("UPDATE %s AS _segue_row SET %s = %d WHERE %s AND %s;", table, quote(c.Marker()), codeFollow, c.inUse("_segue_row"), c.madeFrom(c.Lookups[i]))
	b.line("END IF;")
	b.line("RETURN NULL;")
	return b.sql(c.function(numberedName("follow", i)))
}

func numberedName(name string, i int) string { return fmt.Sprintf("%s_%d", name, i+1) }

// follow makes a row anew of which a writer says that something has changed that it was made from. What the new version has written itself,
// and is in step all the same, stays.
func (b *body) follow(s Stage) {
	if len(b.c.Lookups) == 0 {
		return
	}
	b.line("IF %s THEN", eq(b.mark("NEW"), fmt.Sprint(codeFollow)))
	if b.c.Lossy {
		b.line("BEGIN") // nothing may be made of it any more
		b.test()
		b.line("EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN _segue_fits := false;")
		b.line("END;")
		b.line("IF _segue_fits THEN RETURN NULL; END IF;")
	}
	if s.newOwns() {
		b.newLeads()
	} else {
		b.oldLeads()
	}
	b.line("%s := %s;", b.mark("NEW"), b.kept())
	b.note()
	b.line("RETURN NEW;")
	b.line("END IF;")
}

func eachKey(keys []key, do func(key) string) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = do(k)
	}
	return out
}

// inUse is true of a row that is in step, so that what it was made from counts.
func (c *Compiled) inUse(row string) string {
	return "(" + column(row, c.Marker()) + " OPERATOR(pg_catalog.<>) 0)"
}

// orphans rejects it that the row of a key goes which rows of the change have.
func (b *body) orphans(l Lookup, keys []key) {
	for _, k := range keys {
		old := column("OLD", k.Of)
		b.line("IF (TG_OP = 'DELETE' OR %s IS DISTINCT FROM %s) AND EXISTS (SELECT FROM %s AS _segue_row WHERE %s AND %s) AND NOT EXISTS (SELECT FROM %s AS _segue_looked WHERE %s) THEN",
			old, column("NEW", k.Of), b.c.Table.SQL(), b.c.inUse("_segue_row"), eq(column("_segue_row", k.physical), old), l.Table.SQL(), eq(column("_segue_looked", k.Of), old))
		b.stillLookedUp(l)
		b.line("END IF;")
	}
}

func (b *body) stillLookedUp(l Lookup) {
	b.line("RAISE EXCEPTION USING ERRCODE = 'foreign_key_violation', MESSAGE = %s, HINT = %s, SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;",
		literal(fmt.Sprintf("a row of %s cannot go: it is still looked up for rows of %s", l.Table, b.c.Table)),
		literal(fmt.Sprintf("As long as %s and %s are kept in step, a row goes after those that were made from it.", named(b.c.Old), named(b.c.New))))
}

// madeFrom is true of rows that were made from the row of a lookup that is written, or are made from what it has become.
func (c *Compiled) madeFrom(l Lookup) string {
	return "(" + strings.Join(eachKey(slices.Concat(c.keys(l, false), c.keys(l, true)), func(k key) string {
		value := column("_segue_row", k.physical)
		return eq(value, column("OLD", k.Of)) + " OR " + eq(value, column("NEW", k.Of))
	}), " OR ") + ")"
}

// stale is true of rows that would be made otherwise now. What it reads is locked, or two who write what one row is made from could both
// find it right, each as the other has not written yet.
func (c *Compiled) stale(s Stage) string {
	const row = "_segue_row"
	ups, downs := c.derive(row, c.has(ForShare))
	up, down := c.differ(of(row, c.New), casts(ups, c.New)), c.differ(of(row, c.Old), casts(downs, c.Old))
	switch {
	case c.Lossy:
		return "(" + up + " AND " + down + ")"
	case s.newOwns():
		return "(" + up + " OR " + down + ")"
	}
	return up
}

// followers makes the functions of the triggers on tables that are looked up.
func (c *Compiled) followers(s Stage) (out []string) {
	if !c.has(Followed) {
		return nil
	}
	for i := range c.Lookups {
		out = append(out, c.looker(i, s))
		if len(c.Lookups[i].Keys) > 0 {
			out = append(out, c.follower(i, s))
		}
		for _, name := range c.onLookup(i) {
			out = append(out, "REVOKE ALL ON FUNCTION "+name+"() FROM PUBLIC")
		}
	}
	return out
}

// onLookup lists the functions of the triggers on a table that is looked up.
func (c *Compiled) onLookup(i int) []string {
	out := []string{c.function(numberedName("looked", i))}
	if len(c.Lookups[i].Keys) > 0 {
		out = append(out, c.function(numberedName("follow", i)))
	}
	return out
}

// followTriggers makes the triggers on tables that are looked up. They fire after those of foreign keys, which may have seen to the rows that
// were made from a row: PostgreSQL fires by name. Conditions and lists of columns have PostgreSQL itself refuse to give a column that is
// read another type, which would change values without a trigger, or to drop it.
func (c *Compiled) followTriggers() (out []string) {
	if !c.has(Followed) {
		return nil
	}
	for i, l := range c.Lookups {
		looked, followed := c.function(numberedName("looked", i)), c.function(numberedName("follow", i))
		create := func(name, fires, what, function string) {
			name = quote(fmt.Sprintf("%s%s%s_%s_%s", lastPrefix, hiddenPrefix, numberedName("follow", i), name, c.Key))
			out = append(out, fmt.Sprintf("CREATE TRIGGER %s %s ON %s FOR EACH %s EXECUTE FUNCTION %s", name, fires, l.Table.SQL(), what, function),
				"ALTER TABLE "+l.Table.SQL()+" ENABLE ALWAYS TRIGGER "+name)
		}
		if len(l.Keys) == 0 {
			create("write", "BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE", "STATEMENT", looked+"()")
			if len(l.Columns) > 0 {
				create("column", "BEFORE UPDATE OF "+strings.Join(quoted(l.Columns), ", "), "STATEMENT", looked+"()")
			}
			continue
		}
		when := "ROW WHEN (" + c.differ(rowOf("OLD", l.Columns), rowOf("NEW", l.Columns)) + ")"
		create("1", "AFTER UPDATE", when, looked+"('before')")
		create("2", "AFTER UPDATE", when, followed+"()")
		create("3", "AFTER UPDATE", when, looked+"('after')")
		create("delete", "AFTER DELETE", "ROW", looked+"('before')")
		create("gone", "AFTER DELETE", "ROW", looked+"('after')")
		create("truncate", "AFTER TRUNCATE", "STATEMENT", looked+"()")
	}
	return out
}

func quoted(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = quote(n)
	}
	return out
}

func rowOf(row string, names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = column(row, n)
	}
	return out
}

// dropFollowers takes the functions away, and the triggers with them, whatever their tables are called by now.
func (c *Compiled) dropFollowers() (out []string) {
	for i := range c.Lookups {
		for _, name := range c.onLookup(i) {
			out = append(out, "DROP FUNCTION IF EXISTS "+name+"() CASCADE")
		}
	}
	return out
}

// A Trial is an expression of a change, over nothing, as it is evaluated for a row.
type Trial struct{ Direction, Column, SQL string }

// Trials are what a server has to accept before a change that looks values up can begin: not every query can lock what it reads.
func (c *Compiled) Trials() (out []Trial) {
	null := func(side []Column) func(int) string {
		return func(at int) string { return "CAST(NULL AS " + side[at].Type + ")" }
	}
	for i, e := range c.up {
		out = append(out, Trial{"up", c.New[i].Name, e.over(true, null(c.Old))})
	}
	for i, e := range c.down {
		out = append(out, Trial{"down", c.Old[i].Name, e.over(true, null(c.New))})
	}
	return out
}
