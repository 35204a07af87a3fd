// Package fleet drives the clients of package checker through instances of Segue, as processes, while a migration goes forth and
// back and faults happen: instances are killed and frozen, at times when they are about to send a certain statement, the server
// crashes, connections are cut, and others hold locks.
//
// A Round is one database with one migration. Its operator asks for transitions, allowed and not, of any instance; for most of
// them a fault comes at a random moment. What is checked:
//
//   - what package proof proves, of all that was committed, in every phase: no write is lost or done twice, no version sees a
//     value that is not its own, and both sides are in step;
//   - every transition is made, or refused or withdrawn with words, once the faults are over;
//   - nothing stays suspended: every client that may work gets on, and every instance is ready;
//   - no instance ends by itself; no client of an instance that no fault has met sees an error;
//   - a backfill is stopped by no fault;
//   - after purge the database has nothing of Segue's outside its schema.
//
// Pairs counts in which step of a migration which fault has come. All choices are those of a seed; what meets what is up to the
// machine.
package fleet
