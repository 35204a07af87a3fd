package rewrite_test

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/proxy"
	"github.com/seguedb/segue/rules"
)

// A foundCase is a statement that once behaved otherwise, over the schema in which it did.
type foundCase struct {
	name    string
	schema  string   // in names of the base
	renames []string // "public.t.a > b" or "public.t > u"
	old     bool     // the client has the old names and the database the new ones; else the other way round
	sql     []string
}

var foundCases = []foundCase{
	{
		name:    "TABLE with a table of which nothing but the name differs",
		schema:  `CREATE TABLE person (surname int); CREATE TABLE surname (a int, b int)`,
		renames: []string{"public.surname.a > c", "public.person > count"},
		sql: []string{
			`TABLE count`,
			`WITH x AS (SELECT public.surname.b FROM public.count, surname) TABLE count`,
		},
	},
}

func TestStatementsThatWereFoundToBehaveOtherwise(t *testing.T) {
	t.Parallel()
	stage := newStage(t, proxy.VersionPolicy{})
	for _, c := range foundCases {
		t.Run(c.name, func(t *testing.T) {
			w := stage.begin(t, []string{"DROP SCHEMA public CASCADE", "CREATE SCHEMA public", `CREATE SCHEMA IF NOT EXISTS "Sales S"`, c.schema})
			w.migrations = []*rules.Migration{c.migration(t)}
			version, cutover := 1, 0
			if c.old {
				version, cutover = 0, 1
			}
			w.connect(t, true, version, cutover, `public, "Sales S"`)
			for _, sql := range c.sql {
				t.Run(sql, func(t *testing.T) {
					var count tally
					w.try(t, statement{sql: sql, writes: true}, &count)
					if count.ran != 1 {
						t.Errorf("%s\nis refused, or fails", sql)
					}
				})
			}
		})
	}
}

func (c *foundCase) migration(t *testing.T) *rules.Migration {
	t.Helper()
	file := "id: m1\noperations:\n"
	for _, r := range c.renames {
		from, to, _ := strings.Cut(r, " > ")
		if i := strings.LastIndexByte(from, '.'); strings.Count(from, ".") == 2 {
			file += "- rename_column: {table: '" + from[:i] + "', from: '" + from[i+1:] + "', to: '" + to + "'}\n"
		} else {
			file += "- rename_table: {from: '" + from + "', to: '" + to + "'}\n"
		}
	}
	m, err := rules.Parse("m1.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	m.Phase, m.Seq = rules.Active, 1
	return m
}
