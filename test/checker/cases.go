package checker

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/test/checker/proof"
)

// A Case is a scenario in which nothing may go wrong, or in which what cannot be done well has to be refused.
type Case struct {
	Name     string
	Open     string // why it is not so yet; empty: it is
	shape    func() *Shape
	scenario func(*script)
}

// Play runs the scenario in a database that was prepared.
func (c Case) Play(ctx context.Context, url string) ([]proof.Anomaly, error) {
	return play(ctx, url, c.shape(), c.scenario, "", true)
}

// Cases are what random clients seldom or never do.
func Cases() []Case {
	return []Case{
		{"two changes of one table go to the end together", "", paired, func(s *script) {
			old, past := s.hand("old", proof.Old, Plain), s.hand("past", proof.New, Plain)
			old.inserts("100")
			s.to(filling)
			old.sets("200")
			past.sets("3.00")
			s.to(served)
			s.hand("new", proof.New, Code).sets("4.00")
			s.hand("flip", proof.Old, Flip).sets("500")
			s.to(owned)
			old.sets("600")
			s.hand("flip of the new one", proof.New, Flip).sets("7.00")
			s.to(purged)
			past.sets("8.00")
		}},
		{"the new side of a row that is not filled is written while triggers are disabled", "", money, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("100")
			s.to(filling)
			s.exec("ALTER TABLE " + s.table.table() + " DISABLE TRIGGER USER")
			s.hand("past", proof.New, Plain).update(set(s.table.Types[proof.New], tuple([]string{"2.00"})), checkViolation)
			s.exec("ALTER TABLE " + s.table.table() + " ENABLE TRIGGER USER")
			s.to(served)
		}},
		{"a side of a rule that no CHECK proves is written while triggers are disabled", "only a CHECK would notice", floats, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("1.5")
			s.to(served)
			s.exec("ALTER TABLE " + s.table.table() + " DISABLE TRIGGER USER")
			s.hand("past", proof.Old, Plain).update(set(s.table.Types[proof.Old], tuple([]string{"2.5"})), checkViolation)
		}},
		{"an applying worker writes after triggers were disabled and enabled again", "", money, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("100")
			s.to(served)
			s.exec("ALTER TABLE "+s.table.table()+" DISABLE TRIGGER USER", "ALTER TABLE "+s.table.table()+" ENABLE TRIGGER USER")
			s.hand("apply", proof.Old, Plain, replica).update(set(s.table.Types[proof.Old], tuple([]string{"200"})), checkViolation)
		}},
		{"a row is inserted while triggers are disabled and rows are filled", "", money, func(s *script) {
			s.to(filling)
			s.exec("ALTER TABLE " + s.table.table() + " DISABLE TRIGGER USER")
			past := s.hand("past", proof.Old, Plain)
			t := tuple([]string{"100"})
			past.does(func(proof.Tuple) proof.Tuple { return t }, checkViolation, func(w writer, tag int64) string { return w.insert(1, t, tag) })
		}},
		{"triggers are disabled and enabled while a transition waits for the table", "", money, func(s *script) {
			s.to(served)
			other := s.hand("other", proof.Old, Plain)
			s.do(func() error {
				return other.plain(s.ctx, "BEGIN; ALTER TABLE "+s.table.table()+" DISABLE TRIGGER USER; ALTER TABLE "+s.table.table()+" ENABLE TRIGGER USER")
			})
			operator := s.operator.conn.PID()
			rollback := s.start(func() error { return s.operator.rollback(s.ctx) })
			s.eventually(func() bool { return rollback.over() || s.waits(operator) })
			s.do(func() error { return other.plain(s.ctx, "COMMIT") })
			rollback.wait()
		}},
		{"a child that inherits is made later", "", money, func(s *script) {
			s.to(served)
			s.exec("CREATE TABLE " + s.table.table() + "_child () INHERITS (" + s.table.table() + ")")
			s.rejected("INSERT INTO " + s.table.table() + "_child (id, cents) VALUES (1, 100)")
		}},
		{"a table with rows that are not filled becomes a partition", "", moving, func(s *script) {
			s.to(served)
			t := s.table.table()
			s.exec("CREATE TABLE "+t+"_2 (LIKE "+t+" INCLUDING ALL)", "ALTER TABLE "+t+"_2 DROP CONSTRAINT "+ident("_segue_full_"+s.table.Name))
			s.rejected("INSERT INTO "+t+"_2 (id, region, cents, "+s.table.compiled.Marker()+") VALUES (1, 2, 100, 0)",
				"ALTER TABLE "+t+" ATTACH PARTITION "+t+"_2 FOR VALUES IN (2)")
		}},
		{"rollback from every phase brings the old version's values back", "", money, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("100")
			for _, p := range []phase{filling, completing, served, owned, contracted, settled} {
				s.to(p)
				new := s.hand("new", proof.New, Code)
				if p >= served {
					new.update(Write{Exprs: map[int]string{0: "{0} + 1"}, Effect: func(before proof.Tuple) proof.Tuple {
						return proof.Tuple{{Text: amount(centsOf(before[0].Text) + 100), Set: true}}
					}}, "")
				}
				s.do(func() error { return s.operator.rollback(s.ctx) })
				s.hand("old", proof.Old, Plain).reads()
				s.to(withdrawn)
				s.do(func() error { return s.operator.forth(s.ctx) })
			}
		}},
		{"rollback brings back a name that has its new meaning", "there is no way back once a name has its new meaning", repriced, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("100")
			s.to(contracted)
			for _, c := range s.clients {
				c.close()
			}
			s.to(settled)
			s.hand("new", proof.New, Code).sets("2.00")
			s.do(func() error { return s.operator.rollback(s.ctx) })
			s.hand("old", proof.Old, Plain).reads()
		}},
	}
}

// waits reports whether a backend waits for another one.
func (s *script) waits(backend uint32) bool {
	conn, err := pgconn.Connect(s.ctx, s.run.URL)
	if err != nil {
		return false
	}
	defer conn.Close(s.ctx)
	results, err := conn.Exec(s.ctx, fmt.Sprintf("SELECT cardinality(pg_blocking_pids(%d)) > 0", backend)).ReadAll()
	return err == nil && string(results[0].Rows[0][0]) == "t"
}

// rejected runs statements in one transaction, which must fail.
func (s *script) rejected(sql ...string) {
	s.do(func() error {
		if err := s.operator.exec(s.ctx, append(append([]string{"BEGIN"}, sql...), "COMMIT")...); err == nil {
			return errAccepted
		}
		return s.operator.exec(s.ctx, "ROLLBACK")
	})
}
