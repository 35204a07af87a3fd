package rewrite

import (
	"fmt"
	"sync/atomic"
)

// An oracle checks the binding of a text against what the server makes of it. Proof shows that the edits were applied
// as meant; only the server's description of its result shows that they were meant right.
type oracle struct {
	done     []atomic.Bool     // for each statement: nothing is left to compare
	left     atomic.Int32      // how many are not done
	wrong    atomic.Bool       // some answer was not as predicted
	distrust func(user string) // remembers that the text is not to be trusted; nil when no binder keeps it
	suspect  bool              // an answer to another user was not as predicted
}

// arm prepares the check of the statements for which check is true.
func (o *oracle) arm(check []bool, distrust func(user string)) {
	o.done = make([]atomic.Bool, len(check))
	o.distrust = distrust
	for i, c := range check {
		if c {
			o.left.Add(1)
		} else {
			o.done[i].Store(true)
		}
	}
}

// Verified tells whether nothing is left for Verify to do.
func (t *Text) Verified() bool { return t.oracle.left.Load() == 0 }

// Mispredicted tells whether Verify has found the text's rewrite to be wrong. Whoever keeps a Text has to give it up then,
// and to ask Rewrite again, which refuses.
func (t *Text) Mispredicted() bool { return t.oracle.wrong.Load() }

// Suspect tells whether an answer to another user was not as predicted. Then the text has been bound anew, and an answer that
// is wrong again must not be shown.
func (t *Text) Suspect() bool { return t.oracle.suspect }

// Verify compares the server's first RowDescription for statement number i, counted from 0, with what was predicted for a
// session of that user (Session.User); labels are in the session's encoding. The error says what differs. From then on
// every Rewrite of the text in its version refuses it to that user, with 0A000, for as long as the binder lives, and the
// binder's Stats count it. To others it is Suspect: somebody who has made a session's view of the database wrong on purpose
// takes no text from them. What becomes of the answer at hand is the caller's affair: it is what the server made of the
// text that was sent, and the statement may have been executed. Safe for concurrent use.
func (t *Text) Verify(user string, i int, got []Column) error {
	o := &t.oracle
	if i < 0 || i >= len(o.done) || o.done[i].Load() {
		return nil
	}
	if err := t.compare(t.Statements[i].Columns, got); err != nil {
		o.wrong.Store(true)
		if o.distrust != nil {
			o.distrust(user)
		}
		return fmt.Errorf("statement %d: %w", i+1, err)
	}
	if !o.done[i].Swap(true) {
		o.left.Add(-1)
	}
	return nil
}

func (t *Text) compare(want, got []Column) error {
	if len(want) != len(got) {
		return fmt.Errorf("the server returns %d columns where %d were predicted", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		label, err := t.charset.Decode(g.Label)
		if err != nil {
			return fmt.Errorf("the label of column %d cannot be read: %w", i+1, err)
		}
		if label.UTF8 != w.Label {
			return fmt.Errorf("the server calls column %d %q where %q was predicted", i+1, label.UTF8, w.Label)
		}
		if w.Known && (g.Table != w.Table || g.Num != w.Num) {
			return fmt.Errorf("column %d %q comes from column %d of table %d where column %d of table %d was predicted",
				i+1, w.Label, g.Num, g.Table, w.Num, w.Table)
		}
	}
	return nil
}

// mispredicted is the refusal of a text whose rewrite has been shown to be wrong.
func mispredicted() *Error {
	return refusedUnproven.raise("mispredicted",
		"this statement is not rewritten any more, since the server's answer to it was not the predicted one", 0)
}
