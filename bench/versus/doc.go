// Command versus measures Segue beside what people use today: the server directly, PgBouncer, and a proxy that does nothing but
// pass bytes on (the anchor). All are measured in turn, round by round, with pgbench against one server, so that a noisy machine disturbs
// all alike, and the outcome is ratios: medians of rounds, with their spread.
//
//	go run ./bench/versus -rounds 7 -seconds 4 -clients 1,8,32
//
// Times come from pgbench's log of transactions. CPU is that of the proxy's process alone, in seconds per 1,000
// transactions.
package main
