package change_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/internal/pgtest"
)

// Rows that are at 0 for some changes of their table, and for others not, are filled for all of them by one statement, and nothing else
// of them is changed: neither by it, nor by what others' triggers make of the row.
func TestChangesOfOneTableAreFilledTogether(t *testing.T) {
	t.Parallel()
	const meddling = `CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.cents := 1; NEW.note := 'meddled'; NEW.total := 2; RETURN NEW; END $$;
		CREATE TRIGGER meddle BEFORE UPDATE ON bill FOR EACH ROW EXECUTE FUNCTION meddle();`
	for name, tc := range map[string]struct {
		trigger string
		quiet   bool
		change  func(cents, total *change.Change)
		want    string
	}{
		"by the statement":        {"", true, nil, ""},
		"while others are silent": {meddling, true, others, ""},
		"by the triggers":         {meddling, false, others, ""},
		"by triggers of which one comes last, and one first": {"", false, func(cents, _ *change.Change) { cents.Inline, cents.Others = false, true }, ""},
		"by their triggers, as the settings differ": {"", true, func(cents, total *change.Change) {
			cents.Inline, total.Inline = false, false
			cents.Up["amount"] = "(cents / 100.0) + length(current_setting('segue.test'))"
			cents.Pins, total.Pins = map[string]string{"segue.test": "x"}, map[string]string{"segue.test": "y"}
		}, "1001.00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.Database(t)
			pgtest.Exec(t, url, "CREATE SCHEMA segue; CREATE TABLE bill (id int PRIMARY KEY, cents int, total int, note text); INSERT INTO bill SELECT i, 100000, 20, 'n' FROM generate_series(1, 3) AS i;"+tc.trigger)
			conn := pgtest.Connect(t, url)
			exec := func(sql ...string) {
				t.Helper()
				for _, s := range sql {
					if _, err := conn.Exec(context.Background(), s); err != nil {
						t.Fatalf("%s: %v", s, err)
					}
				}
			}
			table := change.Name{Schema: "public", Name: "bill"}
			cents := change.Change{Key: "1_1", Table: table, Old: []change.Column{{Name: "cents", Type: "integer"}}, New: []change.Column{{Name: "amount", Type: "numeric(12,2)"}},
				Up: change.Map{"amount": "cents / 100.0"}, Down: change.Map{"cents": "(amount * 100)::integer"}, Inline: true, Lossy: true}
			total := change.Change{Key: "1_2", Table: table, Old: []change.Column{{Name: "total", Type: "integer"}}, New: []change.Column{{Name: "units", Type: "bigint"}},
				Up: change.Map{"units": "total::bigint + 1"}, Down: change.Map{"total": "(units - 1)::integer"}, Inline: true}
			if tc.change != nil {
				tc.change(&cents, &total)
			}
			a, err := change.Compile(cents)
			if err != nil {
				t.Fatal(err)
			}
			b, err := change.Compile(total)
			if err != nil {
				t.Fatal(err)
			}
			all := change.Together{a.Beside(b), b.Beside(a)}
			for _, c := range all {
				exec(c.Expand()...)
			}
			// The second row is filled for one change, and the third for the other.
			exec("SET session_replication_role = replica", "SET segue.test = 'x'")
			for i, c := range []*change.Compiled{a, b} {
				exec(strings.ReplaceAll(change.Together{c}.BackfillRow(table, true), "$1", fmt.Sprintf("(SELECT ctid::text FROM bill WHERE id = %d)", i+2)))
			}
			for _, c := range all {
				exec(c.Complete()...)
			}
			if !tc.quiet {
				exec("SET session_replication_role = origin")
			}
			if _, err := conn.Exec(context.Background(), all.Backfill(table, tc.quiet), 0, 100); err != nil {
				t.Fatal(err)
			}
			if tc.want == "" {
				tc.want = "1000.00"
			}
			rows, err := conn.Query(context.Background(), `SELECT concat_ws(' ', id, cents, total, note, amount, units, "`+a.Marker()+`", "`+b.Marker()+`") FROM bill ORDER BY id`)
			if err != nil {
				t.Fatal(err)
			}
			got, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			for i, row := range got {
				if want := fmt.Sprintf("%d 100000 20 n %s 21 1 1", i+1, tc.want); row != want {
					t.Errorf("the row is %q\nwant %q", row, want)
				}
			}
			for _, c := range all {
				exec(c.Validate())
			}
		})
	}
}

func others(cents, total *change.Change) { cents.Others, total.Others = true, true }
