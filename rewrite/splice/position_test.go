package splice

import "testing"

func TestAnInsertionBelongsToTheStatementThatItEnds(t *testing.T) {
	t.Parallel()
	edits := []Edit{{Start: 8, End: 8, New: " AS b"}}
	if before, after := ToSent(edits, 8, false), ToSent(edits, 8, true); before != 8 || after != 13 {
		t.Errorf("before and after the insertion = %d, %d; want 8, 13", before, after)
	}
}
