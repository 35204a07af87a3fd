package startup

import (
	"errors"
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/proxy/wire"
)

func TestAPlaceIsGivenBackByWhoDoesNotGetIn(t *testing.T) {
	t.Parallel()
	b := newAuthBench(t)
	d := b.door(t, b.upstream("disable"), nil)
	for _, password := range []string{"wrong", "worse"} {
		if err := pgxLogin(d.connString("scram", password, "sslmode=disable")); code(err) != "28P01" {
			t.Error(err)
		}
	}
	var e *wire.Error
	if err := <-d.errs; !errors.As(err, &e) || !strings.Contains(e.Message, "password") {
		t.Errorf("got %v", err)
	}
	pgtest.Eventually(t, func() bool { return d.places.taken.Load() == 0 }, "places are given back")
}
