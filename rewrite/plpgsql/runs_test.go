package plpgsql

import (
	"slices"
	"testing"
)

func TestAParameterIsOnlyRun(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body  string
		names []string
		want  []bool
	}{
		"as the whole text":                     {`BEGIN EXECUTE query; END`, []string{"query"}, []bool{true}},
		"by its number":                         {`BEGIN EXECUTE $2 INTO x USING 1; END`, []string{"x", ""}, []bool{false, true}},
		"in a loop":                             {`DECLARE r record; BEGIN FOR r IN EXECUTE q LOOP NULL; END LOOP; END`, []string{"q"}, []bool{true}},
		"as what is returned":                   {`BEGIN RETURN QUERY EXECUTE query; END`, []string{"query"}, []bool{true}},
		"by a cursor":                           {`DECLARE c refcursor; BEGIN OPEN c FOR EXECUTE q; RETURN c; END`, []string{"q"}, []bool{true}},
		"behind EXPLAIN":                        {`BEGIN EXECUTE 'explain (analyze, format json) ' || q INTO STRICT r; END`, []string{"q"}, []bool{true}},
		"formatted behind EXPLAIN":              {`BEGIN EXECUTE pg_catalog.format('EXPLAIN %s', q); END`, []string{"q"}, []bool{true}},
		"twice":                                 {`BEGIN EXECUTE q; EXECUTE 'EXPLAIN ' || q; END`, []string{"q"}, []bool{true}},
		"and is told":                           {`BEGIN RAISE NOTICE '%', q; EXECUTE q; END`, []string{"q"}, []bool{false}},
		"and is told by its number":             {`BEGIN RAISE NOTICE '%', $1; EXECUTE q; END`, []string{"q"}, []bool{false}},
		"and has another name":                  {`DECLARE a ALIAS FOR $1; BEGIN EXECUTE q; INSERT INTO l VALUES (a); END`, []string{"q"}, []bool{false}},
		"and is hidden by a variable":           {`BEGIN DECLARE q text := 'x'; BEGIN EXECUTE q; END; END`, []string{"q"}, []bool{false}},
		"and is assigned to":                    {`BEGIN q := q || ' LIMIT 1'; EXECUTE q; END`, []string{"q"}, []bool{false}},
		"and a column may have its name":        {`BEGIN EXECUTE q; SELECT q FROM t; END`, []string{"q"}, []bool{false}},
		"as a part of a statement":              {`BEGIN EXECUTE 'SELECT count(*) FROM (' || q || ') x'; END`, []string{"q"}, []bool{false}},
		"behind what is no EXPLAIN":             {`BEGIN EXECUTE 'CREATE TABLE x AS ' || q; END`, []string{"q"}, []bool{false}},
		"formatted as a name":                   {`BEGIN EXECUTE format('EXPLAIN SELECT * FROM %I', q); END`, []string{"q"}, []bool{false}},
		"formatted in a statement":              {`BEGIN EXECUTE format('EXPLAIN SELECT * FROM t WHERE %s', q); END`, []string{"q"}, []bool{false}},
		"and is never used":                     {`BEGIN NULL; END`, []string{"q"}, []bool{false}},
		"by a name that is written with quotes": {`BEGIN EXECUTE "Q"; END`, []string{"Q"}, []bool{true}},
		"in what cannot be read":                {`BEGIN EXECUTE q; ELSE; END`, []string{"q"}, []bool{false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := RunsOnly(tc.body, tc.names); !slices.Equal(got, tc.want) {
				t.Errorf("runsOnly(%s) = %v, want %v", tc.body, got, tc.want)
			}
		})
	}
}
