package migrate

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/store"
)

// Brakes are the limits of a backfill, which can be changed while it runs. The zero value of each is its default.
type Brakes struct {
	Hours   string  `json:"hours,omitempty"`                    // in which rows are filled, as in 22:00-06:00 or 22:00-06:00 Europe/Berlin; UTC and always
	MaxLag  float64 `json:"max_lag_seconds,omitempty"`          // that a replica may be behind; 10
	MaxSlot int64   `json:"max_slot_bytes,omitempty"`           // of the log that an active slot may keep back; 1 GiB
	MaxWAL  int64   `json:"max_wal_bytes_per_second,omitempty"` // that the server may write, whoever has it write; no limit
}

// hours are parts of a day, and where it begins.
var hours = regexp.MustCompile(`^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)(?: +([A-Za-z0-9_+/-]+))?$`)

// Check is what is wrong with one of the limits, by its name in JSON, with a hint; "" when all can be meant.
func (b *Brakes) Check() (key, hint string) {
	found := hours.FindStringSubmatch(b.Hours)
	switch {
	case b.Hours != "" && (found == nil || found[1] == found[3] && found[2] == found[4]):
		return "hours", "give two times of the day, and a time zone if it is not UTC, as in 22:00-06:00 Europe/Berlin"
	case b.MaxLag < 0:
		return "max_lag_seconds", "give seconds, more than 0"
	case b.MaxSlot < 0:
		return "max_slot_bytes", "give bytes, more than 0"
	case b.MaxWAL < 0:
		return "max_wal_bytes_per_second", "give bytes, more than 0"
	}
	return "", ""
}

// String is the limits that are not the defaults, in a few words; "" where all are.
func (b *Brakes) String() string {
	var out []string
	if b.Hours != "" {
		out = append(out, "from "+strings.Replace(b.Hours, "-", " to ", 1))
	}
	if b.MaxLag > 0 {
		out = append(out, fmt.Sprintf("replicas at most %g s behind", b.MaxLag))
	}
	if b.MaxSlot > 0 {
		out = append(out, fmt.Sprintf("slots keep at most %d MB", b.MaxSlot>>20))
	}
	if b.MaxWAL > 0 {
		out = append(out, fmt.Sprintf("at most %.1f MB/s of log", float64(b.MaxWAL)/(1<<20)))
	}
	return strings.Join(out, ", ")
}

// exceeded says which of the limits is exceeded: seconds of lag, bytes that a slot keeps, bytes that are written in a second.
func (b *Brakes) exceeded(lag, slot, rate float64) string {
	switch {
	case lag > cmp.Or(b.MaxLag, mostLag):
		return fmt.Sprintf("a replica is %.0f s behind", lag)
	case slot > float64(cmp.Or(b.MaxSlot, mostSlotBytes)):
		return fmt.Sprintf("a replication slot keeps %.1f GB of the log back", slot/(1<<30))
	case b.MaxWAL > 0 && rate > float64(b.MaxWAL):
		return fmt.Sprintf("the server writes %.1f MB of log in a second", rate/(1<<20))
	}
	return ""
}

// closed says that it is not the time of the day, by the server's clock.
func (b *Brakes) closed(ctx context.Context, db store.DB) (string, error) {
	if b.Hours == "" {
		return "", nil
	}
	found := hours.FindStringSubmatch(b.Hours)
	if found == nil { // another release has stored it
		return "the hours " + b.Hours + " are not understood", nil
	}
	now := 0
	err := db.QueryRow(ctx, `SELECT (extract(hour FROM t) * 60 + extract(minute FROM t))::integer FROM pg_catalog.timezone($1, pg_catalog.clock_timestamp()) AS t`,
		cmp.Or(found[5], "UTC")).Scan(&now)
	if err != nil {
		return "", fmt.Errorf("cannot tell the time of the day: %w", err)
	}
	minutes := func(hour, minute string) int {
		h, _ := strconv.Atoi(hour) // the pattern has digits alone
		m, _ := strconv.Atoi(minute)
		return 60*h + m
	}
	from, to := minutes(found[1], found[2]), minutes(found[3], found[4])
	if from < to && from <= now && now < to || from > to && (from <= now || now < to) {
		return "", nil
	}
	return fmt.Sprintf("it is %02d:%02d, and rows are filled from %s", now/60, now%60, strings.Replace(b.Hours, "-", " to ", 1)), nil
}

// brakesOf reads the limits of a backfill.
func brakesOf(ctx context.Context, db store.DB, of *store.Backfill) (*Brakes, error) {
	text, err := store.LoadBrakes(ctx, db, of.Migration, of.Operation)
	if err != nil {
		return nil, err
	}
	b := new(Brakes)
	if err := json.Unmarshal(text, b); err != nil {
		return nil, fmt.Errorf("the brakes of %q cannot be read: %w", of.Migration, err)
	}
	return b, nil
}

// Brake sets the limits of a migration's backfill, all of them: from the next look on, which is a second away at most, they count.
// It is a *ConflictError where there is no backfill, or the server does not know the time zone.
func (i *Instance) Brake(ctx context.Context, id string, b Brakes, actor string) error {
	if key, hint := b.Check(); key != "" {
		return &ConflictError{Message: key + " cannot be meant so", Hint: hint}
	}
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return i.change(ctx, id, func(tx pgx.Tx, m *rules.Migration, _ *store.Transition) (*store.AuditRow, error) {
		if !m.Phase.Live() || !underWay(m.Unfinished()) {
			return nil, noBackfill(m, "to brake")
		}
		if _, err := b.closed(ctx, tx); err != nil {
			if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "22023" {
				return nil, &ConflictError{Message: "hours " + strconv.Quote(b.Hours) + ": the server knows no such time zone", Hint: "names are in pg_timezone_names, as in Europe/Berlin"}
			}
			return nil, err
		}
		row := &store.AuditRow{Migration: id, Kind: eventBraked, Detail: cmp.Or(b.String(), "the defaults"), Actor: actor}
		return row, i.betweenBatches(ctx, tx, func(tx pgx.Tx) error { return store.SetBrakes(ctx, tx, id, text) })
	})
}
