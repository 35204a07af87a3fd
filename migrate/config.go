package migrate

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5"
)

// Config of an Instance. The zero value of a duration means its default.
type Config struct {
	Upstream   string        // connection string of the owner of the tables
	ID         string        // of this instance, and of no other; made up when empty
	DrainLimit time.Duration // how long a gate may be closed; default 1s
	Lease      time.Duration // how old the last read of the control tables may be while serving; default 5s
	Poll       time.Duration // of the control tables, beside LISTEN; default 500ms

	// DeferredRetry is how long rows are left alone for which up could not be computed, before a backfill with on_error: defer tries
	// them again; default 1m. What is written meanwhile is tried without that.
	DeferredRetry time.Duration

	Log hclog.Logger

	// Throttle is SQL, one statement that reads, by which a backfill waits as long as its first value is neither NULL, false, 0 nor
	// empty. It runs as the user of Upstream, so that it is for who gives that, and not for who asks for migrations.
	Throttle string

	batchLimit time.Duration // how long a batch of a backfill may take, and so the up of a row; default 10s
	deferLimit int64         // how many of them are left for later at most; default mostDeferred

	// BeforeConnect is called before each connection to Upstream is opened, from many goroutines, and may change what it is
	// opened with: the password, or the certificates. nil: nothing changes.
	BeforeConnect func(context.Context, *pgx.ConnConfig) error
}

// catalogPoll is how often the catalog's fingerprint is taken while something is live.
const catalogPoll = 2 * time.Second

// complete fills in the defaults and checks what must hold between the durations.
func (c *Config) complete() error {
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
		name  string
	}{{&c.DrainLimit, time.Second, "drain limit"}, {&c.Lease, 5 * time.Second, "lease"}, {&c.Poll, 500 * time.Millisecond, "poll"}, {&c.batchLimit, 10 * time.Second, "limit of a batch"},
		{&c.DeferredRetry, time.Minute, "rest of rows that are left"}} {
		if *d.value < 0 {
			return fmt.Errorf("the %s cannot be negative: %s", d.name, *d.value)
		}
		if *d.value == 0 {
			*d.value = d.def
		}
	}
	// While a gate is closed the leader's row locks keep heartbeats back.
	if c.Lease < 2*c.DrainLimit || c.Lease < 2*c.Poll {
		return fmt.Errorf("a lease of %s is too short: it must be at least twice the drain limit (%s) and the poll (%s)", c.Lease, c.DrainLimit, c.Poll)
	}
	if c.Upstream == "" {
		return errors.New("an instance needs the connection string of its upstream")
	}
	if c.deferLimit == 0 {
		c.deferLimit = mostDeferred
	}
	if c.Log == nil {
		c.Log = hclog.NewNullLogger()
	}
	if c.ID == "" {
		c.ID = newID()
	}
	return nil
}

// newID makes an id that is readable and unique: the host's name and random letters.
func newID() string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "segue"
	}
	var b [4]byte
	rand.Read(b[:]) // never fails
	return host + "-" + hex.EncodeToString(b[:])
}

// patience is how long a leader waits for an instance of that lease before it marks it expired. It is longer than the
// lease, so that clocks that run a little differently do no harm: the instance has stopped serving by then.
func patience(lease time.Duration) time.Duration { return lease + lease/5 }
