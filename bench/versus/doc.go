// Command versus measures Segue beside what people use today: the server directly, PgBouncer, and a proxy that does nothing but
// pass bytes on (the anchor). All are measured in turn, round by round, with pgbench against one server, so that a noisy machine disturbs
// all alike, and the outcome is ratios: medians of rounds, with their spread.
//
//	go run ./bench/versus -rounds 7 -length 4s -clients 1,8,32 -out DIR
//	go run ./bench/versus -base DIR/result.json
//
// With -base the ratios are compared with those of an earlier run, of whatever machine.
//
// Times come from pgbench's log of transactions. CPU is that of the proxy's process alone, in seconds per 1,000
// transactions.
package main
