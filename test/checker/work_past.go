package checker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/test/checker/proof"
)

// What is done in ways that statements of an app seldom take.

// load by COPY makes rows. COPY says nothing of who writes, and so does it past the proxy.
func (w *worker) copyIn(ctx context.Context, sql writer) error {
	if w.side == proof.New && sql.lens.Marker != "" && !w.past {
		return nil // a code cannot be part of what is copied
	}
	var rows []proof.Tuple
	var ids []int64
	for range 1 + w.rand.IntN(4) {
		t := w.values()
		for missing(t) { // for whoever copies, NULL is nothing given
			t = w.values()
		}
		rows, ids = append(rows, t), append(ids, w.table.fresh.Add(1))
	}
	return w.transact(ctx, "", func(b *block) error {
		op := w.op(nil)
		op.Effect = func(id string, _ proof.Tuple) proof.Tuple {
			for i, n := range ids {
				if fmt.Sprint(n) == id {
					return rows[i]
				}
			}
			return nil
		}
		op.Allowed = append(op.Allowed, "23505")
		var data strings.Builder
		for i, t := range rows {
			fmt.Fprintf(&data, "%d\t%d", ids[i], op.ID)
			for _, v := range t {
				data.WriteString("\t" + copied(v.Text, v.Set))
			}
			data.WriteString("\n")
		}
		text := fmt.Sprintf("COPY %s (id, tag, %s) FROM STDIN", w.table.table(), strings.Join(sql.columns(w.side), ", "))
		return b.copy(ctx, op, text, data.String())
	})
}

// copied is a value as COPY reads it.
func copied(text string, set bool) string {
	if !set {
		return `\N`
	}
	return strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`).Replace(text)
}

// copy runs COPY … FROM STDIN as an operation.
func (b *block) copy(ctx context.Context, op *proof.Op, sql, data string) error {
	op.Session, op.Text, op.Begun = b.name, sql+" "+data, b.history.Now()
	b.ops = append(b.ops, op)
	if err := b.announce(ctx, op); err != nil {
		return err
	}
	tag, err := b.conn.CopyFrom(ctx, strings.NewReader(data), sql)
	if b.rejected(op, err) {
		return errFailed
	}
	op.Rows = tag.RowsAffected()
	return err
}

// disabled writes while all triggers are disabled, as some do who load data. Only CHECKs are left then.
func (w *worker) disabled(ctx context.Context, sql writer) error {
	if !w.past || w.side == proof.New || !w.table.Inline || w.table.Partitioned {
		return nil
	}
	return w.transact(ctx, "", func(b *block) error {
		if done, err := b.aside(ctx, "SET LOCAL lock_timeout = '20ms'; ALTER TABLE "+w.table.table()+" DISABLE TRIGGER USER"); !done || err != nil {
			return err
		}
		write := w.write()
		op := w.op(write.Effect)
		op.Allowed = append(op.Allowed, uncomputed...)
		if err := b.run(ctx, op, sql.update(write, op.ID, byKey(w.table.key(w.rand)))); err != nil {
			return err
		}
		// ENABLE TRIGGER USER makes triggers that fire always into ones that fire for clients only.
		return b.plain(ctx, "ALTER TABLE "+w.table.table()+" ENABLE TRIGGER USER; "+always(w.table.table()))
	})
}

// always makes Segue's triggers fire always again.
func always(table string) string {
	return `DO $$ DECLARE n name; BEGIN FOR n IN SELECT tgname FROM pg_trigger WHERE tgrelid = ` + quoted(table) + `::regclass AND tgname ~ 'segue' LOOP
		EXECUTE format('ALTER TABLE ` + table + ` ENABLE ALWAYS TRIGGER %I', n); END LOOP; END $$`
}

// aside runs a statement of the block that is no operation. It is not done if somebody was in the way.
func (b *block) aside(ctx context.Context, sql string) (done bool, err error) {
	err = b.plain(ctx, sql)
	var rejected *pgconn.PgError
	if errors.As(err, &rejected) && rejected.Severity == "ERROR" {
		b.failed = true
		return false, nil
	}
	return err == nil, err
}

// applied writes as a worker does that applies the changes of another database: the user's triggers do not fire.
func (w *worker) applied(ctx context.Context, sql writer) error {
	if !w.past {
		return nil
	}
	return w.transact(ctx, "", func(b *block) error {
		if err := b.plain(ctx, "SET LOCAL session_replication_role = replica"); err != nil {
			return err
		}
		write := w.write()
		op := w.op(write.Effect)
		op.Untriggered = true
		return b.run(ctx, op, sql.update(write, op.ID, byKey(w.table.key(w.rand))))
	})
}

// cascade changes the key of a row that the table's rows refer to, or deletes it, so that PostgreSQL itself writes the old side.
func (w *worker) cascade(ctx context.Context, _ writer) error {
	if w.table.Parent == "" {
		return nil
	}
	from := fmt.Sprint(1 + w.rand.IntN(parents))
	op := &proof.Op{ID: w.history.Number(), Rule: w.table.Parent, Side: proof.Old, Allowed: []string{"23505"}}
	op.Effect = func(string, proof.Tuple) proof.Tuple { return nil }
	op.Cascade = func(_, _ string, before proof.Tuple) proof.Tuple {
		if before != nil && before[0].Text == from {
			return proof.Tuple{{}}
		}
		return before
	}
	text := "DELETE FROM " + w.table.Parent + " WHERE id = " + from
	if w.rand.IntN(3) > 0 {
		to := fmt.Sprint(1 + w.rand.IntN(parents))
		text = "UPDATE " + w.table.Parent + " SET id = " + to + " WHERE id = " + from
		op.Cascade = func(_, _ string, before proof.Tuple) proof.Tuple {
			if before != nil && before[0].Text == from {
				return proof.Tuple{{Text: to, Set: true}}
			}
			return before
		}
	}
	if err := w.once(ctx, op, text); err != nil {
		return err
	}
	return w.plain(ctx, "INSERT INTO "+w.table.Parent+" SELECT n FROM generate_series(1, "+fmt.Sprint(parents)+") n ON CONFLICT DO NOTHING")
}

// follow gives a row that is looked up another code, which what was made from it has to follow. It is not done if somebody was in the way.
func (w *worker) follow(ctx context.Context, id int64, code string) error {
	return w.transact(ctx, "", func(b *block) error {
		_, err := b.aside(ctx, fmt.Sprintf("UPDATE %s SET code = %s WHERE id = %d", w.table.Rule.Reads, quoted(code), id))
		return err
	})
}

// followed changes a row that is looked up.
func (w *worker) followed(ctx context.Context, sql writer) error {
	if w.table.Rule.Reads == "" || w.side == proof.Old || sql.lens.Marker == "" {
		return nil
	}
	return w.follow(ctx, int64(1+w.rand.IntN(changing)), fmt.Sprintf("c%d", w.history.Number()))
}
