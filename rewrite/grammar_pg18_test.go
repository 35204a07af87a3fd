//go:build pg18

package rewrite

import "testing"

// What each server of the version or later can do and grammar 16 cannot read.
var newerStatements = map[int][]string{
	160000: {
		`SELECT json_array(SELECT {surname} FROM {person} ORDER BY {id})`,
	},
	170000: {
		`SELECT now() AT LOCAL IS NULL, {surname} FROM {person} ORDER BY 2`,
		`SELECT JSON_VALUE(to_jsonb({surname}), '$') FROM {person} ORDER BY 1`,
		`SELECT JSON_VALUE(to_jsonb({surname}), '$' RETURNING varchar(3) DEFAULT 'no' ON ERROR) AS v FROM {person} ORDER BY 1`,
		`SELECT JSON_QUERY(jsonb '[1, 2]', 'strict $[*] ? (@ > $x)' PASSING {id} AS x WITH ARRAY WRAPPER), {id} FROM {person} ORDER BY {id}`,
		`SELECT JSON_EXISTS(to_jsonb({surname}), '$ ? (@ == $n)' PASSING {surname} AS n) FROM {person} ORDER BY {id}`,
		`SELECT JSON_SCALAR({surname}), JSON_SERIALIZE(to_json({surname}) RETURNING text), JSON('{}') FROM {person} ORDER BY {id}`,
		`SELECT {surname}, j.* FROM {person}, JSON_TABLE(jsonb '[{"a": 1, "b": [2, 3]}]', '$[*]' PASSING {id} AS k
			COLUMNS (n FOR ORDINALITY, a int PATH '$.a', NESTED PATH '$.b[*]' COLUMNS (b int PATH '$'), c text PATH '$.c' DEFAULT 'none' ON EMPTY)) AS j ORDER BY {id}, b`,
		`SELECT x.s FROM {person} p, JSON_TABLE(to_jsonb(p.{surname}), '$' COLUMNS ({surname} text PATH '$')) AS x (s) ORDER BY 1`,
		`SELECT {person}.{surname}, j.{surname} FROM {person}, JSON_TABLE(jsonb '"x"', '$' COLUMNS ({surname} text PATH '$')) j ORDER BY 1`,
		`MERGE INTO {person} p USING book b ON p.{surname} = b.surname WHEN MATCHED THEN UPDATE SET city = b.last_name WHEN NOT MATCHED BY SOURCE AND p.{surname} = 'Liskov' THEN DELETE
			RETURNING merge_action(), p.{surname}, b.last_name`,
		`MERGE INTO {person} USING book ON {person}.{surname} = book.surname WHEN MATCHED THEN UPDATE SET city = '' RETURNING *`,
		`MERGE INTO {person} p USING pet ON p.{id} = pet.id WHEN NOT MATCHED BY TARGET THEN INSERT ({id}, {surname}) VALUES (pet.id, pet.name) RETURNING p.*, upper({surname})`,
		`WITH m AS (MERGE INTO {person} p USING pet ON p.{id} = pet.id WHEN MATCHED THEN UPDATE SET {surname} = pet.name RETURNING p.{surname}, p.{id}) SELECT {surname} FROM m ORDER BY m.{id}`,
		`MERGE INTO pet USING {person} p ON p.{id} = pet.id WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING pet.name, p.{surname}`,
	},
	180000: {
		`UPDATE {person} SET {surname} = upper({surname}) WHERE {id} = 1 RETURNING old.{surname}, new.{surname}`,
		`UPDATE {person} SET {surname} = 'S' WHERE {id} = 1 RETURNING WITH (OLD AS o, NEW AS n) o.{surname}, n.{surname}, {surname}`,
		`UPDATE {person} SET {surname} = 'S' WHERE {id} = 1 RETURNING WITH (OLD AS o) o.{surname} AS was, new.{surname}`,
		`DELETE FROM {person} p WHERE {id} = 5 RETURNING WITH (OLD AS gone) gone.{surname}, p.{surname}`,
		`INSERT INTO {person} ({id}, {surname}) VALUES (1, 'x') ON CONFLICT ({id}) DO UPDATE SET {surname} = excluded.{surname} RETURNING WITH (OLD AS was) was.{surname}, {surname}`,
		`MERGE INTO {person} p USING pet ON p.{id} = pet.id WHEN MATCHED THEN UPDATE SET {surname} = pet.name RETURNING merge_action(), old.{surname}, new.{surname}`,
		`CREATE TEMPORARY TABLE made ON COMMIT DROP AS SELECT {surname} FROM {person} ORDER BY {id}; SELECT {surname} FROM made ORDER BY 1`,
		`ALTER TABLE {line} ADD doubled int GENERATED ALWAYS AS ({qty} * 2) VIRTUAL`,
		`ALTER TABLE pet ADD CONSTRAINT owned FOREIGN KEY (person_id) REFERENCES {person} ({id}) NOT ENFORCED`,
		`ALTER TABLE {person} ADD CONSTRAINT named CHECK ({surname} <> '') NOT ENFORCED`,
		`ALTER TABLE {person} ADD CONSTRAINT there NOT NULL city NOT VALID`,
	},
}

// TestWhatOnlyNewerServersCanDoIsTheSameUnderTheOtherNames has statements for each server; of those that it cannot do, it must not be asked.
func TestWhatOnlyNewerServersCanDoIsTheSameUnderTheOtherNames(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, version)
			w.check(t, `UPDATE {person} SET ({surname}, city) = ('a' || {surname}, DEFAULT) WHERE {id} = 1 RETURNING {surname}, city`)
			for since, statements := range newerStatements {
				if w.binder.snap.Catalog.ServerVersion < since {
					continue
				}
				for _, sql := range statements {
					w.check(t, sql)
				}
			}
		})
	}
}
