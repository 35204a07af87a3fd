// Package change makes the SQL that keeps two sets of columns of a table in step, so that the versions of an app before and
// after a change of type or shape can both write. It does no I/O: a description of the change goes in, statements come out.
//
// The old side are the columns that the change takes, the new side those that it gives. Up makes the new side from the old
// one, down the old from the new. A hidden column, the marker, says of each row whether the sides are in step:
//
//	0      the new side has not been filled yet; it is what up makes of the old one
//	1, -1  the sides are in step. A writer that sets both sides itself turns one into the other: a flip (see Flip)
//
// From Serve on no row is at 0, and what was needed for such rows is gone.
//
// Other values are codes, which a writer stores in the marker to say what it has written, and which the triggers take away
// again. COPY cannot set a column to a constant, and says the code in a setting (see Saying). A CHECK keeps a code from ever being stored. The triggers find out what a writer without a code has written by
// comparing the row with the one before it, byte by byte. They never conclude it from the values alone.
//
// Two triggers fire for each row, one before all triggers of others and one after them. The first decides which side leads
// and fills the other, so that other triggers see both; the last lets what they have changed lead, and checks.
package change
