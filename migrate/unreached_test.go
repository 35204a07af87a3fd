package migrate

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

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

func TestAConnectionThatIsLostInTheMiddleOfAQuestionIsToldInOneSentence(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, shop)
	i := f.instances[0]
	pool, err := i.database()
	if err != nil {
		t.Fatal(err)
	}
	_, ended := pool.Exec(t.Context(), `SELECT pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())`)
	conn, err := pgx.Connect(t.Context(), f.url)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close(t.Context())
	_, closed := conn.Exec(t.Context(), `SELECT 1`)
	_, wrong := pool.Exec(t.Context(), `SELECT 1 / 0`)
	for _, tc := range []struct {
		err  error
		text string // "" for an error that is about something else
	}{
		{fmt.Errorf("cannot read the catalog: %w", ended), "the connection to the upstream was lost: terminating connection due to administrator command (57P01)"},
		{&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, "the connection to the upstream was lost: connection reset by peer"},
		{fmt.Errorf("cannot read: %w", io.ErrUnexpectedEOF), "the connection to the upstream was lost: cannot read: unexpected EOF"},
		{fmt.Errorf("cannot read segue.change: %w", closed), "the connection to the upstream was lost: cannot read segue.change: conn closed"},
		{wrong, ""},
		{&ConflictError{Message: "no"}, ""},
	} {
		e := i.Unreached(tc.err)
		switch {
		case e == nil && tc.text != "", e != nil && e.Error() != tc.text:
			t.Errorf("%v is told as %v, want %q", tc.err, e, tc.text)
		case e != nil && !strings.HasPrefix(e.Hint(), "ask again"):
			t.Errorf("the hint is %q", e.Hint())
		}
	}
}
