package change

// Several changes of one table have columns of their own each, and their own markers, triggers and CHECKs: none looks at a column of
// another one. What they share is the row that is filled.

// Beside is the change, and others of the same table beside it, which are filled with it. Without any it is the change alone.
func (c *Compiled) Beside(others ...*Compiled) *Compiled {
	out := *c
	if len(others) == 0 {
		out.beside = nil
		return &out
	}
	out.beside = append(out.beside[:len(out.beside):len(out.beside)], others...)
	return &out
}

// keepBeside gives NEW back what the triggers of other changes have filled in it, or have still to fill, after it was made OLD.
// _segue_row is what NEW was.
func (b *body) keepBeside() {
	for _, o := range b.c.beside {
		if o.Alone() {
			continue
		}
		b.line("IF %s THEN", ne(column("_segue_row", o.Marker()), column("NEW", o.Marker())))
		for _, col := range o.New {
			b.line("%s := %s;", column("NEW", col.Physical), column("_segue_row", col.Physical))
		}
		b.line("%s := %s;", column("NEW", o.Marker()), column("_segue_row", o.Marker()))
		b.line("END IF;")
	}
}

// rowBeside declares _segue_row, where it is needed.
func (b *body) rowBeside() string {
	if len(b.c.beside) == 0 {
		return ""
	}
	return "_segue_row record;\n"
}
