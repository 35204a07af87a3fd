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
		{"SELECT relname FROM pg_class c WHERE EXISTS (SELECT * FROM pg_index i WHERE i.indrelid = c.oid)", false},
		{"SELECT relname, 2 * 3 FROM pg_class", true}, // it is not looked at more closely
		{"SELECT * FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid", true},
		{"SELECT * FROM pg_index i LEFT JOIN (pg_am a JOIN pg_class c ON c.relam = a.oid) ON i.indexrelid = c.oid", true},
		{"SELECT x.* FROM (SELECT * FROM pg_class) x", true},
		{"SELECT x.* FROM (SELECT c.ctid, c.relname FROM pg_class c) x", false},
		{"SELECT * FROM pg_am a JOIN pg_class c USING (oid)", true},
		{"SELECT EXISTS (SELECT c.* FROM pg_index) FROM pg_class c", true},
		{"SELECT (SELECT count(c.*) FROM pg_index LIMIT 1) FROM pg_class c", true},
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
	// A system column that is asked for is one of the substitute's, which * would show.
	const besides = "SELECT c.ctid, * FROM pg_class c JOIN pg_am a ON c.relam = a.oid"
	if answer, text := d.askAs(t, besides); !strings.Contains(answer.Error, "cannot be used besides its whole row") {
		t.Errorf("%s\n=> %s\n%v", besides, text.SQL, answer)
	}
	// A level further in has what the text names, however many others have it.
	const nested = "SELECT relname FROM pg_class o WHERE EXISTS (SELECT FROM pg_class i WHERE relkind = 'S' AND i.relname = o.relname) ORDER BY 1 LIMIT 1"
	if answer, text := d.askAs(t, nested); answer.Error != "" || len(answer.Rows) != len(d.ask(t, nested).Rows) {
		t.Errorf("%s\n=> %s\n%v", nested, text.SQL, answer)
	}
}

// TestASubstituteMapsTheColumnsThatAreRead looks at which of two relations, of which both have a column, shows the version's names in it.
func TestASubstituteMapsTheColumnsThatAreRead(t *testing.T) {
	t.Parallel()
	d := renamedDatabase(t)
	for _, c := range []struct {
		sql  string
		want int // how many of them are mapped
	}{
		{"SELECT a.relname FROM pg_class a JOIN pg_class b ON b.oid = a.oid", 1},
		{"SELECT a.relname FROM pg_class a, LATERAL (SELECT b.relkind FROM pg_class b WHERE b.oid = a.oid) x", 1},
		{"SELECT a.relname, b.relname FROM pg_class a JOIN pg_class b ON b.oid = a.oid", 2},
		{"SELECT a.relkind FROM pg_class a JOIN pg_class b ON b.oid = a.oid ORDER BY a.oid", 0},
		{"SELECT count(*) FROM pg_class a JOIN pg_class b USING (relname)", 2},
		{"SELECT a.oid AS relname FROM pg_class a JOIN pg_class b ON b.oid = a.oid ORDER BY relname", 2}, // a label might be a column
		{"SELECT x.relname FROM (SELECT b.relname FROM pg_class a JOIN pg_class b ON b.oid = a.oid) x", 1},
		{"SELECT j.relname FROM (pg_class a JOIN pg_index i ON i.indexrelid = a.oid) j", 1},
		{"SELECT relname FROM pg_class a JOIN (SELECT b.oid AS other FROM pg_class b) x ON x.other = a.oid", 1},
		{"SELECT (SELECT b.relname) FROM pg_class a JOIN pg_class b ON b.oid = a.oid", 1},
		{"SELECT pg_class.relname FROM pg_class JOIN pg_catalog.pg_class AS b ON pg_class.oid = b.oid", 1},
		{"SELECT pg_catalog.pg_class.relname FROM pg_catalog.pg_class JOIN pg_catalog.pg_class AS b ON pg_catalog.pg_class.oid = b.oid", 1},
		{"SELECT a.relname FROM pg_class a WHERE EXISTS (SELECT * FROM pg_class b WHERE b.oid = a.oid)", 2},
	} {
		text := d.rewritten(t, c.sql).SQL
		if got := strings.Count(text, "END AS relname"); got != c.want {
			t.Errorf("%s\n=> %s\nmaps %d", c.sql, text, got)
		}
		if answer, _ := d.askAs(t, c.sql); answer.Error != "" {
			t.Errorf("%s\n=> %s\nfails: %s", c.sql, text, answer.Error)
		}
	}
}
