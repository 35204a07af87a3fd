package proxy

import "testing"

// TestWhatFROMDoesNotHaveIsToldAsTheVersionsDatabaseWouldTellIt compares words and hints.
func TestWhatFROMDoesNotHaveIsToldAsTheVersionsDatabaseWouldTellIt(t *testing.T) {
	t.Parallel()
	asInTheVersionsDatabase(t, map[string][]string{
		"what FROM does not have": {
			"CREATE TABLE side.{T} (id int, {c} text)",
			"SELECT {O}.id FROM {T}",
			"SELECT {O}.id FROM {T} t",
			"SELECT {O}.id FROM ref",
			"SELECT {T}.id FROM ref",
			"SELECT {T}.id FROM {T} t",
			"SELECT public.{O}.id FROM {T}",
			"SELECT public.{T}.id FROM {T} t",
			"SELECT x.id FROM {T} t",
			"SELECT {O}.* FROM {T}",
			"SELECT {O} FROM {T}",
			"UPDATE {T} SET {c} = {O}.{c}",
			"DELETE FROM {T} WHERE {O}.id = 1",
			"INSERT INTO {T} AS x VALUES (5, 'a') ON CONFLICT (id) DO UPDATE SET {c} = {T}.{c}",
			"INSERT INTO {T} VALUES (5, 'a') ON CONFLICT (id) DO UPDATE SET {c} = {O}.{c}",
			"INSERT INTO {T} VALUES (5, 'a') RETURNING {O}.id",
			"SELECT {T}.{oc} FROM {T}",
			"SELECT {O}.{oc} FROM {T}",
			"SELECT {O}.{oc} FROM {T} AS {O}",
			"SELECT 1 FROM {T} WHERE {O}.{c} = 'a'",
			"SELECT 1 FROM {T} JOIN ref ON {O}.id = of",
			"SELECT (SELECT {O}.id) FROM {T}",
			"SELECT 1 FROM {T} {O}, LATERAL (SELECT {T}.id) x",
			"SELECT 1 FROM ref, (SELECT {T}.id) x, {T}",
			"SELECT 1 FROM ref, (SELECT {O}.id) x, {T}",
			"SELECT 1 FROM {T} a, {T} b WHERE {T}.id = 1",
			"SELECT 1 FROM {T} FOR UPDATE OF {O}",
			"SELECT 1 FROM {T} t FOR UPDATE OF {T}",
			"SELECT 1 FROM {T} ORDER BY {O}.id",
			"MERGE INTO {T} USING ref ON {O}.id = of WHEN MATCHED THEN DELETE",
			"SELECT side.{T}.id FROM {T} t",
			"WITH w AS (SELECT 1 AS a) SELECT w.a FROM w AS v, {T}",
			"SELECT {T}.id FROM side.{T} t, ref",
		},
	})
}
