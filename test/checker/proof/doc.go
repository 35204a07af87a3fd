// Package proof decides whether a table whose columns are changed under two versions of an app has kept its promises. It is
// given what the writers meant and saw (a History) and what the database committed (package wal), replays the second in its
// order, and compares each written row with what the writer of that row meant. It does no I/O.
//
// What is proved of every row version, in the order of commits:
//
//   - in step: a row that is marked so has a new side that is made from its old one, or the other way round;
//   - PutGet: the side that was written holds what was written, and the other side what is made from that;
//   - GetPut: a write that changes nothing on its side changes nothing on the other;
//   - a write that no statement asked for, such as those of a backfill or of DDL, changes nothing that a version sees;
//   - what was acknowledged has happened, and what was rolled back has not;
//   - each value that was read is what that version sees of a row version which existed, and not an older one than the
//     reader must see.
//
// Increments and appends are compared with the row version that they were made on, so none can be lost or counted twice.
package proof
