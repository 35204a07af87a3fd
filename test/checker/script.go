package checker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/test/checker/proof"
	"github.com/seguedb/segue/test/checker/wal"
)

// A script does few things to one table, always the same and in the same order. After the first error it does nothing more.
type script struct {
	ctx      context.Context
	run      *Run
	table    *table
	operator *operator
	mutated  bool // a guard is to be left out
	err      error
	clients  []*client
}

// number tells the tables of scenarios apart, which share a database.
var number atomic.Int64

// play runs a scenario in a database that was prepared, without some guards, and proves what it did.
func play(ctx context.Context, url string, shape *Shape, scenario func(*script), guard change.Guard, guarded bool) (found []proof.Anomaly, err error) {
	admin, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer admin.Close(ctx)
	shape.rename(fmt.Sprintf("%s_%d", shape.Name, number.Add(1)))
	r := &Run{URL: url, Shapes: []*Shape{shape}, Log: func(string, ...any) {}}
	if !guarded {
		r.Without = []change.Guard{guard}
	}
	if err := r.setUp(ctx, admin, slotName(url)+"_"+shape.Name); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.slot.Drop(ctx)) }()
	conn, err := pgconn.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	s := &script{ctx: ctx, run: r, table: r.tables[0], mutated: !guarded}
	s.operator = &operator{url: url, conn: conn, rand: rand.New(rand.NewPCG(1, 1)), table: s.table, log: r.Log, steady: true}
	scenario(s)
	for _, c := range s.clients {
		c.close()
	}
	_ = s.operator.conn.Close(ctx)
	if rejected, ok := errors.AsType[*pgconn.PgError](s.err); ok && s.mutated {
		return []proof.Anomaly{{Kind: proof.Stuck, Rule: shape.Name, What: rejected.Error()}}, nil
	}
	if s.err != nil {
		return nil, s.err
	}
	return r.prove(ctx)
}

// errAccepted says that a statement was done that has to be rejected.
var errAccepted = errors.New("it is accepted")

func (s *script) do(f func() error) {
	if s.err == nil {
		s.err = f()
	}
}

// to takes the change forth to a phase.
func (s *script) to(p phase) {
	for s.err == nil && s.operator.phase < p {
		s.do(func() error { return s.operator.forth(s.ctx) })
	}
}

// exec runs SQL that is no part of the history.
func (s *script) exec(sql ...string) {
	s.do(func() error { return s.operator.exec(s.ctx, sql...) })
}

// A background is something that goes on beside a scenario.
type background struct {
	script *script
	done   chan struct{}
	err    error // when it is done
}

// start does something in the background.
func (s *script) start(f func() error) *background {
	b := &background{script: s, done: make(chan struct{})}
	if s.err != nil {
		close(b.done)
		return b
	}
	go func() {
		defer close(b.done)
		b.err = f()
	}()
	return b
}

func (b *background) over() bool {
	select {
	case <-b.done:
		return true
	default:
		return false
	}
}

func (b *background) wait() {
	<-b.done
	b.script.do(func() error { return b.err })
}

// patience is how long a scenario waits for what must happen.
const patience = time.Minute

// eventually waits for a condition.
func (s *script) eventually(condition func() bool) {
	s.do(func() error {
		ctx, cancel := context.WithTimeout(s.ctx, patience)
		defer cancel()
		return poll(ctx, func() (bool, error) { return condition(), nil })
	})
}

// blocked reports whether a client waits for a lock.
func (s *script) blocked(h *hand) bool {
	n, err := s.operator.number(s.ctx, fmt.Sprintf("SELECT cardinality(pg_blocking_pids(%d))", h.conn.PID()))
	return err == nil && n > 0
}

// replica is the setting of workers that apply the changes of another database.
const replica = "SET session_replication_role = replica"

// A hand is a client that does what a scenario says.
type hand struct {
	*worker
	script *script
	form   Form
	naive  bool // flips derive the other side also where nothing is changed
	half   bool // flips leave the other side as it is

	replica bool   // the user's triggers do not fire
	block   *block // open transaction, if any
}

// hand connects a client of a side, whose session has these settings.
func (s *script) hand(name string, side proof.Side, form Form, settings ...string) *hand {
	h := &hand{worker: &worker{table: s.table, side: side, past: form == Plain}, script: s, form: form}
	h.replica = slices.Contains(settings, replica)
	s.do(func() error {
		conn, err := pgconn.Connect(s.ctx, s.run.URL)
		if err != nil {
			return err
		}
		h.client = &client{name: name, conn: conn, history: s.run.history}
		s.clients = append(s.clients, h.client)
		settings := append(settings, "SET application_name = "+quoted(s.table.Name+" "+name))
		for _, sql := range settings {
			if err := h.client.plain(s.ctx, sql); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		return nil
	})
	return h
}

// does runs an operation, alone or in the open transaction. Rejected says that it is no anomaly if it fails with that SQLSTATE.
func (h *hand) does(effect func(before proof.Tuple) proof.Tuple, rejected string, sql func(w writer, tag int64) string) {
	h.script.do(func() error {
		op := h.op(effect)
		if rejected != "" {
			op.Allowed = append(op.Allowed, rejected)
		}
		w := h.table.writer(h.side, h.form)
		w.naive, w.half = h.naive, h.half
		op.Untriggered = h.replica
		text := sql(w, op.ID)
		if h.block == nil {
			return h.once(h.script.ctx, op, text)
		}
		if err := h.block.run(h.script.ctx, op, text); !errors.Is(err, errFailed) {
			return err
		}
		return nil
	})
}

// update runs a write of row 1.
func (h *hand) update(write Write, rejected string) {
	h.does(write.Effect, rejected, func(w writer, tag int64) string { return w.update(write, tag, "t.id = 1") })
}

// sets writes all columns of its side in row 1.
func (h *hand) sets(values ...string) { h.update(set(h.table.Types[h.side], tuple(values)), "") }

// setsOne writes one column of its side in row 1.
func (h *hand) setsOne(i int, value string) {
	h.update(setOne(i, h.table.Types[h.side][i], wal.Text(value)), "")
}

// touches writes nothing of the change in row 1.
func (h *hand) touches() {
	h.update(Write{Effect: func(before proof.Tuple) proof.Tuple { return before }}, "")
}

// inserts makes row 1.
func (h *hand) inserts(values ...string) {
	t := tuple(values)
	h.does(func(proof.Tuple) proof.Tuple { return t }, "", func(w writer, tag int64) string { return w.insert(1, t, tag) })
}

// reads reads row 1.
func (h *hand) reads() {
	h.does(nil, "", func(w writer, _ int64) string { return w.read("t.id = 1", "") })
}

// begins opens a transaction.
func (h *hand) begins(isolation string) {
	h.script.do(func() error {
		h.block = &block{client: h.client, isolation: isolation, began: h.history.Now()}
		return h.plain(h.script.ctx, "BEGIN ISOLATION LEVEL "+isolation)
	})
}

// commits ends it.
func (h *hand) commits() {
	h.script.do(func() error {
		b := h.block
		h.block = nil
		if b.failed {
			b.end(proof.RolledBack)
			return h.plain(h.script.ctx, "ROLLBACK")
		}
		return b.commit(h.script.ctx)
	})
}

// null stands for NULL in the values of a scenario.
const null = "\x00"

func tuple(values []string) proof.Tuple {
	out := make(proof.Tuple, len(values))
	for i, v := range values {
		if v != null {
			out[i] = wal.Text(v)
		}
	}
	return out
}
