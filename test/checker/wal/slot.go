package wal

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Settings are what a cluster needs so that its log can be read.
func Settings() map[string]string {
	return map[string]string{"wal_level": "logical", "max_replication_slots": "100", "max_wal_senders": "10"}
}

// A Slot is a place in the log, from which it can be read on. It is not for concurrent use.
type Slot struct {
	conn *pgx.Conn // as superuser; the slot does not close it
	name string
	all  bool // every table of the database, by test_decoding
}

// lossless are the settings of a session that reads: values are printed by them.
const lossless = "SET datestyle = 'ISO, MDY'; SET timezone = 'UTC'; SET intervalstyle = 'postgres'; SET extra_float_digits = 1; SET bytea_output = 'hex'"

// whole makes the log have the rows before a write as a whole.
func whole(tables []string) string {
	return fmt.Sprintf(`DO $$ DECLARE r regclass; BEGIN
		FOR r IN SELECT p.relid FROM unnest('{%s}'::regclass[]) t, pg_partition_tree(t) p WHERE p.isleaf
			UNION SELECT unnest('{%[1]s}'::regclass[]) LOOP
			EXECUTE format('ALTER TABLE %%s REPLICA IDENTITY FULL', r);
		END LOOP; END $$`, strings.Join(tables, ","))
}

// Follow makes a slot in the database of conn: what the given tables, as schema.name, see from now on can be read. The log has
// the rows before a write as a whole only for tables with REPLICA IDENTITY FULL, which is set here. A partitioned table stands
// for its partitions, also later ones, whose identity the caller must then set.
func Follow(ctx context.Context, conn *pgx.Conn, name string, tables ...string) (*Slot, error) {
	for _, sql := range []string{
		lossless, whole(tables),
		fmt.Sprintf("CREATE PUBLICATION %s FOR TABLE %s", name, strings.Join(tables, ", ")),
		fmt.Sprintf("SELECT pg_create_logical_replication_slot('%s', 'pgoutput')", name),
	} {
		if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			return nil, fmt.Errorf("%s: %w", sql, err)
		}
	}
	return &Slot{conn: conn, name: name}, nil
}

// FollowAll is Follow for a database whose tables must not be published: every table of it can be read. Only of the given ones
// does the log have the rows before a write.
func FollowAll(ctx context.Context, conn *pgx.Conn, name string, tables ...string) (*Slot, error) {
	for _, sql := range []string{whole(tables), fmt.Sprintf("SELECT pg_create_logical_replication_slot('%s', 'test_decoding')", name)} {
		if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			return nil, fmt.Errorf("%s: %w", sql, err)
		}
	}
	return &Slot{conn: conn, name: name, all: true}, nil
}

// Over is the slot for another connection to its database, such as one that was made after the server was started again.
func (s *Slot) Over(conn *pgx.Conn) *Slot { return &Slot{conn, s.name, s.all} }

// Say is the statement by which a writer says something in the log, as part of its transaction.
func Say(prefix, content string) string {
	return fmt.Sprintf("SELECT pg_catalog.pg_logical_emit_message(true, %s, %s)", quoted(prefix), quoted(content))
}

// quoted is a literal that means the same whatever the session's settings are.
func quoted(s string) string {
	return `E'` + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + `'`
}

// Read returns the transactions since the slot was made. It can be called again, and begins anew: relations are described once,
// and what was read is kept until the slot is dropped.
func (s *Slot) Read(ctx context.Context) ([]Transaction, error) {
	if s.all {
		return s.readAll(ctx)
	}
	rows, err := s.conn.Query(ctx, "SELECT data FROM pg_logical_slot_peek_binary_changes($1::name, NULL, NULL, "+
		"'proto_version', '1', 'publication_names', $1::text, 'messages', 'true')", s.name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	d := &decoder{relations: map[uint32]relation{}}
	for rows.Next() {
		var message []byte
		if err := rows.Scan(&message); err != nil {
			return nil, err
		}
		if err := d.add(message); err != nil {
			return nil, err
		}
	}
	return d.done, rows.Err()
}

func (s *Slot) readAll(ctx context.Context) ([]Transaction, error) {
	if _, err := s.conn.PgConn().Exec(ctx, lossless).ReadAll(); err != nil {
		return nil, err
	}
	rows, err := s.conn.Query(ctx, "SELECT data FROM pg_logical_slot_peek_changes($1, NULL, NULL)", s.name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	d := &textDecoder{columns: map[string][]string{}}
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, err
		}
		if err := d.add(line); err != nil {
			return nil, err
		}
	}
	return d.done, rows.Err()
}

// Drop gives up the slot. A database cannot be dropped while it is read from, and the server keeps all log since it was made.
func (s *Slot) Drop(ctx context.Context) error {
	_, err := s.conn.Exec(ctx, "SELECT pg_drop_replication_slot($1)", s.name)
	return err
}
