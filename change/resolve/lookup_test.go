package resolve_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/change"
	"github.com/seguedb/segue/change/resolve"
	"github.com/seguedb/segue/internal/pgtest"
)

const club = `CREATE SCHEMA segue;
	CREATE TABLE member (id int PRIMARY KEY, uuid uuid UNIQUE, code varchar(9) UNIQUE, name text COLLATE "C" UNIQUE, note text, big bigint UNIQUE, twin uuid GENERATED ALWAYS AS (uuid) STORED);
	CREATE TABLE member_part (id int PRIMARY KEY, uuid uuid) PARTITION BY RANGE (id);
	CREATE TABLE member_kept (id int PRIMARY KEY, uuid uuid); ALTER TABLE member_kept ENABLE ROW LEVEL SECURITY;
	CREATE VIEW member_view AS SELECT * FROM member;
	CREATE TABLE other (id int PRIMARY KEY, member_id int);
	CREATE TABLE post (id int, member_id int, member_code varchar(9), member_name text);`

// lookedUp changes member_id of a post into member_uuid.
func lookedUp(up string, via map[string]string) change.Change {
	c := change.Change{
		Key: "k", Table: change.Name{Schema: "public", Name: "post"},
		Old: []change.Column{{Name: "member_id"}}, New: []change.Column{{Name: "member_uuid", Type: "uuid"}},
		Up: change.Map{"member_uuid": up}, Down: change.Map{"member_id": "(SELECT id FROM member WHERE uuid = member_uuid)"},
		Reads: []string{"member"}, Lookups: []change.Lookup{{}},
	}
	for column, of := range via {
		c.Lookups[0].Keys = append(c.Lookups[0].Keys, change.Key{Column: column, Of: of})
	}
	return c
}

var byKeys = map[string]string{"member_id": "id", "member_uuid": "uuid"}

func TestTablesThatAreReadAreFound(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, club)
	for name, tc := range map[string]struct {
		up    string
		reads string
		via   map[string]string
		read  []string
	}{
		"by a key":            {"(SELECT uuid FROM member WHERE id = member_id)", "member", byKeys, []string{"id", "uuid"}},
		"and a condition":     {"(SELECT m.uuid FROM public.member AS m WHERE post.member_id = m.id AND m.note IS NOT NULL)", "public.member", byKeys, []string{"id", "uuid", "note"}},
		"within a function":   {"coalesce((SELECT m.uuid FROM member m WHERE m.id = member_id), gen_random_uuid_of(member_id))", "member", byKeys, []string{"id", "uuid"}},
		"of a chain":          {"(SELECT uuid FROM member WHERE id = (SELECT m.id FROM member m WHERE m.id = member_id) AND id = member_id)", "member", byKeys, []string{"id", "uuid"}},
		"without a key":       {"(SELECT m.uuid FROM member m WHERE m.id >= member_id LIMIT 1)", "member", nil, []string{"id", "uuid"}},
		"as whether it is so": {"CASE WHEN EXISTS (SELECT FROM member m WHERE m.id = member_id AND m.note = 'x') THEN 'e0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid END", "member", byKeys, []string{"id", "uuid", "note"}},
	} {
		if name == "within a function" {
			pgtest.Exec(t, url, "CREATE FUNCTION gen_random_uuid_of(int) RETURNS uuid IMMUTABLE LANGUAGE sql RETURN NULL::uuid")
		}
		c := lookedUp(tc.up, tc.via)
		c.Reads[0] = tc.reads
		got, err := resolve.Change(context.Background(), pgtest.Connect(t, url), c)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := change.Lookup{Table: change.Name{Schema: "public", Name: "member"}, Columns: tc.read, Keys: c.Lookups[0].Keys}
		if diff := cmp.Diff([]change.Lookup{want}, got.Lookups); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTablesThatCannotBeFollowedAreRefused(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	pgtest.Exec(t, url, club)
	const byID = "(SELECT uuid FROM member WHERE id = member_id)"
	from := func(table string) string { return strings.Replace(byID, "member WHERE", table+" WHERE", 1) }
	for name, tc := range map[string]struct {
		up    string
		reads string
		via   map[string]string
		edit  func(*change.Change)
		want  string
	}{
		"another condition":       {up: "(SELECT uuid FROM member WHERE id <= member_id)", want: "up of member_uuid: a query reads rows of public.member otherwise than by via"},
		"or another one":          {up: "(SELECT uuid FROM member WHERE id = member_id OR id = 1)", want: "otherwise than by via"},
		"the column of another":   {up: "(SELECT uuid FROM member WHERE id = (SELECT o.member_id FROM other o WHERE o.id = member_id))", want: "otherwise than by via"},
		"a table of its name":     {up: "(SELECT (SELECT uuid FROM member WHERE id = post.member_id) FROM other AS post)", want: "otherwise than by via"},
		"a join":                  {up: "(SELECT m.uuid FROM member m JOIN other o ON o.id = m.id WHERE m.id = post.member_id)", want: "has to read one row of it, and nothing else"},
		"a query within a query":  {up: "(SELECT x.uuid FROM (SELECT * FROM member) x WHERE x.id = member_id)", want: "otherwise than by via"},
		"other rows beside them":  {up: "coalesce(" + byID + ", (SELECT uuid FROM member ORDER BY id LIMIT 1))", want: "otherwise than by via"},
		"what cannot be locked":   {up: "(SELECT DISTINCT uuid FROM member WHERE id = member_id)", want: "FOR SHARE is not allowed with DISTINCT clause"},
		"no key of the other way": {via: map[string]string{"member_id": "id"}, want: "down of member_id: a query reads rows of public.member otherwise than by via"},
		"no column of the change": {via: map[string]string{"member": "id"}, want: `via names "member", which is no column of the change`},
		"no such column":          {via: map[string]string{"member_id": "ident"}, want: `via is wrong about "ident", by which up looks rows up: there is no such column`},
		"not unique":              {via: map[string]string{"member_id": "id", "member_uuid": "note"}, want: "it is of another type"},
		"another type":            {via: map[string]string{"member_id": "big"}, want: "it is of another type"},
		"a collation": {edit: func(c *change.Change) {
			c.Old[0].Name, c.Down = "member_name", change.Map{"member_name": "(SELECT name FROM member WHERE uuid = member_uuid)"}
		}, up: "(SELECT uuid FROM member WHERE name = member_name COLLATE \"C\")", via: map[string]string{"member_name": "name", "member_uuid": "uuid"}, want: "it has another collation than its type"},
		"a row as a whole":   {up: "(SELECT md5(m::text)::uuid FROM member m WHERE m.id = member_id)", want: "a query reads a row as a whole"},
		"a system column":    {up: "(SELECT md5(m.xmin::text)::uuid FROM member m WHERE m.id = member_id)", want: "a query reads the system column xmin"},
		"a generated column": {up: "(SELECT twin FROM member WHERE id = member_id)", want: "its column \"twin\" is generated"},
		"down_fail": {edit: func(c *change.Change) {
			c.DownFail = &change.DownFail{When: "member_uuid IS NULL", Then: change.Map{"member_id": "1"}}
		}, want: "it cannot stand beside reads"},
		"no table":          {reads: "members", up: byID, want: "there is no table members"},
		"a view":            {reads: "member_view", up: from("member_view"), want: "it is no ordinary table"},
		"a partitioned":     {reads: "member_part", up: from("member_part"), want: "it is no ordinary table"},
		"row security":      {reads: "member_kept", up: from("member_kept"), want: "it has row security"},
		"one of PostgreSQL": {reads: "pg_catalog.pg_class", up: "(SELECT NULL::uuid FROM pg_class WHERE oid = 1)", want: "it is no ordinary table"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			up, via := tc.up, tc.via
			if up == "" {
				up = byID
			}
			if via == nil {
				via = byKeys
			}
			c := lookedUp(up, via)
			if tc.reads != "" {
				c.Reads[0] = tc.reads
				c.Down = change.Map{"member_id": "NULL::int"}
			}
			if strings.Contains(up, " other ") {
				c.Reads, c.Lookups = append(c.Reads, "other"), append(c.Lookups, change.Lookup{})
			}
			if tc.edit != nil {
				tc.edit(&c)
			}
			if _, err := resolve.Change(context.Background(), pgtest.Connect(t, url), c); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %s", err, tc.want)
			}
		})
	}
}
