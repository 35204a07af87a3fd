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

func TestAValueOfBindIsNoNameOfAnotherVersion(t *testing.T) {
	t.Parallel()
	p := openProxy(t)
	p.run(people, "ALTER TABLE individual RENAME TO person")
	p.Open(p.snapshot(1, migration(t, 1, rules.Cutover, "id: person\noperations:\n  - rename_table: { from: public.individual, to: person }\n")))
	const text, regclass, regtype, regprocedure, classes = 25, 2205, 2206, 2202, 2210
	for version, refused := range map[string]bool{rules.Base: true, "person": false, "": false} {
		var parameters []wire.Parameter
		if version != "" {
			parameters = append(parameters, wire.Parameter{Name: "segue.version", Value: version})
		}
		c := p.login(parameters...)
		for _, tc := range []struct {
			sql     string
			typ     uint32
			value   []byte
			refused bool
		}{
			{"SELECT $1::oid > 0", regclass, []byte("person"), refused},
			{"SELECT $1::oid > 0", regclass, []byte("public.person"), refused},
			{"SELECT $1::oid > 0", regtype, []byte("person"), refused},
			{"SELECT count(*) FROM pg_catalog.pg_class WHERE oid = $1", regclass, []byte("person"), refused},
			{"SELECT $1 IS NULL", classes, []byte("{person}"), refused},
			{"SELECT $1::oid > 0", regclass, []byte("pg_class"), false},
			{"SELECT $1::oid > 0", regclass, []byte("1259"), false},
			{"SELECT $1::oid IS NULL", regclass, nil, false},
			{"SELECT $1::oid > 0", regprocedure, []byte("now()"), false},
			{"SELECT $1 || 'x'", text, []byte("person"), false},
		} {
			heard := strings.Join(hears(c, step{messages(wire.AppendParse(nil, "", tc.sql, []uint32{tc.typ}), bind("", "", tc.value), execute(""), syncMsg()), "Z"}), "\n")
			if got := strings.Contains(heard, "C=0A000") && strings.Contains(heard, "a value names a table"); got != tc.refused {
				t.Errorf("version %q: %s of %q\nrefused: %v, want %v; heard %s", version, tc.sql, tc.value, got, tc.refused, heard)
			} else if !tc.refused && strings.Contains(heard, "S=ERROR") {
				t.Errorf("version %q: %s of %q\nheard %s", version, tc.sql, tc.value, heard)
			}
		}
	}
}
