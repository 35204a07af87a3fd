package checker

import "github.com/seguedb/segue/test/checker/proof"

// beside are guards that are up to those who use the SQL: writers and operators.
func beside() []Mutant {
	return []Mutant{
		{"wait for old snapshots", "a snapshot from before the backfill reads a side that is not filled", proof.NeverWritten, money, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("100")
			s.to(filling)
			reader := s.hand("new", proof.New, Code)
			reader.begins("REPEATABLE READ")
			s.do(func() error { return reader.plain(s.ctx, "SELECT 1") }) // takes the snapshot
			s.operator.hasty = s.mutated
			walk := s.start(func() error {
				for s.table.state.Load().phase < served {
					if err := s.operator.forth(s.ctx); err != nil {
						return err
					}
				}
				return nil
			})
			s.eventually(func() bool { return walk.over() || s.operator.waiting.Load() })
			if s.table.state.Load().serves[proof.New] {
				reader.reads()
			}
			reader.commits()
			walk.wait()
			reader.reads()
		}},
		{"no change is complete while rows are left for later", "the change is complete without a row that was left at the last moment", proof.LeftOut, parts, func(s *script) {
			s.operator.blind = s.mutated
			leftAtLast(s)
		}},
		{"settle", "what was written for the old column of a name reaches the new one", proof.PutGet, repriced, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("100")
			s.to(owned)
			stale := s.hand("stale", proof.Old, Plain)
			knows := s.table.writer(proof.Old, Plain)
			s.to(contracted)
			for _, c := range s.clients {
				if c != stale.client {
					c.close()
				}
			}
			s.operator.eager = s.mutated
			walk := s.start(func() error { return s.operator.forth(s.ctx) })
			s.eventually(func() bool { return walk.over() || s.operator.waiting.Load() })
			write := Write{Exprs: map[int]string{0: "{0} + 5"}, Effect: func(before proof.Tuple) proof.Tuple { return plus(before, 5) }}
			stale.does(write.Effect, "", func(_ writer, tag int64) string { return knows.update(write, tag, "t.id = 1") })
			stale.close()
			walk.wait()
		}},
		{"flips keep what is saved unchanged", "saving what was read changes the other side", proof.GetPut, names, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("Bo C")
			s.to(served)
			s.hand("new", proof.New, Code).sets("Anna Maria", "B")
			old := s.hand("old", proof.Old, Flip)
			old.naive = s.mutated
			old.sets("Anna Maria B")
		}},
		{"flips carry the other side", "a write that says it gives both sides gives one", proof.WrongError, money, func(s *script) {
			s.hand("old", proof.Old, Plain).inserts("100")
			s.to(served)
			old := s.hand("old", proof.Old, Flip)
			old.half = s.mutated
			old.sets("200")
		}},
		{"backfill fires no triggers of the user's", "it meets values that nobody has written, and cannot go on", proof.Stuck, triggered, func(s *script) {
			s.hand("apply", proof.Old, Plain, replica).inserts("ANNA B")
			s.operator.loud = s.mutated
			s.to(served)
		}},
		{"versions say which side they write", "NULL in a column of the new version is taken for nothing given", proof.PutGet, money, func(s *script) {
			s.to(served)
			form := Code
			if s.mutated {
				form = Plain
			}
			s.hand("new", proof.New, form).inserts(null)
		}},
	}
}
