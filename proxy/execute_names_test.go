package proxy

import (
	"strings"
	"testing"

	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rules"
)

func TestAnArgumentOfExecuteIsNoNameOfAnotherVersion(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(people, "CREATE DOMAIN relation AS regclass", "ALTER TABLE individual RENAME TO person")
	p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, "id: person\noperations:\n  - rename_table: { from: public.individual, to: person }\n")))
	c := p.login(wire.Parameter{Name: "segue.version", Value: rules.Base})
	c.Say(simple("SELECT count(*) FROM individual"))
	c.HearUntil(wire.ReadyForQuery)
	for sql, refused := range map[string]bool{
		"PREPARE p (regclass) AS SELECT $1::oid > 0; EXECUTE p('person')":                        true,
		"PREPARE p (regclass) AS SELECT $1::oid > 0; EXECUTE p('individual')":                    true,
		"PREPARE p (int, pg_catalog.regtype) AS SELECT $2::oid > 0; EXECUTE p(1, 'person')":      true,
		"PREPARE p (relation) AS SELECT $1::oid > 0; EXECUTE p('public.person')":                 true,
		"PREPARE p (regclass[]) AS SELECT $1 IS NULL; EXECUTE p('{person}')":                     true,
		"PREPARE p (text) AS SELECT $1 || 'x'; EXECUTE p('person')":                              false,
		"PREPARE p (text) AS SELECT length($1) FROM individual LIMIT 1; EXECUTE p('individual')": false,
		"PREPARE p AS SELECT $1::text; EXECUTE p('person')":                                      false,
		"PREPARE p (regclass) AS SELECT $1::oid > 0; EXECUTE p('pg_class')":                      false,
	} {
		heard := ""
		for _, part := range append(strings.Split(sql, "; "), "DEALLOCATE ALL") {
			heard += strings.Join(hears(c, step{simple(part), "Z"}), "\n")
		}
		if got := strings.Contains(heard, "C=0A000") && strings.Contains(heard, "an argument of EXECUTE names a table"); got != refused {
			t.Errorf("%s\nrefused: %v, want %v; heard %s", sql, got, refused, heard)
		} else if !refused && strings.Contains(heard, "S=ERROR") {
			t.Errorf("%s\nheard %s", sql, heard)
		}
	}
}
