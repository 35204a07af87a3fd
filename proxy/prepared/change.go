package prepared

// A Change is what one statement of a text does to what is prepared, by SQL.
type Change[M any] struct {
	Prepare    *Statement[M] // made by Open: a PREPARE
	Deallocate string        // the name that a DEALLOCATE gives
	All        bool          // DEALLOCATE ALL, DISCARD ALL
}

// Changes are those of a text, one for each of its statements. nil stands for a text that changes nothing; Unknown for one
// of which it is not known.
type Changes[M any] struct {
	list    []Change[M]
	unknown bool
	under   bool // sent and not answered
}

// NewChanges makes the changes of a text, one for each of its statements; nil when none of them is any.
func NewChanges[M any](list []Change[M]) *Changes[M] {
	for _, c := range list {
		if c.Prepare != nil || c.Deallocate != "" || c.All {
			return &Changes[M]{list: list}
		}
	}
	return nil
}

// Unknown are the changes of a text that cannot be read.
func Unknown[M any]() *Changes[M] { return &Changes[M]{unknown: true} }

// OpenSQL makes the statement of a PREPARE, which is the client's text. before counts the characters before it in the
// client's string, of which it is a part; shown is all of that as it is sent.
func (a *Account[M]) OpenSQL(name, text []byte, before int, shown string) *Statement[M] {
	st := a.Open(name, text, nil)
	st.SQL, st.Before = true, before
	if string(text) != shown && !st.Lost {
		st.shown = shown
	}
	return st
}

// Copy makes the changes of another execution of the same text.
func (a *Account[M]) Copy(c *Changes[M]) *Changes[M] {
	again := &Changes[M]{list: append([]Change[M](nil), c.list...), unknown: c.unknown}
	for i := range again.list {
		if st := again.list[i].Prepare; st != nil {
			again.list[i].Prepare = &Statement[M]{
				name: &Name[M]{key: st.name.key}, Text: st.Text, Lost: st.Lost, SQL: true, Before: st.Before,
				Have: st.Have, Coming: st.Have, shown: st.shown, since: a.doubts,
			}
		}
	}
	return again
}

// SentChanges takes note that a text with these changes was sent.
func (a *Account[M]) SentChanges(c *Changes[M]) {
	c.under = true
	a.pending++
}

// Over takes note that the text is over: it has been executed, or has failed, or was skipped.
func (a *Account[M]) Over(c *Changes[M]) {
	if c.under {
		c.under = false
		a.pending--
	}
}

// Tag takes note that statement i of a text, counted from 0, has succeeded with a command tag. c is nil where nobody has
// looked into the text.
func (a *Account[M]) Tag(c *Changes[M], i int, tag string) {
	var change Change[M]
	if c != nil && !c.unknown && i < len(c.list) {
		change = c.list[i]
	}
	switch tag {
	case "PREPARE":
		a.prepared(change.Prepare)
	case "DEALLOCATE":
		a.deallocated(change.Deallocate)
	case "DEALLOCATE ALL", "DISCARD ALL":
		a.dropAll()
	}
}

// prepared takes note of a PREPARE that has succeeded; nil: of which nothing is known.
func (a *Account[M]) prepared(st *Statement[M]) {
	if st == nil {
		a.Doubt()
		return
	}
	a.keep(st)
	st.Read, st.readIn = a.reading, a.readies
	a.bytes += st.cost()
	a.confirm(st.name, st)
	a.rest(st.name)
}

// deallocated takes note of a DEALLOCATE; "": of which the name is not known.
func (a *Account[M]) deallocated(name string) {
	if name == "" {
		if len(a.named) > 0 {
			a.Doubt()
		}
		return
	}
	if n := a.named[string(Key([]byte(name)))]; n != nil {
		a.drop(n)
	}
}
