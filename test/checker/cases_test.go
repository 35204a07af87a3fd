package checker_test

import (
	"context"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/test/checker"
)

func TestNothingIsWrongInTheEndWhen(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	if err := checker.Prepare(context.Background(), url); err != nil {
		t.Fatal(err)
	}
	for _, c := range checker.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			found, err := c.Play(context.Background(), url)
			if c.Open != "" {
				if err == nil && len(found) == 0 {
					t.Errorf("nothing is wrong any more; it was said that %s", c.Open)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range found {
				t.Error(a)
			}
		})
	}
}
