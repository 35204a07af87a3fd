package migrate

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// wrongMoney computes another amount for every row, and none for one of them.
var wrongMoney = strings.NewReplacer("cents / 100.0", "cents / 10.0 + 1 / (cents - 5000)", "amount * 100", "amount * 10").Replace(money)

func (f *fleet) amend(id, file string) error {
	_, err := f.do(id, Request{Kind: Amend, Source: file, File: "corrected.yaml"})
	return err
}

func (f *fleet) columns(table string) string {
	f.t.Helper()
	return value[string](f, `SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`, table)
}

func TestExpressionsAreCorrectedWhileRowsAreFilled(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		wrong, right string
		rest         string // what the rows have of the other change
	}{
		"of the only change":  {wrongMoney, money, ""},
		"of one of two":       {wrongMoney + label, money + label, "N"},
		"and those of both":   {wrongMoney + strings.Replace(label, "upper(note)", "lower(note)", 1), money + label, "N"},
		"of the one that can": {money + strings.Replace(label, "upper(note)", "(1 / (length(note) - 8))::text", 1), money + label, "N"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 1, orders)
			f.create(tc.wrong)
			f.must("money", activate)
			pgtest.Eventually(t, func() bool {
				st, err := f.instances[0].Get(t.Context(), "money")
				return err == nil && st.Progress != nil && strings.Contains(st.Progress.Failure, "up cannot be computed")
			}, "the backfill stops")
			f.exec(`UPDATE orders SET cents = 12 WHERE id = 1; INSERT INTO orders (id, cents, note) VALUES (5000, 70, 'note x')`)
			if err := f.amend("money", tc.right); err != nil {
				t.Fatal(err)
			}
			f.awaitStage("money", rules.Served)
			if wrong := value[int](f, `SELECT count(*) FROM orders WHERE amount IS DISTINCT FROM cents / 100.0`); wrong != 0 {
				t.Errorf("%d rows have another amount", wrong)
			}
			if tc.rest != "" {
				if wrong := value[int](f, `SELECT count(*) FROM orders WHERE label IS DISTINCT FROM upper(note)`); wrong != 0 {
					t.Errorf("%d rows have another label", wrong)
				}
			}
			want := map[bool]string{true: "id,label,amount", false: "id,note,amount"}[tc.rest != ""]
			if got := f.shows("money", "orders"); len(got) != len(want) {
				t.Errorf("the new version shows %s", got)
			}
			if st, err := f.instances[0].Get(t.Context(), "money"); err != nil || st.Source != tc.right {
				t.Errorf("the file is %v, %v", st, err)
			}
			if err := f.amend("money", wrongMoney); err == nil || !strings.Contains(err.Error(), "the new version is served") {
				t.Errorf("it is corrected when it is served: %v", err)
			}
			f.exec(`UPDATE orders SET amount = 5 WHERE id = 2`)
			f.must("money", cutover, contract)
			f.must("money", purge)
			if got := f.columns("orders"); len(got) != len(want) || strings.Contains(got, "_segue_") {
				t.Errorf("purge has left %s", got)
			}
			if got := value[string](f, `SELECT string_agg(amount::text, ' ' ORDER BY id) FROM orders WHERE id IN (1, 2, 500, 5000)`); got != "0.12 5.00 50.00 0.70" {
				t.Errorf("the rows are %s", got)
			}
		})
	}
}

const label = `  - change_columns:
      table: public.orders
      from: [note]
      to: [{ name: label, type: text }]
      up: { label: upper(note) }
      down: { note: lower(label) }
      lossy: true
`

func TestACorrectionThatIsTakenBackLeavesNothing(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, orders)
	f.create(wrongMoney)
	f.must("money", activate)
	f.awaitStage("money", rules.Filling)
	for i := range 2 { // the second one comes in the place of a correction
		if err := f.amend("money", []string{strings.Replace(wrongMoney, "5000", "7000", 1), wrongMoney}[i]); err != nil {
			t.Fatal(err)
		}
	}
	f.must("money", rollback, purge)
	if got := f.columns("orders"); got != "id,cents,note" {
		t.Errorf("the table has %s", got)
	}
}

func TestNothingButExpressionsIsCorrected(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, orders)
	f.create(wrongMoney)
	if err := f.amend("money", money); err == nil || !strings.Contains(err.Error(), "delete it, and create the corrected file") {
		t.Errorf("a draft is corrected: %v", err)
	}
	f.must("money", activate)
	f.awaitStage("money", rules.Filling)
	for name, tc := range map[string]struct{ file, want string }{
		"another type":                 {strings.Replace(money, "(12,2)", "(10,2)", 1), "differs in more than up, down and on_error"},
		"another id":                   {strings.Replace(money, "id: money", "id: other", 1), `the file is migration "other"`},
		"another time":                 {strings.Replace(money, "0s", "1s", 1), "contract_after is another one"},
		"another operation":            {money + label, "the file has 2 operations"},
		"no SQL":                       {strings.Replace(money, "cents / 100.0", "cents /", 1), "up of amount: syntax error"},
		"a function of the session":    {strings.Replace(money, "cents / 100.0", "cents / 100.0 + extract(day from now())", 1), "amend of \"money\" is refused"},
		"a file that cannot be read":   {"id: [", "line"},
		"an operation that is unknown": {strings.Replace(money, "change_columns", "change_column", 1), "change_column"},
	} {
		if err := f.amend("money", tc.file); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v\nwant %s", name, err, tc.want)
		}
	}
	if err := f.amend("money", wrongMoney); err != nil {
		t.Errorf("the same file again: %v", err)
	}
}

func TestABackfillThatIsPausedStaysSoWhenItsExpressionsAreCorrected(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, orders)
	f.create(wrongMoney)
	f.must("money", activate)
	f.awaitFailure("money")
	if err := f.instances[0].Pause(t.Context(), "money", "test"); err != nil {
		t.Fatal(err)
	}
	if err := f.amend("money", money); err != nil {
		t.Fatal(err)
	}
	if st, err := f.instances[0].Get(t.Context(), "money"); err != nil || st.Progress == nil || !st.Progress.Paused {
		t.Errorf("the state is %+v, %v", st, err)
	}
	if err := f.instances[0].Resume(t.Context(), "money", "test"); err != nil {
		t.Fatal(err)
	}
	f.awaitStage("money", rules.Served)
}

func TestAPauseEndsWithTheAttempt(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1, orders)
	f.create(wrongMoney)
	f.must("money", activate)
	f.awaitFailure("money")
	if err := f.instances[0].Pause(t.Context(), "money", "test"); err != nil {
		t.Fatal(err)
	}
	f.must("money", rollback, purge)
	f.exec(`UPDATE orders SET cents = 1`)
	f.must("money", activate)
	if st, err := f.instances[0].Get(t.Context(), "money"); err != nil || st.Progress != nil && st.Progress.Paused {
		t.Errorf("what begins anew is %+v, %v", st, err)
	}
}
