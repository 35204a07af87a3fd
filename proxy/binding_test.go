package proxy

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
)

// longStatement is in no cache, and long enough that it needs a turn.
func longStatement() string {
	return "SELECT surname FROM individual WHERE id IN (1" + strings.Repeat(", 1", longBinding) + ")"
}

// occupied takes all turns of a user until the function that it returns is called.
func (r *running) occupied(user string) (free func()) {
	w := &binding{s: new(session)}
	var releases []func()
	for range r.Server.turns.perUser {
		r.Server.turns.take(user, w)
		releases = append(releases, w.release)
	}
	return func() {
		for _, release := range releases {
			release()
		}
	}
}

func (r *running) waiting(user string, n int) bool {
	r.Server.turns.mu.Lock()
	defer r.Server.turns.mu.Unlock()
	u := r.Server.turns.users[user]
	return n == 0 && u == nil || u != nil && u.wants == n
}

func TestALongTextThatWaitsToBeBoundCanBeCancelledAndItsClientCanGo(t *testing.T) {
	t.Parallel()
	p, _ := openShop(t)
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, p.url+"&options=-c%20segue.version%3Dsurname")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	user := conn.Config().User
	free, turns := p.occupied(user), p.Server.turns.perUser
	failed := make(chan error, 1)
	run := func(c *pgx.Conn) {
		_, err := c.Exec(ctx, longStatement(), pgx.QueryExecModeSimpleProtocol)
		failed <- err
	}
	go run(conn)
	pgtest.Eventually(t, func() bool { return p.waiting(user, turns+1) }, "the text to wait for its turn")
	if err := conn.PgConn().CancelRequest(ctx); err != nil {
		t.Fatal(err)
	}
	var refused *pgconn.PgError
	if err := <-failed; !errors.As(err, &refused) || refused.Code != "57014" {
		t.Errorf("a cancelled text fails with %v", err)
	}
	other, err := pgx.Connect(ctx, p.url+"&options=-c%20segue.version%3Dsurname")
	if err != nil {
		t.Fatal(err)
	}
	go run(other)
	pgtest.Eventually(t, func() bool { return p.waiting(user, turns+1) }, "the text to wait for its turn")
	other.PgConn().Conn().Close()
	pgtest.Eventually(t, func() bool { return p.waiting(user, turns) }, "the client that has gone to wait no more")
	<-failed

	free()
	go run(conn)
	if err := <-failed; err != nil {
		t.Errorf("the text that was cancelled fails with %v when it is sent again", err)
	}
	if !p.waiting(user, 0) {
		t.Error("the turns of the user are not given back")
	}
}

func TestTheTimeOfATextIsThatOfAllItsBindingsInOneMessage(t *testing.T) {
	t.Parallel()
	w := &binding{s: new(session)}
	*w.Spent("SELECT 1") += 2
	*w.Spent("SELECT 1") += 3
	if got := *w.Spent("SELECT 1"); got != 5 || !w.s.at.used() {
		t.Errorf("%d is spent on a text that was bound twice", got)
	}
	if got := *w.Spent("SELECT 2"); got != 0 {
		t.Errorf("%d is spent on another text", got)
	}
	w.s.at = deciding{}
	if got := *w.Spent("SELECT 1"); got != 0 {
		t.Errorf("%d is spent on the text of another message", got)
	}
}
