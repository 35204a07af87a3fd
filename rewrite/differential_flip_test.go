package rewrite

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/rewrite/wording"
)

// A flipped is an UPDATE with values for its parameters, in the words of a side.
type flipped struct {
	sql    string
	values []string // "NULL" is NULL
	flips  int      // how many changes it writes both sides of in a row that is there; 0: the triggers make the other side; -1: in a new row
}

var flippedStatements = []flipped{
	{`UPDATE orders SET {money} = $1 WHERE id = $2`, []string{"9", "1"}, 1},
	{`UPDATE orders SET {money} = $1 WHERE id = $2 RETURNING *`, []string{"9", "1"}, 1},
	{`UPDATE public.orders AS o SET {money} = $1 WHERE o.id = $2 RETURNING o.{money}`, []string{"9", "1"}, 1},
	{`UPDATE ONLY (orders) SET {money}=$1 WHERE id=$2`, []string{"9", "1"}, 1},
	{`UPDATE orders SET {money} = $1::integer, note = $3 WHERE id = $2`, []string{"9", "1", "x"}, 1},
	{`UPDATE orders SET {money} = CAST($1 AS bigint), total = $3::smallint WHERE id = $2`, []string{"9", "1", "4"}, 2},
	{`UPDATE orders SET {money} = {money} + $1 WHERE id = $2 RETURNING {money}`, []string{"3", "1"}, 1},
	{`UPDATE orders SET {money} = {money} * 2 - $1 WHERE id = $2`, []string{"3", "1"}, 1},
	{`UPDATE orders o SET {money} = o.{money} / $1, note = 'x' WHERE o.id = $2`, []string{"3", "1"}, 1},
	{`UPDATE orders SET total = total + $1 WHERE id > $2`, []string{"4", "0"}, 1},
	{`UPDATE orders SET total = $1, {money} = $2, {name} = $3 WHERE id = $4 RETURNING *`, []string{"3", "4", "Grace Brewster", "1"}, 3},
	{`UPDATE orders SET {name} = $1 WHERE id = $2`, []string{"Ada Lovelace", "1"}, 1},
	{`UPDATE orders SET {name} = $1 WHERE id = $2`, []string{"NULL", "1"}, 1},
	{`UPDATE orders SET {name} = $1::text WHERE id = $2`, []string{"'\\", "2"}, 1},
	{`UPDATE orders SET total = $1 WHERE id = $2`, []string{"NULL", "1"}, 1},
	{`UPDATE orders SET total = $1 WHERE id = $2`, []string{"10", "1"}, 1}, // what is there
	{`UPDATE orders SET {money} = $1 WHERE id = $2`, []string{"NULL", "1"}, 1},
	{`UPDATE orders SET {money} = $1 WHERE id = $2`, []string{"x", "1"}, 1},
	{`UPDATE orders SET {money} = $1 WHERE id = $2`, []string{"99999999999999999", "1"}, 1},
	{`UPDATE orders SET {money} = {money} / $1 WHERE id = $2`, []string{"0", "1"}, 1},
	{`UPDATE orders SET {money} = $1 WHERE id = $2`, []string{"1", "99"}, 1}, // no row
	{`WITH u AS (UPDATE orders SET total = $1 WHERE id = $2 RETURNING *) SELECT * FROM u`, []string{"3", "1"}, 1},
	{`UPDATE orders SET {money} = $1 FROM delivery d WHERE d.id = orders.id AND d.n = $2 RETURNING orders.*`, []string{"3", "3"}, 1},
	{`UPDATE orders SET total = total + 1`, nil, 1},
	{`UPDATE orders SET total = total, {money} = {money}`, nil, 2},
	{`UPDATE orders SET {money} = {money} + 1.5 WHERE note = 'n' OR id = $1`, []string{"1"}, 1},

	{`UPDATE orders SET {money} = $1`, []string{"9"}, 0},                           // it reads nothing
	{`UPDATE orders SET {money} = $1 WHERE total = $1`, []string{"10"}, 0},         // the parameter would have another type
	{`UPDATE orders SET {money} = $1, total = $1 WHERE id = 1`, []string{"10"}, 0}, // likewise
	{`UPDATE orders SET total = DEFAULT WHERE id = $1`, []string{"1"}, 0},          // the version's own
	{`UPDATE orders SET (total, note) = ($1, $2) WHERE id = $3`, []string{"1", "x", "1"}, 0},
	{`UPDATE orders SET (total, note) = (SELECT n, name FROM delivery WHERE id = $1) WHERE id = $1`, []string{"1"}, 0},
	{`UPDATE orders SET {money} = (SELECT $1::int) WHERE id = $2`, []string{"1", "1"}, 0},
	{`UPDATE orders SET {money} = abs($1::int) WHERE id = $2`, []string{"-1", "1"}, 0},
	{`UPDATE orders SET {money} = coalesce($1, {money}) WHERE id = $2`, []string{"NULL", "1"}, 0},
	{`UPDATE orders SET {money} = 5 WHERE id = 1`, nil, 0},
	{`UPDATE orders SET {money} = {money} + 5 WHERE id = 1`, nil, 0},
	{`UPDATE orders SET {money} = d.n FROM delivery d WHERE d.id = orders.id`, nil, 0},
	{`UPDATE orders SET note = $1 WHERE id = $2`, []string{"x", "1"}, 0},
	{`UPDATE orders SET {money} = $1::text WHERE id = $2`, []string{"1", "1"}, 0},
	{`UPDATE orders SET {money} = $1::bytea WHERE id = $2`, []string{"1", "1"}, 0},
	{`UPDATE orders SET {money} = $1, {money} = $2 WHERE id = 1`, []string{"1", "1"}, 0},
	{`INSERT INTO orders (id, {money}) VALUES ($1, $2)`, []string{"7", "9"}, -1},
	{`INSERT INTO orders (id, {money}) VALUES ($1, $2) RETURNING *`, []string{"7", "9"}, -1},
	{`INSERT INTO public.orders AS o ({money}, total, id, note) VALUES ($1, $2::int, $3, 'x') RETURNING o.total, o.{money}`, []string{"7", "9", "8"}, -1},
	{`INSERT INTO orders (id, {name}, {money}) VALUES ($1, $2, $3)`, []string{"7", "Grace Hopper", "3"}, -1},
	{`INSERT INTO orders (id, total) VALUES ($1, $2)`, []string{"7", "NULL"}, -1},
	{`INSERT INTO orders (id, total) VALUES ($1, $2 + 3)`, []string{"7", "4"}, -1},
	{`INSERT INTO orders (id, {money}) VALUES ($1, $2)`, []string{"7", "NULL"}, -1},
	{`INSERT INTO orders (id, {money}) VALUES ($1, $2)`, []string{"1", "4"}, -1}, // it is there
	{`INSERT INTO orders (id, {money}) VALUES ($1, $2)`, []string{"7", "x"}, -1},
	{`WITH i AS (INSERT INTO orders (id, total) VALUES ($1, $2) RETURNING *) SELECT * FROM i`, []string{"7", "4"}, -1},
	{`INSERT INTO orders (id, {money}) VALUES ($1, $1)`, []string{"7"}, 0},
	{`INSERT INTO orders (id, {money}) VALUES ($1, DEFAULT)`, []string{"7"}, 0},
	{`INSERT INTO orders (id, {money}) VALUES (7, 5)`, nil, 0},
	{`INSERT INTO orders (id, {money}) VALUES ($1, $2), ($3, $4)`, []string{"7", "8", "9", "10"}, -1},
	{`INSERT INTO orders (id, {money}, note) VALUES ($1, $2, 'x'), ($3, $4 + 1, DEFAULT), ($5, $6::int, NULL) RETURNING *`, []string{"7", "8", "9", "10", "11", "12"}, -1},
	{`INSERT INTO orders (total, {name}, id, {money}) VALUES ($1, $2, $3, $4), ($5, $6, $7, $8)`, []string{"1", "Ada Lovelace", "7", "8", "NULL", "NULL", "9", "NULL"}, -1},
	{`INSERT INTO orders (id, {money}) VALUES ($1, $2), ($3, $4)`, []string{"7", "8", "1", "10"}, -1},                // the second is there
	{`INSERT INTO orders (id, {money}) VALUES ($1, $2), ($3, $4)`, []string{"7", "8", "9", "99999999999999999"}, -1}, // it does not fit
	{`INSERT INTO orders (id, total) VALUES ($1, $2), ($3, $4 / $5)`, []string{"7", "8", "9", "1", "0"}, -1},         // by nothing
	{`INSERT INTO orders (id, {money}) VALUES ($1, $2), ($3, DEFAULT)`, []string{"7", "8", "9"}, 0},
	{`INSERT INTO orders (id, {money}) VALUES ($1, $2), ($3, $2)`, []string{"7", "8", "9"}, 0},
	{`INSERT INTO orders (id, {money}) VALUES ($1, $2), ($3)`, []string{"7", "8", "9"}, 0},
	{`INSERT INTO orders (id, {money}) VALUES ($1, $2), ($3, 5)`, []string{"7", "8", "9"}, 0},
	{`INSERT INTO orders (id, {money}) SELECT d.id + 10, d.n FROM delivery d WHERE d.n > $1`, []string{"0"}, -1},
	{`INSERT INTO orders (id, {money}, total) SELECT id + 10, n, n FROM public.delivery ORDER BY n, 1 LIMIT 2 RETURNING *`, nil, -1},
	{`INSERT INTO orders (id, {money}) SELECT id + 10, {money} FROM orders`, nil, -1},
	{`INSERT INTO orders AS o (id, {money}) SELECT id + 10, n FROM delivery AS "o"`, nil, -1},
	{`INSERT INTO orders (id, {money}) SELECT id, n FROM delivery`, nil, -1}, // some are there
	{`INSERT INTO orders (id, {name}) SELECT id + 10, n FROM delivery AS o (id, a, b, c, d, n)`, nil, 0},
	{`INSERT INTO orders (id, {money}) SELECT d.*, 7 FROM (SELECT n + 10 FROM delivery) d`, nil, 0},
	{`WITH delivery AS (SELECT 9 AS id, 8 AS n) INSERT INTO orders (id, {money}) SELECT id, n FROM delivery`, nil, 0},
	{`INSERT INTO orders (id, {money}) SELECT DISTINCT id + 10, n FROM delivery`, nil, 0},
	{`INSERT INTO orders (id, {money}) SELECT id + 10, n FROM delivery UNION ALL SELECT 99, 1`, nil, 0},
	{`INSERT INTO orders (id, {money}) SELECT id + 10, n + 1 FROM delivery`, nil, 0},
	{`INSERT INTO orders (id, {money}) SELECT min(id) + 10, n FROM delivery GROUP BY n`, nil, 0},
	{`INSERT INTO orders (id, {money}) SELECT a.id + 10, b.n FROM delivery a JOIN delivery b USING (id)`, nil, 0},
	{`INSERT INTO orders (id, {money}) SELECT $1::int, $2::int`, []string{"7", "9"}, 0},
	{`INSERT INTO orders (id, {money}) VALUES ($1, $2) LIMIT 1`, []string{"7", "9"}, 0},
	{`INSERT INTO orders (id, {money}) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET {money} = orders.{money} + $3`, []string{"1", "2", "3"}, 0},
}

// A described is what a client knows of a statement: the types of its parameters, and what comes of it.
type described struct {
	Params  []uint32
	Outcome mappedOutcome
}

// execute prepares a statement and executes it in a transaction that is rolled back, and reads what query finds afterwards.
func (w *mappedWorld) execute(t *testing.T, conn *pgx.Conn, text *Text, sql string, values []string, query ...string) (o described, found []string) {
	t.Helper()
	ctx := context.Background()
	if _, err := conn.Exec(ctx, "BEGIN"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	}()
	params := make([][]byte, len(values))
	for i, v := range values {
		if v != "NULL" {
			params[i] = []byte(v)
		}
	}
	d, err := conn.PgConn().Prepare(ctx, "", sql, nil)
	if err == nil {
		o.Params = d.ParamOIDs
		r := conn.PgConn().ExecParams(ctx, sql, params, nil, nil, nil).Read()
		err = r.Err
		o.Outcome.Tags = []string{r.CommandTag.String()}
		for _, row := range r.Rows {
			o.Outcome.Rows = append(o.Outcome.Rows, joined(row))
		}
	}
	if rejected, ok := errors.AsType[*pgconn.PgError](err); ok {
		r := &wording.Report{Code: rejected.Code, Routine: rejected.Routine, Message: rejected.Message, Schema: rejected.SchemaName, Table: rejected.TableName,
			Column: rejected.ColumnName, Constraint: rejected.ConstraintName}
		if text != nil {
			text.Reword(r)
		}
		o.Outcome.Code, o.Outcome.Message, o.Outcome.Tags = r.Code, r.Message, nil
		return o, nil
	} else if err != nil {
		t.Fatal(err)
	}
	for _, sql := range query {
		results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range results[0].Rows {
			found = append(found, joined(row))
		}
	}
	return o, found
}

func TestAnUpdateThatWritesBothSidesDoesWhatTheVersionsOwnDoes(t *testing.T) {
	t.Parallel()
	for _, stage := range changedStages {
		t.Run(stage.name, func(t *testing.T) {
			t.Parallel()
			w := newChangedWorld(t, stage)
			for _, f := range flippedStatements {
				sql := inVersionsWords(f.sql, stage.newSide)
				text := w.rewrite(t, sql)
				if e := text.Statements[0].Failure; e != nil {
					t.Errorf("%s\nis refused: %v", sql, e)
					continue
				}
				if got := writesBoth.MatchString(text.SQL); got != (f.flips > 0) || newRow.MatchString(text.SQL) != (f.flips < 0) {
					t.Errorf("%s\n=> %s\nwrites both sides, or should", sql, text.SQL)
				}
				want, rows := w.execute(t, w.client, nil, sql, f.values, allOrders)
				got, after := w.execute(t, w.server, text, text.SQL, f.values, w.rewrite(t, allOrders).SQL, outOfStep)
				slices.Sort(want.Outcome.Rows)
				slices.Sort(got.Outcome.Rows)
				if got.Outcome.Code == "" {
					rows = append(rows, "<0>")
				}
				if diff := cmp.Diff(want, got) + cmp.Diff(rows, after); diff != "" {
					t.Errorf("%s %q\n=> %s\nbehaves otherwise (-the version's database +rewritten):\n%s", sql, f.values, text.SQL, diff)
				}
			}
		})
	}
}

// writesBoth is a text that writes both sides of a row that is there.
var writesBoth = regexp.MustCompile(`_segue_mark_7_\d = CASE WHEN `)

// newRow is a text that gives a new row both sides of a change.
var newRow = regexp.MustCompile(`\((amount|cents|first, last|full_name|total|_segue_new_7_2_1), _segue_mark|SELECT .*(, 1|ELSE 1 END)( AS _segue_value)?(, | FROM)`)

// TestTheTriggersRunForNoFlip disables them: a statement that needs them leaves rows that the CHECK rejects.
func TestTheTriggersRunForNoFlip(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for _, stage := range changedStages {
		t.Run(stage.name, func(t *testing.T) {
			t.Parallel()
			w := newChangedWorld(t, stage)
			if _, err := w.server.Exec(ctx, "ALTER TABLE orders DISABLE TRIGGER ALL"); err != nil {
				t.Fatal(err)
			}
			for _, f := range flippedStatements[:11] {
				text := w.rewrite(t, inVersionsWords(f.sql, stage.newSide))
				o, turned := w.execute(t, w.server, text, text.SQL, f.values, "SELECT (_segue_mark_7_1 < 0)::int + (_segue_mark_7_2 < 0)::int + (_segue_mark_7_3 < 0)::int FROM orders WHERE id = 1")
				if want := []string{fmt.Sprintf("<%d>", f.flips)}; o.Outcome.Code != "" || !slices.Equal(turned, want) {
					t.Errorf("%s\nfails with %s %s, or turns %v markers, want %v", text.SQL, o.Outcome.Code, o.Outcome.Message, turned, want)
				}
			}
		})
	}
}

// TestErrorsOfAFlipAreAboutWhatTheClientHasWritten compares them with those of the version's own database, where a parameter is at fault, and looks for a hint
// where the other side is.
func TestErrorsOfAFlipAreAboutWhatTheClientHasWritten(t *testing.T) {
	t.Parallel()
	for _, stage := range changedStages[:2] {
		t.Run(stage.name, func(t *testing.T) {
			t.Parallel()
			w := newChangedWorld(t, stage)
			const date = 1082
			for _, template := range []string{
				`UPDATE orders SET note = 'é', {money} = $1 WHERE id = 1 OR note = $2`,
				`UPDATE orders SET {name} = $2, {money} = $1 WHERE id = 1`,
				`UPDATE orders SET {money} = $1::integer WHERE id = 1 OR note = $2`,
				`INSERT INTO orders (id, note, {money}) VALUES (7, $2, $1)`,
				`INSERT INTO orders (note, {money}, id) VALUES ($2, $3, $4), ($5, $1, 7)`,
			} {
				sql := inVersionsWords(template, stage.newSide)
				text := w.rewrite(t, sql)
				if len(text.flips()) == 0 {
					t.Fatalf("%s\n=> %s\nis no flip", sql, text.SQL)
				}
				failed := func(conn *pgx.Conn, sql string) *wording.Report {
					_, err := conn.PgConn().Prepare(context.Background(), "", sql, []uint32{date})
					e, ok := errors.AsType[*pgconn.PgError](err)
					if !ok {
						t.Fatalf("%s\ndoes not fail: %v", sql, err)
					}
					return &wording.Report{Code: e.Code, Message: e.Message, Hint: e.Hint, Position: int(e.Position), Routine: e.Routine}
				}
				want, got := failed(w.client, sql), failed(w.server, text.SQL)
				text.Reword(got)
				want.Routine, got.Routine = "", ""
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s\n=> %s\nis told otherwise (-the version's database +rewritten):\n%s", sql, text.SQL, diff)
				}
			}
			if !stage.newSide {
				return
			}
			const sure = `Another version of the app has "amount" as "cents", which cannot hold this value: "down" of the change fails for it. Write one that both can hold.`
			for sql, want := range map[string]string{
				`UPDATE orders SET amount = $1 WHERE id = 1`:                       `If the columns of the statement can hold it: ` + sure,
				`INSERT INTO orders (id, amount) VALUES (7, $1)`:                   `If the columns of the statement can hold it: ` + sure,
				`INSERT INTO orders (id, amount) VALUES ($2, 1), (8, $1)`:          sure, // by the trigger
				`UPDATE orders SET amount = $1 WHERE id = 1 AND note::int = total`: `If the columns of the statement can hold it: ` + sure,
				`UPDATE orders SET amount = $1 WHERE id = 1 AND '1x'::int = total`: ``,
			} {
				text := w.rewrite(t, sql)
				params := [][]byte{[]byte("99999999.99")}
				if strings.Contains(sql, "$2") {
					params = append(params, []byte("7"))
				}
				e, ok := errors.AsType[*pgconn.PgError](w.server.PgConn().ExecParams(context.Background(), text.SQL, params, nil, nil, nil).Read().Err)
				if !ok || !strings.HasPrefix(e.Code, "22") {
					t.Errorf("%s\ngives %v", sql, e)
					continue
				}
				r := &wording.Report{Code: e.Code, Message: e.Message, Hint: e.Hint, Where: e.Where, Position: int(e.Position), Routine: e.Routine}
				text.Reword(r)
				if r.Hint != want {
					t.Errorf("%s\n=> %s\nhas the hint %q, want %q", sql, text.SQL, r.Hint, want)
				}
			}
		})
	}
}

// TestManyRowsAreLeftToTheTriggers is about the text, which would grow by more than was counted.
func TestManyRowsAreLeftToTheTriggers(t *testing.T) {
	t.Parallel()
	w := newChangedWorld(t, changedStages[0])
	for rows, both := range map[int]bool{maxFlippedRows: true, maxFlippedRows + 1: false} {
		var values []string
		for i := range rows {
			values = append(values, fmt.Sprintf("($%d, $%d)", 2*i+1, 2*i+2))
		}
		text := w.rewrite(t, "INSERT INTO orders (id, cents) VALUES "+strings.Join(values, ", "))
		if got := strings.Count(text.SQL, "END, "); text.Statements[0].Failure != nil || got != map[bool]int{true: rows}[both] {
			t.Errorf("of %d rows %d are given both sides", rows, got)
		}
	}
}

// TestTextsWithFlipsAreRewrittenByTemplatesWhereTheyRepeatNoConstant compares texts that differ in a constant or a comment with what a
// binder makes of each that has seen no other.
func TestTextsWithFlipsAreRewrittenByTemplatesWhereTheyRepeatNoConstant(t *testing.T) {
	t.Parallel()
	w := newChangedWorld(t, changedStages[0])
	for shape, templates := range map[string]bool{
		`UPDATE orders SET cents = $1 WHERE id = $2 /* %d */`:                     true,
		`UPDATE orders SET cents = $1 WHERE id = %d`:                              true,
		`UPDATE orders SET note = '%d', cents = $1 WHERE id = $2`:                 true,
		`UPDATE orders SET cents = cents + %d WHERE id = $1`:                      false,
		`INSERT INTO orders (id, cents) VALUES (%d, $1)`:                          true,
		`INSERT INTO orders (id, cents) VALUES ($1, $2 + %d + 1)`:                 false,
		`INSERT INTO orders (id, cents) VALUES (%d, $1), (7, $2)`:                 true,
		`INSERT INTO orders (id, cents) VALUES ($3, $1), ($4, $2 + %d)`:           false,
		`INSERT INTO orders (id, cents) SELECT id, n FROM delivery WHERE id = %d`: true,
	} {
		binder := NewBinder(w.binder.Snapshot(), Options{})
		for n := range 5 {
			sql := fmt.Sprintf(shape, 97+n)
			want, got := mustRewrite(t, NewBinder(w.binder.Snapshot(), Options{}), w.session, sql), mustRewrite(t, binder, w.session, sql)
			if got.SQL != want.SQL || !strings.Contains(got.SQL, "_segue_mark_7_1") || !slices.Equal(got.Statements[0].sides, want.Statements[0].sides) {
				t.Errorf("%s\n=> %s %v\nalone it is %s %v", sql, got.SQL, got.Statements[0].sides, want.SQL, want.Statements[0].sides)
			}
		}
		if hits := binder.Stats().TemplateHits.Load(); hits > 0 != templates {
			t.Errorf("%s has %d hits of templates", shape, hits)
		}
	}
}
