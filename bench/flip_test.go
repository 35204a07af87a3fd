package bench

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// sales has a table under a change, and for each version a plain one with its columns.
const sales = `
CREATE TABLE sale (id int PRIMARY KEY, cents int, note text);
CREATE TABLE plain_cents (id int PRIMARY KEY, cents int, note text);
CREATE TABLE plain_amount (id int PRIMARY KEY, amount numeric(12,2), note text);
INSERT INTO sale SELECT i, i, 'a note of some length, as sales have them' FROM generate_series(1, 5000) i;
CREATE TABLE member (id int PRIMARY KEY, uuid uuid NOT NULL UNIQUE);
CREATE TABLE post (id int PRIMARY KEY, member_id int, note text);
CREATE TABLE plain_member_id (id int PRIMARY KEY, member_id int, note text);
INSERT INTO member SELECT i, md5(i::text)::uuid FROM generate_series(1, 100) i;
INSERT INTO post SELECT i, i % 100 + 1, 'a note of some length, as posts have them' FROM generate_series(1, 5000) i;
INSERT INTO plain_member_id SELECT * FROM post;
INSERT INTO plain_cents SELECT * FROM sale; INSERT INTO plain_amount SELECT id, cents / 100.0, note FROM sale;`

const inAmounts = `
id: amount
operations:
  - change_columns:
      table: public.sale
      from: [cents]
      to: [{ name: amount, type: "numeric(12,2)" }]
      up: { amount: cents / 100.0 }
      down: { cents: (amount * 100)::integer }
`

// inMembers looks values up, which triggers do.
const inMembers = `
id: author
operations:
  - change_columns:
      table: public.post
      from: [member_id]
      to: [{ name: author, type: uuid }]
      up: { author: "(SELECT m.uuid FROM member m WHERE m.id = member_id)" }
      down: { member_id: "(SELECT m.id FROM member m WHERE m.uuid = author)" }
      reads: [{ table: member, via: { member_id: id, author: uuid } }]
`

// BenchmarkFlips runs a write of either version of a table under a change, and the same on a plain table, in turn, both through
// Segue, by prepared statements and by texts with values in them. It reports how many times as long the write took (wall), and how many times as
// long the server computed (cpu). "as before" is the write without a flip, past Segue. Commits do not wait for the disk, but for those
// that are "durable", as PostgreSQL has it by itself.
func BenchmarkFlips(b *testing.B) {
	url := pgtest.Database(b)
	pgtest.Exec(b, url, sales)
	running := proxyBefore(b, url)
	for id, file := range map[string]string{"amount": inAmounts, "author": inMembers} {
		if _, _, err := running.Instance.Create(b.Context(), id+".yaml", []byte(file), "bench"); err != nil {
			b.Fatal(err)
		}
		if err := running.Instance.Request(b.Context(), id, migrate.Request{Kind: migrate.Activate}); err != nil {
			b.Fatal(err)
		}
		pgtest.Eventually(b, func() bool {
			st, err := running.Instance.Get(b.Context(), id)
			return err == nil && st.Stage == rules.Served && st.Pending == nil
		}, "the change is served")
	}
	pgtest.Exec(b, url, "VACUUM ANALYZE")
	through := pgtest.Through(b, url, running.Addr())
	old, renewed := through+"&segue.version=base", through+"&segue.version=amount"
	prepared, simple := pgx.QueryExecModeCacheStatement, pgx.QueryExecModeSimpleProtocol
	const (
		twenty   = "INSERT INTO %s (%s, id) VALUES ($1, $2), …"
		selected = "INSERT INTO %s (%s, id) SELECT cents, id + $1 FROM plain_cents WHERE id <= 100"
	)
	const all = "UPDATE %s SET %s = %[2]s + 1"
	type write struct {
		name, url, sql, column string
		mode                   pgx.QueryExecMode
	}
	each := []write{
		{"old, UPDATE", old, "UPDATE %s SET %s = $1 WHERE id = $2", "cents", prepared},
		{"new, UPDATE", renewed, "UPDATE %s SET %s = $1 WHERE id = $2", "amount", prepared},
		{"old, UPDATE as before", url, "UPDATE %s SET %s = $1 WHERE id = $2", "cents", prepared},
		{"new, UPDATE as before", url, "UPDATE %s SET %s = $1 WHERE id = $2", "amount", prepared},
		{"old, UPDATE by calculation", old, "UPDATE %s SET %s = %[2]s + $1 WHERE id = $2", "cents", prepared},
		{"new, UPDATE by calculation", renewed, "UPDATE %s SET %s = %[2]s + $1 WHERE id = $2", "amount", prepared},
		{"old, UPDATE with values in the text", old, "UPDATE %s SET %s = $1 WHERE id = $2", "cents", simple},
		{"new, UPDATE with values in the text", renewed, "UPDATE %s SET %s = $1 WHERE id = $2", "amount", simple},
		{"old, UPDATE of another column", old, "UPDATE %s SET note = $1 WHERE id = $2 AND %[2]s IS NOT NULL", "cents", prepared},
		{"old, INSERT", old, "INSERT INTO %s (%s, id) VALUES ($1, $2)", "cents", prepared},
		{"new, INSERT", renewed, "INSERT INTO %s (%s, id) VALUES ($1, $2)", "amount", prepared},
		{"old, INSERT of 20 rows", old, twenty, "cents", prepared},
		{"new, INSERT of 20 rows", renewed, twenty, "amount", prepared},
		{"new, INSERT of 20 rows as before", url, twenty, "amount", prepared},
		{"old, INSERT of selected rows", old, selected, "cents", prepared},
		{"new, INSERT of selected rows", renewed, selected, "amount", prepared},
		{"new, INSERT of selected rows as before", url, selected, "amount", prepared},
		{"old, UPDATE that looks up", old, "UPDATE %s SET %s = $1 WHERE id = $2", "member_id", prepared},
		{"old, INSERT that looks up", old, "INSERT INTO %s (%s, id) VALUES ($1, $2)", "member_id", prepared},
		{"old, UPDATE of all", old, all, "cents", prepared},
		{"new, UPDATE of all", renewed, all, "amount", prepared},
		{"old, UPDATE of all as before", url, all, "cents", prepared},
		{"new, UPDATE of all as before", url, all, "amount", prepared},
	}
	for _, bc := range each {
		if bc.mode == prepared && (strings.HasSuffix(bc.name, ", UPDATE") || strings.HasSuffix(bc.name, ", INSERT")) {
			bc.name += durable
			each = append(each, bc)
		}
	}
	for _, bc := range each {
		b.Run(bc.name, func(b *testing.B) {
			pgtest.Exec(b, url, "DELETE FROM sale WHERE id > 5000; DELETE FROM plain_cents WHERE id > 5000; DELETE FROM plain_amount WHERE id > 5000; "+
				"DELETE FROM post WHERE id > 5000; DELETE FROM plain_member_id WHERE id > 5000", "VACUUM FULL sale, plain_cents, plain_amount, post, plain_member_id")
			table := "sale"
			if bc.column == "member_id" {
				table = "post"
			}
			w := newWrites(b, bc.url, bc.mode, fmt.Sprintf(bc.sql, "plain_"+bc.column, bc.column), fmt.Sprintf(bc.sql, table, bc.column))
			if strings.HasSuffix(bc.name, durable) {
				w.commitToDisk(b, url)
			}
			for b.Loop() {
				w.round(b)
			}
			w.report(b)
		})
	}
}

// durable ends the name of a write whose commits wait for the disk.
const durable = ", durable"

// writes are the same write on two tables, by one session.
type writes struct {
	conn        *pgx.Conn
	backend     uint32
	mode        pgx.QueryExecMode
	sql         [2]string // on the plain table, and on the other
	n           int
	wall, taken []float64 // ratios
}

func newWrites(b *testing.B, url string, mode pgx.QueryExecMode, plain, other string) *writes {
	w := &writes{conn: pgtest.Connect(b, url), mode: mode, sql: [2]string{plain, other}}
	for _, sql := range []string{"SET synchronous_commit = off", "SET max_parallel_workers_per_gather = 0"} {
		if _, err := w.conn.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.conn.QueryRow(b.Context(), "SELECT pg_backend_pid()").Scan(&w.backend); err != nil {
		b.Fatal(err)
	}
	return w
}

// commitToDisk has commits wait for the disk until the end of the benchmark.
func (w *writes) commitToDisk(b *testing.B, url string) {
	if _, err := w.conn.Exec(b.Context(), "RESET synchronous_commit"); err != nil {
		b.Fatal(err)
	}
	for _, sql := range []string{"ALTER SYSTEM SET fsync = on", "ALTER SYSTEM SET full_page_writes = on", "SELECT pg_reload_conf()", "CHECKPOINT"} {
		pgtest.Exec(b, url, sql)
	}
	b.Cleanup(func() {
		for _, sql := range []string{"ALTER SYSTEM RESET fsync", "ALTER SYSTEM RESET full_page_writes", "SELECT pg_reload_conf()"} {
			pgtest.Exec(b, url, sql)
		}
	})
	pgtest.Eventually(b, func() bool {
		var on string
		err := w.conn.QueryRow(b.Context(), "SHOW fsync").Scan(&on)
		return err == nil && on == "on"
	}, "commits wait for the disk")
}

// round runs the write on both tables for as many rows, in turn.
func (w *writes) round(b *testing.B) {
	var wall, taken [2]float64
	w.n++
	for i := range 2 {
		if w.n%2 == 0 {
			i = 1 - i
		}
		began, computed := time.Now(), cpuOf(w.backend)
		w.write(b, w.sql[i])
		wall[i], taken[i] = time.Since(began).Seconds(), cpuOf(w.backend)-computed
	}
	if w.n > 4 {
		w.wall, w.taken = append(w.wall, wall[1]/wall[0]), append(w.taken, taken[1]/taken[0])
	}
}

func (w *writes) write(b *testing.B, sql string) {
	rows, width := 100, 1
	switch {
	case !strings.Contains(sql, "$"):
		rows = 1
	case strings.Contains(sql, "…"):
		width = 20
		var more strings.Builder
		for k := range width - 1 {
			fmt.Fprintf(&more, "($%d, $%d),", 2*k+3, 2*k+4)
		}
		sql = strings.Replace(sql, "…", strings.TrimSuffix(more.String(), ","), 1)
	case strings.Contains(sql, "SELECT"):
		rows, width = 10, 100
	}
	for i := range rows {
		args := []any{w.mode}
		id := 1 + (w.n*rows+i)%5000
		if strings.HasPrefix(sql, "INSERT") {
			id = 5001 + (w.n*rows+i)*width
		}
		switch {
		case strings.Contains(sql, "SELECT"):
			args = append(args, id)
		case strings.Contains(sql, "$1"):
			for k := range width {
				args = append(args, w.n%90+1, id+k)
			}
		}
		if strings.Contains(sql, "note =") {
			args[1] = "another note, of " + strconv.Itoa(w.n)
		}
		if _, err := w.conn.Exec(b.Context(), sql, args...); err != nil {
			b.Fatal(err)
		}
	}
}

func (w *writes) report(b *testing.B) {
	if len(w.wall) == 0 {
		b.Skip("needs more rounds: -benchtime 60x")
	}
	slices.Sort(w.wall)
	slices.Sort(w.taken)
	b.ReportMetric(w.wall[len(w.wall)/2], "×wall")
	b.ReportMetric(w.taken[len(w.taken)/2], "×cpu")
	b.ReportMetric(0, "ns/op")
}

// cpuOf is for how many seconds a process of this machine has computed; 0 where that is not told.
func cpuOf(pid uint32) float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
	first, _, _ := strings.Cut(string(text), " ")
	n, _ := strconv.ParseFloat(first, 64)
	return n / 1e9
}
