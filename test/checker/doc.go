// Package checker tests the SQL that keeps two sides of a table in step (package change) on a real PostgreSQL, with clients that
// write to both sides at once while the change goes forth and back.
//
// A Run makes tables, each with a change, and for each of them clients in four roles: the old version, the new version, and
// somebody past the proxy who writes to either side. Versions write their statements as the proxy does, with codes or flips. An
// operator takes each change through its phases, and its connection is lost at random.
//
// What clients meant and saw goes into a proof.History. What was committed is read from the log (package wal). Package proof
// compares both.
//
// The checker is itself tested: without any one of the guards that a change has, it must find an anomaly (Mutants). Guards that
// only a proxy has are not among them yet: the lease, the gate, the retry of a statement with newer names, and what two releases
// must agree on. Here a lock of the process stands for the gate.
//
// A Crew is the same clients going through instances of Segue: package fleet has them work under faults.
//
// How to look for more: make soak. A failure names its seed, which makes the same choices again; how the clients interleave is
// up to the machine, so a fault may need several runs.
package checker
