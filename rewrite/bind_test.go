package rewrite

import "testing"

func TestOnlyTheNamesThatDifferAreSpliced(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, sql, want string }{
		{"capitals fold", "SELECT PERSON.SurName FROM Person", "SELECT PERSON.last_name AS surname FROM public.individual AS person"},
		{"quotes", `SELECT "person"."surname" FROM "person"`, `SELECT "person".last_name AS surname FROM public.individual AS person`},
		{"Unicode escapes", `SELECT U&"surn\0061me" FROM U&"!0070erson" UESCAPE '!'`, `SELECT last_name AS surname FROM public.individual AS person`},
		{"comments between the parts of a name", "SELECT person /* a */ . -- b\n surname /* c */ FROM person -- d",
			"SELECT person /* a */ . -- b\n last_name AS surname /* c */ FROM public.individual AS person -- d"},
		{"literals and layout stay", "SELECT  'surname' ,E'person',$$surname$$\tFROM\n person\r\nWHERE surname='surname'",
			"SELECT  'surname' ,E'person',$$surname$$\tFROM\n public.individual AS person\r\nWHERE last_name='surname'"},
		{"an alias makes the name of the table unneeded", "SELECT p.surname s FROM person p", "SELECT p.last_name s FROM public.individual p"},
		{"a label that stays needs no AS", "SELECT upper(surname), surname || '' FROM person",
			"SELECT upper(last_name), last_name || '' FROM public.individual AS person"},
		{"a star", "SELECT * FROM person", "SELECT person.id, person.last_name AS surname FROM public.individual AS person"},
		{"the star of another table stays", "SELECT pet.*, surname FROM pet, person", "SELECT pet.*, last_name AS surname FROM pet, public.individual AS person"},
		{"a star over both", "SELECT * FROM pet, person", "SELECT pet.*, person.id, person.last_name AS surname FROM pet, public.individual AS person"},
		{"TABLE", "TABLE person", "SELECT person.id, person.last_name AS surname FROM public.individual AS person"},
		{"no table under migration", "SELECT name AS surname FROM pet person", "SELECT name AS surname FROM pet person"},
		{"columns that keep their names", "SELECT id FROM pet WHERE id IN (SELECT id FROM person)",
			"SELECT id FROM pet WHERE id IN (SELECT id FROM public.individual AS person)"},
		{"INSERT", "INSERT INTO person(id,surname)VALUES(1,'surname')RETURNING surname",
			"INSERT INTO public.individual AS person(id,last_name)VALUES(1,'surname')RETURNING last_name AS surname"},
		{"an upsert", "INSERT INTO person AS p (id, surname) VALUES (1, '') ON CONFLICT (id) DO UPDATE SET surname = EXCLUDED.surname || p.surname",
			"INSERT INTO public.individual AS p (id, last_name) VALUES (1, '') ON CONFLICT (id) DO UPDATE SET last_name = EXCLUDED.last_name || p.last_name"},
		{"UPDATE", "UPDATE person SET surname = lower(surname) WHERE person.surname > ''",
			"UPDATE public.individual AS person SET last_name = lower(last_name) WHERE person.last_name > ''"},
		{"statements one after another", "SELECT surname FROM person; SELECT 1;;UPDATE person SET surname=''",
			"SELECT last_name AS surname FROM public.individual AS person; SELECT 1;;UPDATE public.individual AS person SET last_name=''"},
		{"USING keeps one name where it can", "SELECT surname FROM person a JOIN person b USING (surname)",
			"SELECT last_name AS surname FROM public.individual a JOIN public.individual b USING (last_name)"},
		{"USING where only the other side has the version's name", "SELECT surname, note FROM person JOIN book USING (surname)",
			"SELECT surname, note FROM public.individual AS person (id, surname) JOIN book USING (surname)"},
		{"a star over such a join", "SELECT * FROM person p JOIN book b USING (surname)",
			"SELECT * FROM public.individual p (id, surname) JOIN book b USING (surname)"},
		{"a full join with an alias list", "SELECT surname FROM person AS p (i) FULL JOIN book USING (surname)",
			"SELECT surname FROM public.individual AS p (i, surname) FULL JOIN book USING (surname)"},
		{"NATURAL likewise", "SELECT surname FROM book NATURAL LEFT JOIN person AS p",
			"SELECT surname FROM book NATURAL LEFT JOIN public.individual AS p (id, surname)"},
		{"USING with the same name in the database", "SELECT surname FROM person JOIN person p USING (surname)",
			"SELECT last_name AS surname FROM public.individual AS person JOIN public.individual p USING (last_name)"},
		{"NATURAL", "SELECT 1 FROM person NATURAL JOIN pet", "SELECT 1 FROM public.individual AS person NATURAL JOIN pet"},
		{"an OID in a string is no name", "SELECT 1 FROM person WHERE tableoid = '16384'::regclass", "SELECT 1 FROM public.individual AS person WHERE tableoid = '16384'::regclass"},
		{"the name of the database in a string stays", `SELECT 1 WHERE '"Shop".public.person'::regclass > 0`, `SELECT 1 WHERE '"Shop".public.individual'::regclass > 0`},
		{"locks", "LOCK person IN SHARE MODE", "LOCK public.individual IN SHARE MODE"},
		{"a copy of a table", `copy "person" ( "id", "surname" ) from stdin binary`, `copy public.individual ( "id", last_name ) from stdin binary`},
		{"a copy with a header", "COPY person (surname) TO STDOUT CSV HEADER",
			"COPY (SELECT last_name AS surname FROM ONLY public.individual) TO STDOUT CSV HEADER"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := rewritten(t, tt.sql)
			for _, s := range text.Statements {
				if (s.Failure != nil) != (tt.want == "") {
					t.Fatalf("%v", s.Failure)
				}
			}
			if tt.want != "" && text.SQL != tt.want {
				t.Errorf("%s\n=>   %s\nwant %s", tt.sql, text.SQL, tt.want)
			}
		})
	}
}
