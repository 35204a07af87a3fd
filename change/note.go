package change

// What others' triggers have changed cannot be told from the values: (100, 2.00) is what a trigger leaves that has set the old
// side of (200, 2.00), and also what one leaves that has set the new side of (100, 1.00). So the first trigger notes what it
// leaves, in settings that end with the transaction, and the last compares. Triggers within triggers have notes of their own.

// notes reports whether the first trigger notes what it leaves. Where nobody comes between the two triggers, and the test of
// being in step costs a condition only, there is nothing to note.
func (c *Compiled) notes() bool { return (c.Others || !c.Inline) && c.has(Noted) }

// note is the last thing the first trigger does to a row of which it has said who leads.
func (b *body) note() {
	if !b.c.notes() {
		return
	}
	b.line("PERFORM pg_catalog.set_config(%s, %s, true), pg_catalog.set_config(%s, %s, true);",
		b.setting("old"), b.print(b.c.Old), b.setting("new"), b.print(b.c.New))
	b.line("%s := %d;", b.mark("NEW"), codeNoted)
}

// changed sets _segue_old_set and _segue_new_set to what others have changed since the note.
func (b *body) changed() {
	b.line("_segue_old_set := %s;", ne(b.print(b.c.Old), "pg_catalog.current_setting("+b.setting("old")+")"))
	b.line("_segue_new_set := %s;", ne(b.print(b.c.New), "pg_catalog.current_setting("+b.setting("new")+")"))
}

// setting is the name of a setting for notes of this depth of triggers, as SQL.
func (b *body) setting(side string) string {
	return "pg_catalog.concat(" + literal("segue."+side+"_"+b.c.Key+"_") + ", pg_catalog.pg_trigger_depth())"
}

// print is a text that is the same for the same values of a side.
func (b *body) print(side []Column) string {
	return "pg_catalog.md5(" + row(of("NEW", side)) + "::pg_catalog.text)"
}
