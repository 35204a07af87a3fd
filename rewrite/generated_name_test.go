package rewrite

import (
	"errors"
	"testing"
)

func TestNotNullGetsTheNameOfTheVersionWhereItHasOne(t *testing.T) {
	t.Parallel()
	for server, want := range map[int]string{
		150000: `ALTER TABLE public.individual ADD nick text NOT NULL DEFAULT 'x'`,
		180000: `ALTER TABLE public.individual ADD nick text CONSTRAINT person_nick_not_null1 NOT NULL DEFAULT 'x'`,
	} {
		s := pinned("surname")
		s.Answers = map[string]string{}
		b := NewBinder(unreadSnapshot(server), Options{})
		const sql = `ALTER TABLE person ADD nick text NOT NULL DEFAULT 'x'`
		text, err := b.Rewrite(s, sql)
		var need *NeedRelation
		for errors.As(err, &need) && len(s.Answers) == 0 && len(need.Questions) > 0 {
			for _, q := range need.Questions {
				s.Answers[q] = "2,3" // the first name is taken
			}
			text, err = b.Rewrite(s, sql)
		}
		if err != nil || text.SQL != want {
			t.Errorf("on %d: %v, %+v", server, err, text)
		}
	}
}
