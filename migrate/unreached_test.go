package migrate

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
)

func TestAServerThatCannotBeReachedIsToldInOneSentence(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 0, shop)
	role := f.owner()
	wrong, err := url.Parse(asRole(f.url, role))
	if err != nil {
		t.Fatal(err)
	}
	// The server of the tests lets everybody in, so what it refuses is a database that is not there.
	missing := *wrong
	missing.Path = "/nowhere"
	nobody := *wrong
	nobody.Host = pgtest.FreeAddress(t)
	for _, tc := range []struct{ url, text, hint string }{
		{missing.String(), `cannot reach the upstream: the server at ` + wrong.Host + ` refuses user ` + role + `: database "nowhere" does not exist (3D000)`, "the URL of --upstream"},
		{nobody.String(), `cannot reach the upstream: the server at ` + nobody.Host + ` does not answer: connection refused`, "is the server running"},
	} {
		i, err := NewInstance(Config{Upstream: tc.url, ID: "x"}, newTraffic(t, "x", f.db))
		if err != nil {
			t.Fatal(err)
		}
		err = i.Start(t.Context())
		var e *UnreachedError
		if !errors.As(err, &e) || e.Error() != tc.text || !strings.HasPrefix(e.Hint(), tc.hint) {
			t.Errorf("%s: %v", tc.url, err)
		}
	}
}
