package migrate

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/store"
)

// Any role may NOTIFY on any channel, as often as it likes. So a notification is a hint to look and no more; what has come
// in before a look is one hint, looks for its sake are paced, and nothing is kept but that there was one.
const (
	noticeBurst = 10                    // looks at once, as several changes in a row need
	noticeEvery = 50 * time.Millisecond // and then one each
	toldBurst   = 5                     // looks at the whole catalog, because somebody says that it has changed
	toldEvery   = time.Second
)

// A pace lets things be done some times at once, and then one each every so often.
type pace struct {
	burst   float64
	every   time.Duration
	allowed float64
	counted time.Time
}

// due is how long the next has to wait; when it need not, it is counted.
func (p *pace) due(now time.Time) time.Duration {
	p.allowed = min(p.burst, p.allowed+float64(now.Sub(p.counted))/float64(p.every))
	p.counted = now
	if p.allowed >= 1 {
		p.allowed--
		return 0
	}
	return time.Duration((1 - p.allowed) * float64(p.every))
}

// notices is what has been notified since the last look. It belongs to the goroutine that reads from the connection.
type notices struct {
	any     bool
	report  bool // somebody counts the sessions
	catalog bool // somebody says that the catalog has changed
	looks   pace
	told    pace
}

func newNotices() *notices {
	return &notices{looks: pace{burst: noticeBurst, every: noticeEvery}, told: pace{burst: toldBurst, every: toldEvery}}
}

// note is the connection's handler of notifications.
func (n *notices) note(_ *pgconn.PgConn, m *pgconn.Notification) {
	if m.Channel != store.Channel {
		return
	}
	n.any = true
	n.report = n.report || m.Payload == payloadReport
	n.catalog = n.catalog || m.Payload == payloadCatalog
}

// take tells what there was and forgets it.
func (n *notices) take() (report, catalog bool) {
	report, catalog = n.report, n.catalog
	n.any, n.report, n.catalog = false, false, false
	return report, catalog
}

// listen waits until there was a notification that may be followed by a look, or ctx ends. The error is nil unless the
// connection is lost. What comes in while a look has to wait is read by the look, many at once, so that it piles up neither
// here nor in the server.
func (n *notices) listen(ctx context.Context, conn *pgx.Conn) error {
	for ctx.Err() == nil {
		if n.any {
			wait := n.looks.due(time.Now())
			if wait == 0 {
				return nil
			}
			pause(ctx, wait, nil)
			continue
		}
		if err := conn.PgConn().WaitForNotification(ctx); err != nil && conn.IsClosed() {
			return err
		}
	}
	return nil
}
