package rewrite

import (
	"strings"
	"testing"
)

// TestASubstituteHasTheColumnsThatAreMeant looks at what stands for pg_class: a column that is left out must be one that nothing can mean.
func TestASubstituteHasTheColumnsThatAreMeant(t *testing.T) {
	t.Parallel()
	d := renamedDatabase(t)
	for _, c := range []struct {
		sql string
		all bool // each column may be meant
	}{
		{"SELECT relname FROM pg_class", false},
		{"SELECT count(*) FROM pg_class", false},
		{"SELECT 1 FROM pg_class c", false},
		{`SELECT "c"."relname" FROM pg_class AS c`, false},
		{"SELECT relname(c) FROM pg_class c", true},
		{"SELECT * FROM pg_class", true},
		{"SELECT c.* FROM pg_class c", true},
		{"SELECT count(c) FROM pg_class c", true},
		{"SELECT c::text FROM pg_class c", true},
		{"SELECT x FROM (SELECT c FROM pg_class c) s(x)", true},
		{"TABLE pg_class", true},
		{"SELECT count(*) FROM pg_class NATURAL JOIN (SELECT 'x'::name AS relname) x", true},
		{"SELECT b FROM pg_class AS c(a, b) WHERE b = 'x'", true},
		{"SELECT b FROM (pg_class CROSS JOIN (SELECT 1) x) AS j(a, b) WHERE b = 'x'", true},
	} {
		text := d.rewritten(t, c.sql).SQL
		if got := strings.Contains(text, "t.relminmxid"); got != c.all {
			t.Errorf("%s\n=> %s\nhas all columns: %v", c.sql, text, got)
		}
		if answer, _ := d.askAs(t, c.sql); answer.Error != "" {
			t.Errorf("%s\n=> %s\nfails: %s", c.sql, text, answer.Error)
		}
	}
	// What the server finds ambiguous without a substitute is so with one, too.
	for _, sql := range []string{
		"SELECT oid FROM pg_class c, pg_type t WHERE c.relname = t.typname",
		"SELECT relname FROM pg_class a, pg_class b WHERE a.oid = b.oid",
		"SELECT tgname FROM pg_trigger JOIN pg_class c ON true WHERE oid = 1",
	} {
		if answer, text := d.askAs(t, sql); !strings.Contains(answer.Error, "ambiguous") {
			t.Errorf("%s\n=> %s\nis not ambiguous: %v", sql, text.SQL, answer)
		}
	}
	// A level further in has what the text names, however many others have it.
	const nested = "SELECT relname FROM pg_class o WHERE EXISTS (SELECT FROM pg_class i WHERE relkind = 'S' AND i.relname = o.relname) ORDER BY 1 LIMIT 1"
	if answer, text := d.askAs(t, nested); answer.Error != "" || len(answer.Rows) != len(d.ask(t, nested).Rows) {
		t.Errorf("%s\n=> %s\n%v", nested, text.SQL, answer)
	}
}
