package proxy

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rules"
)

// madeIndexes lists the indexes of the table.
const madeIndexes = `SELECT string_agg(indexname, ' ' ORDER BY indexname) FROM pg_indexes WHERE tablename = 'individual'`

func TestAnIndexWithoutANameGetsOneThatIsFreeWhenItIsMade(t *testing.T) {
	t.Parallel()
	const index = "CREATE INDEX ON individual (last_name)"
	const unique = "CREATE UNIQUE INDEX ON individual (last_name)"
	once := messages(bind("", "s"), execute(""))
	// What another client does between the steps.
	const takes, drops = "CREATE TABLE individual_last_name_idx (a int)", "DROP TABLE individual_last_name_idx"
	for name, tc := range map[string]struct {
		first  script
		around string
		second script
	}{
		"executed twice": {
			script{{messages(parse("s", index), once, syncMsg()), "Z"}}, "SELECT 1",
			script{{messages(once, syncMsg()), "Z"}},
		},
		"executed twice before a Sync": {
			script{{messages(parse("s", index), syncMsg()), "Z"}}, "SELECT 1",
			script{{messages(once, once, syncMsg()), "Z"}},
		},
		"the name is taken after it was prepared": {
			script{{messages(parse("s", index), syncMsg()), "Z"}}, takes,
			script{{messages(once, syncMsg()), "Z"}},
		},
		"the name is taken after it was prepared and it is sent by itself": {
			script{{messages(parse("s", index), syncMsg()), "Z"}}, takes,
			script{{simple(index), "Z"}},
		},
		"it has failed, and the name is taken": {
			script{{simple(unique), "Z"}}, takes,
			script{{simple(unique), "Z"}, {simple("DELETE FROM individual WHERE id = 4"), "Z"}, {simple(unique), "Z"}},
		},
		"it has failed, and the name is free again": {
			script{{messages(simple("CREATE TABLE individual_last_name_idx (a int)"), simple(unique)), "ZZ"}}, drops,
			script{{simple(index), "Z"}},
		},
		"rolled back, and the name is taken": {
			script{{messages(simple("BEGIN"), simple(index), simple("ROLLBACK")), "ZZZ"}}, takes,
			script{{messages(simple("BEGIN"), simple(index), simple(index), simple("COMMIT")), "ZZZZ"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const schema = people + `; INSERT INTO individual VALUES (4, 'Moss')`
			want := openProxy(t)
			want.run(schema)
			got := openProxy(t)
			got.run(schema, "ALTER TABLE individual RENAME last_name TO surname")
			got.Open(got.snapshot(1, migration(t, 1, rules.Cutover, surname)))
			play := func(p *running) []string {
				c := p.login(wire.Parameter{Name: "segue.version", Value: rules.Base})
				var heard []string
				for _, st := range tc.first {
					heard = append(heard, hears(c, st)...)
				}
				p.run(tc.around)
				for _, st := range append(slices.Clone(tc.second), step{simple(madeIndexes), "Z"}) {
					heard = append(heard, hears(c, st)...)
				}
				return heard
			}
			if diff := cmp.Diff(play(want), play(got)); diff != "" {
				t.Errorf("the client sees (-by itself +renamed):\n%s", diff)
			}
		})
	}
}
