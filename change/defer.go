package change

import "strings"

// Where a change defers, a row of which up cannot be computed is no reason to stop while rows are filled, and no error for whoever
// writes it: it stays at 0. What it says is in the old side, so nothing is lost. The change cannot go on to Completing before no such
// row is left, and from then on a write is rejected that up cannot be computed of.

// DeferredTable makes the table in which rows are listed that are left at 0. A row without a key says that writers have left some. Such a
// row is locked for share by each transaction that relies on it, so that it is not taken away before that has ended.
const DeferredTable = `CREATE TABLE IF NOT EXISTS segue.deferred (
	change   text NOT NULL,
	relation oid,
	row_key  text,
	address  jsonb,
	place    tid,
	sqlstate text,
	message  text,
	at       timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
)`

// defers reports whether rows may be left at 0 for which up cannot be computed.
func (c *Compiled) defers(s Stage) bool { return c.Defer && s == Filling }

// forget takes all that is listed of the change away.
func (c *Compiled) forget() []string {
	if !c.Defer {
		return nil
	}
	return []string{"DELETE FROM segue.deferred WHERE change = " + literal(c.Key)}
}

// orDefer runs what computes up for NEW, and leaves the row at 0 where that cannot be done, whatever the reason is: a row at 0 is right
// in any case.
func (b *body) orDefer(compute func()) {
	if !b.c.defers(b.stage) {
		compute()
		return
	}
	b.line("BEGIN")
	compute()
	for i, col := range b.c.New {
		if col.NotNull {
			b.line("IF %s IS NULL THEN RAISE not_null_violation; END IF;", b.news()[i])
		}
	}
	b.line("EXCEPTION WHEN OTHERS THEN")
	for _, col := range b.c.New {
		b.line("%s := NULL;", column("NEW", col.Physical))
	}
	b.line("%s := 0;", b.mark("NEW"))
	b.tell()
	b.line("RETURN NEW;")
	b.line("END;")
}

// tell has the backfill know that a writer has left a row at 0. Many transactions share what the first one has told.
func (b *body) tell() {
	if !b.c.has(Told) {
		return
	}
	key := literal(b.c.Key)
	tell := "INSERT INTO segue.deferred (change) VALUES (" + key + ");"
	b.line("BEGIN")
	b.line("PERFORM FROM segue.deferred WHERE change OPERATOR(pg_catalog.=) %s AND row_key IS NULL LIMIT 1 FOR KEY SHARE SKIP LOCKED;", key)
	b.line("IF NOT FOUND THEN %s END IF;", tell)
	b.line("EXCEPTION WHEN serialization_failure THEN %s", tell) // it was taken away since the transaction's snapshot
	b.line("END;")
}

// again is for the last trigger: the first has left the row at 0, and others may have changed it so that up can be computed.
func (b *body) again() {
	if !b.c.defers(b.stage) {
		return
	}
	b.line("IF %s AND %s AND %s THEN", eq(b.mark("NEW"), "0"), ne(b.mark("OLD"), "0"), allNull(of("NEW", b.c.New)))
	b.oldLeads()
	b.line("%s := 1;", b.mark("NEW"))
	b.line("RETURN NEW;")
	b.line("END IF;")
}

// upOfWhole computes up of OLD for what a writer has not given of the new side. Where it cannot be computed, whoever has given the whole
// of the new side needs nothing of it.
func (b *body) upOfWhole() {
	if !b.c.defers(b.stage) {
		b.up("OLD")
		return
	}
	b.line("BEGIN")
	b.up("OLD")
	b.line("EXCEPTION WHEN OTHERS THEN")
	var missing []string
	for _, col := range b.c.New {
		missing = append(missing, column("NEW", col.Physical)+" IS NULL")
	}
	b.line("IF %s THEN RAISE; END IF;", strings.Join(missing, " OR "))
	for _, v := range b.news() {
		b.line("%s := NULL;", v)
	}
	b.line("END;")
}

// filledWhole is SQL that is true where no column is NULL that must not be, for a CHECK on rows that are filled; "" where nothing is
// demanded before all rows are.
func (c *Compiled) filledWhole() string {
	if !c.Defer {
		return ""
	}
	var out []string
	for _, col := range c.New {
		if col.NotNull {
			out = append(out, quote(col.Physical)+" IS NOT NULL")
		}
	}
	return strings.Join(out, " AND ")
}

// Defers reports whether rows of which up cannot be computed are left for later.
func (t Together) Defers() bool { return t[0].Defer }

// Keys are the keys of the changes.
func (t Together) Keys() []string {
	out := make([]string, len(t))
	for i, c := range t {
		out[i] = c.Key
	}
	return out
}

// BackfillAt is Backfill for one row alone: $1 is where it is, by the columns of its primary key, as jsonb.
func (t Together) BackfillAt(table Name, quiet bool, key []string) string {
	return t.filling(table.SQL(), quiet) + " WHERE _segue_row.ctid = (SELECT t.ctid FROM ONLY " + table.SQL() + " AS t, " + addressed(table, "$1", key) + ") AND " + t.Unfilled("_segue_row")
}

// Stale takes from the list what is not left at 0 any more in one table: $1 is the table's OID, $2 the keys of the changes. key are the
// columns of the primary key, or none where rows are listed by their place.
func (t Together) Stale(table Name, key []string) string {
	rows := table.SQL() + " AS t WHERE t.ctid OPERATOR(pg_catalog.=) d.place"
	if len(key) > 0 {
		rows = table.SQL() + " AS t, " + addressed(table, "d.address", key)
	}
	return "DELETE FROM segue.deferred AS d WHERE d.change = ANY ($2) AND d.relation = $1 AND d.row_key IS NOT NULL AND NOT EXISTS (SELECT FROM ONLY " +
		rows + " AND " + t.Unfilled("t") + ")"
}

// addressed is a row made of an address, with the condition that t has its key.
func addressed(table Name, address string, key []string) string {
	same := make([]string, len(key))
	for i, name := range key {
		same[i] = column("t", name) + " OPERATOR(pg_catalog.=) " + column("r", name)
	}
	return "pg_catalog.jsonb_populate_record(NULL::" + table.SQL() + ", " + address + ") AS r WHERE " + strings.Join(same, " AND ")
}
