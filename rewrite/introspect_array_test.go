package rewrite

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/internal/pgtest"
)

// namesInArrays have a parameter, and other texts that only the server knows, that become arrays of names.
var namesInArrays = []struct{ sql, value string }{
	{`SELECT $1::regclass[]::oid[] = ARRAY['{individual}'::regclass::oid, 'orders'::regclass::oid]`, `{{individual},orders}`},
	{`SELECT $1::regclass[]`, `{public.{individual},"orders",NULL}`},
	{`SELECT $1::regclass[]`, `{}`},
	{`SELECT $1::regclass[] IS NULL`, ``},
	{`SELECT CAST($1 AS regclass[])::oid[] = ARRAY['{individual}'::regclass::oid]`, `{"\"{individual}\""}`},
	{`SELECT relname FROM pg_class WHERE oid = ANY ($1::regclass[]) ORDER BY 1`, `{{individual},orders}`},
	{`SELECT attname FROM pg_attribute WHERE attrelid = ANY ($1::regclass[]) AND attnum > 0 ORDER BY 1`, `{{individual}}`},
	{`SELECT relname FROM pg_class WHERE oid = ANY ($1::text[]::regclass[]) ORDER BY 1`, `{orders,{individual}}`},
	{`SELECT relname FROM pg_class WHERE oid = ANY (string_to_array($1, ',')::regclass[]) ORDER BY 1`, `{individual},orders`},
	{`SELECT x::oid = '{individual}'::regclass FROM unnest($1::regclass[]) x`, `{{individual},orders}`},
	{`SELECT ($1::regclass[])[2]::oid = '{individual}'::regclass`, `{orders,{individual}}`},
	{`SELECT cardinality($1::regclass[])`, `{{individual},{individual}}`},
	{`SELECT $1::regtype[]::oid[] = ARRAY['{individual}'::regtype::oid, '{individual}[]'::regtype::oid]`, `{{individual},"{individual}[]"}`},
	{`SELECT k FROM refs WHERE ra @> $1::regclass[] ORDER BY 1`, `{{individual}}`},
	{`UPDATE refs SET ra = $1 RETURNING k, ra[1]::oid = '{individual}'::regclass`, `{{individual}}`},
	{`INSERT INTO refs (k, ra) VALUES (9, $1) RETURNING k, ra[2]::oid = '{individual}'::regclass`, `{orders,{individual}}`},
	{`SELECT coalesce(ra, $1)::oid[] = ARRAY['{individual}'::regclass::oid] FROM refs ORDER BY k`, `{{individual}}`},
	{`SELECT array_agg(oid)::regclass[]::oid[] = ARRAY['{individual}'::regclass::oid] FROM pg_class WHERE oid = $1::regclass`, `{individual}`},
	{`SELECT (SELECT array_agg($1::text))::regclass[]::oid[] = ARRAY['{individual}'::regclass::oid]`, `{individual}`},
	{`SELECT $1::regclass[] AS label, $1::regclass[]`, `{orders}`},
}

// A name within an array is the version's, as one that stands alone is.
func TestANameInAnArrayThatOnlyTheServerKnowsIsTheVersions(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, introspectionSchema, oidAliasSchema)
	d := &introspected{conn: pgtest.Connect(t, url)}
	seen := func(sql, value string) string {
		ctx, given := context.Background(), []byte(value)
		if _, err := d.conn.Exec(ctx, "BEGIN"); err != nil {
			t.Fatal(err)
		}
		defer func() { _, _ = d.conn.Exec(ctx, "ROLLBACK") }()
		if value == "" {
			given = nil
		}
		r := d.conn.PgConn().ExecParams(ctx, sql, [][]byte{given}, nil, nil, nil).Read()
		out := fmt.Sprint(r.Err)
		for _, f := range r.FieldDescriptions {
			out += "\n" + f.Name
		}
		return out + fmt.Sprintf("\n%s", r.Rows)
	}
	direct, through := map[string][]string{}, map[string][]string{}
	look := func(version string, rewritten bool) {
		if rewritten {
			d.as(t, version)
		}
		for _, c := range namesInArrays {
			sql := inNamesOf(version, c.sql)
			if !rewritten {
				direct[version] = append(direct[version], seen(sql, inNamesOf(version, c.value)))
				continue
			}
			through[version] = append(through[version], seen(d.rewritten(t, sql).SQL, inNamesOf(version, c.value)))
		}
	}
	look("base", false)
	look("v", true)
	pgtest.Exec(t, url, introspectionRenames)
	look("v", false)
	look("base", true)
	for i, c := range namesInArrays {
		for _, version := range []string{"base", "v"} {
			if diff := cmp.Diff(direct[version][i], through[version][i]); diff != "" {
				t.Errorf("%s with %s as %s is seen otherwise (-directly +as the version):\n%s", c.sql, c.value, version, diff)
			}
		}
	}
}
