package migrate

import (
	"slices"
	"strings"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

const several = `
id: several
contract_after: 0s
operations:
  - rename_column: { table: public.orders, from: cents, to: pennies }
  - change_columns:
      table: public.orders
      from: [pennies]
      to: [{ name: amount, type: "numeric(12,2)", not_null: true, default: "1.00" }]
      up: { amount: orders.pennies / 100.0 }
      down: { pennies: (amount * 100)::integer }
  - rename_table: { from: public.orders, to: invoices }
  - change_columns:
      table: public.invoices
      from: [note]
      to: [{ name: label, type: "varchar(100)" }]
      up: { label: invoices.note }
      down: { note: label }
  - add_column: { table: public.invoices, name: currency, type: text, default: "'EUR'" }
`

func TestChangesBesideRenamesAreFinishedOrUndoneByHand(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before []Request
		to     rules.Phase
	}{
		"finished": {nil, rules.Contracted}, "undone": {nil, rules.RolledBack},
		"finished after cutover": {[]Request{cutover}, rules.Contracted}, "undone after cutover": {[]Request{cutover}, rules.RolledBack},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, 1, orders)
			f.create(several)
			plan, err := f.instances[0].Plan(t.Context(), "several")
			if err != nil {
				t.Fatal(err)
			}
			at := func(phase rules.Phase, sql string) int {
				i := slices.IndexFunc(plan, func(s Step) bool { return s.Phase == phase && strings.Contains(s.SQL, sql) })
				if i < 0 {
					t.Errorf("the plan of %s does not have %s", phase, sql)
				}
				return i
			}
			if at(rules.Cutover, `RENAME TO "invoices"`) > at(rules.Cutover, `ALTER TABLE "public"."invoices" ALTER COLUMN "pennies" DROP DEFAULT`) {
				t.Error("at cutover the columns come before the names")
			}
			f.must("several", activate)
			f.awaitStage("several", rules.Served)
			f.must("several", tc.before...)
			table, cents := "orders", "cents"
			if len(tc.before) > 0 {
				table, cents = "invoices", "pennies"
			}
			f.exec(`UPDATE ` + table + ` SET amount = 77, label = 'x' WHERE id = 1; UPDATE ` + table + ` SET ` + cents + ` = 7800 WHERE id = 2`)
			script, err := f.instances[0].ExitSQL(t.Context(), "several", tc.to)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.instances[0].Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if out, err := f.psql(script); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			i := f.join()
			if got := f.phase("several"); got != tc.to {
				t.Errorf("the phase is %s", got)
			}
			pgtest.Eventually(t, func() bool {
				st, err := i.Get(t.Context(), "several")
				return err == nil && (st.Stage == rules.Settled || st.Stage == rules.Withdrawn) && st.Pending == nil
			}, "the columns have their names")
			if err := i.Request(t.Context(), "several", purge); err != nil {
				t.Fatal(err)
			}
			pgtest.Eventually(t, func() bool { return value[int](f, `SELECT count(*) FROM segue.change`) == 0 }, "what is left is purged")
			want, table, read := "id,amount,label,currency", "invoices", "amount || label || currency"
			if tc.to == rules.RolledBack {
				want, table, read = "id,cents,note", "orders", "cents || note"
			}
			if got := value[string](f, `SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`, table); got != want {
				t.Errorf("the table has %s", got)
			}
			got := value[string](f, `SELECT string_agg(`+read+`, ',' ORDER BY id) FROM `+table+` WHERE id <= 2`)
			if want := map[bool]string{true: "7700x,7800note 2", false: "77.00xEUR,78.00note 2EUR"}[tc.to == rules.RolledBack]; got != want {
				t.Errorf("the rows are %s", got)
			}
		})
	}
}
