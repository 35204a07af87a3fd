package rewrite

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/wording"
	"github.com/seguedb/segue/rules"
)

func personText() *Text {
	lens := rules.NewLens("new", []*rules.TableLens{{
		OID: individualOID, Schema: "public", Logical: "person", Physical: "individual",
		Columns: []rules.ColumnLens{{Logical: "id", Physical: "id", Num: 1}, {Logical: "surname", Physical: "last_name", Num: 2},
			{Logical: "Home Town", Physical: "city", Num: 3}},
	}})
	return &Text{Tables: []catalog.OID{individualOID}, names: wording.Names{Snap: testSnapshot(150000), Lens: lens}}
}

func TestErrorsSpeakTheNamesOfTheVersion(t *testing.T) {
	t.Parallel()
	for physical, want := range map[string]string{
		`null value in column "last_name" of relation "individual" violates not-null constraint`:        `null value in column "surname" of relation "person" violates not-null constraint`,
		`Spalte »last_name« von Relation »individual«`:                                                  `Spalte »surname« von Relation »person«`,
		`la colonne « last_name » de la relation «individual»`:                                          `la colonne « surname » de la relation «person»`,
		`столбец "last_name"`:                                                                           `столбец "surname"`,
		`null value in column "last_name" of relation "pets"`:                                           `null value in column "last_name" of relation "pets"`,
		`duplicate key value violates unique constraint "individual_last_name_key"`:                     `duplicate key value violates unique constraint "individual_last_name_key"`,
		`Key (last_name, city)=(a, (b)=(c) already exists.`:                                             `Key (surname, "Home Town")=(a, (b)=(c) already exists.`,
		`Key (lower(last_name))=(a) already exists.`:                                                    `Key (lower(surname))=(a) already exists.`,
		`column "individual.last_name" must appear in the GROUP BY clause`:                              `column "person.surname" must appear in the GROUP BY clause`,
		`column "i.last_name" must appear in the GROUP BY clause`:                                       `column "i.surname" must appear in the GROUP BY clause`,
		`Partition key of the failing row contains (last_name, (id + 0)) = (a, 11).`:                    `Partition key of the failing row contains (surname, (id + 0)) = (a, 11).`,
		`Partition key of the failing row contains (abs(city)) = ((last_name)=(b)).`:                    `Partition key of the failing row contains (abs("Home Town")) = ((last_name)=(b)).`,
		`Failing row contains (1, last_name)=(b).`:                                                      `Failing row contains (1, last_name)=(b).`,
		`Failing row contains (id, last_name) = (1, (last_name)=(b)).`:                                  `Failing row contains (id, surname) = (1, (last_name)=(b)).`,
		`Failing row contains (1, last_name, x) = (b).`:                                                 `Failing row contains (1, last_name, x) = (b).`,
		`Key (last_name)=(1) is still referenced from table "pets".`:                                    `Key (surname)=(1) is still referenced from table "pets".`,
		`permission denied for table individual`:                                                        `permission denied for table person`,
		`permission denied for table pets`:                                                              `permission denied for table pets`,
		`must be owner of table individual`:                                                             `must be owner of table person`,
		`drop cascades to column last_name of table individual`:                                         `drop cascades to column surname of table person`,
		`drop cascades to column last_name of table pets`:                                               `drop cascades to column last_name of table pets`,
		"drop cascades to column city of table public.individual\ndrop cascades to table pets":          "drop cascades to column Home Town of table public.person\ndrop cascades to table pets",
		`constraint k on table individual depends on column id of table other.individual`:               `constraint k on table person depends on column id of table other.individual`,
		`default value for column last_name of table individual depends on function f()`:                `default value for column surname of table person depends on function f()`,
		`column a of table pets depends on type individual[]`:                                           `column a of table pets depends on type person[]`,
		`cannot CREATE INDEX "individual" because it is being used by active queries in this session`:   `cannot CREATE INDEX "person" because it is being used by active queries in this session`,
		`cannot CREATE TRIGGER "individual" because it is being used by active queries in this session`: `cannot CREATE TRIGGER "person" because it is being used by active queries in this session`,
		`cannot drop column last_name of table individual because other objects depend on it`:           `cannot drop column surname of table person because other objects depend on it`,
		`You can drop column last_name of table individual instead.`:                                    `You can drop column surname of table person instead.`,
		`a word on table individual`:                                                                    `a word on table individual`,
		`Key ((last_name || 'last_name)'::text))=(a(b) already exists.`:                                 `Key ((surname || 'last_name)'::text))=(a(b) already exists.`,
		`Key ("last_name" COLLATE city, city(id))=(a) already exists.`:                                  `Key (surname COLLATE city, city(id))=(a) already exists.`,
		`Key (last_name)=(a) conflicts with existing key (last_name)=((last_name)=(b)).`:                `Key (surname)=(a) conflicts with existing key (surname)=((last_name)=(b)).`,
		`Key (id)=(1) is not present in table "individual".`:                                            `Key (id)=(1) is not present in table "person".`,
		`COPY individual, line 1: "last_name"`:                                                          `COPY person, line 1: "last_name"`,
		`COPY individual, line 12, column last_name: "individual"`:                                      `COPY person, line 12, column surname: "individual"`,
		`COPY individual, line 12, column city: null input`:                                             `COPY person, line 12, column Home Town: null input`,
		`COPY individual, line 3, column last_name`:                                                     `COPY person, line 3, column surname`,
		`COPY pets, line 3, column id: "last_name"`:                                                     `COPY pets, line 3, column id: "last_name"`,
		`last_name is mentioned without quotes`:                                                         `last_name is mentioned without quotes`,
		`an odd " quote and "last_name`:                                                                 `an odd " quote and "last_name`,
		``:                                                                                              ``,
	} {
		if got := translated(physical); got != want {
			t.Errorf("%s\nbecomes  %s\nand not  %s", physical, got, want)
		}
	}
}

// translated is what the client gets in place of a message or detail that the server has for a person's table.
func translated(s string) string {
	r := &wording.Report{Code: "23505", Message: s}
	switch {
	case strings.HasPrefix(s, "COPY "):
		r.Message, r.Where = "", s
	case strings.HasPrefix(s, "Key ("), strings.HasPrefix(s, "Partition key"), strings.HasPrefix(s, "Failing row contains ("):
		r.Message, r.Detail = "", s
	}
	personText().Reword(r)
	return r.Message + r.Detail + r.Where
}

func TestFieldsOfErrorsHaveTheNamesOfTheVersion(t *testing.T) {
	t.Parallel()
	for _, tc := range [][5]string{
		{"public", "individual", "last_name", "person", "surname"},
		{"public", "individual", "", "person", ""},
		{"public", "individual", "other", "person", "other"},
		{"other", "individual", "last_name", "individual", "last_name"},
		{"public", "pets", "last_name", "pets", "last_name"},
	} {
		r := &wording.Report{Schema: tc[0], Table: tc[1], Column: tc[2]}
		personText().Reword(r)
		if r.Table != tc[3] || r.Column != tc[4] {
			t.Errorf("the fields %v become %s, %s", tc, r.Table, r.Column)
		}
	}
}

func TestWithoutALensNothingIsTranslated(t *testing.T) {
	t.Parallel()
	r := &wording.Report{Message: `column "last_name"`, Schema: "public", Table: "individual", Column: "last_name"}
	was := *r
	new(Text).Reword(r)
	if *r != was {
		t.Error(r)
	}
}

// Each of these speaks of the same row, in the names of the database, but for what is no name of a table or column.
func TestOnlyNamesOfTablesAndColumnsAreTranslated(t *testing.T) {
	t.Parallel()
	same := func(r wording.Report) [2]wording.Report { return [2]wording.Report{r, r} }
	for name, tc := range map[string][2]wording.Report{
		"the words of RAISE": same(wording.Report{
			Code: "23505", Routine: "exec_stmt_raise", Message: `"last_name"`, Detail: "Key (last_name)=(1) exists", Hint: `column "last_name"`,
			Schema: "public", Table: "individual", Column: "last_name",
		}),
		"a value of a data exception":  same(wording.Report{Code: "22P02", Message: `invalid input syntax for type integer: "last_name"`}),
		"a part of the text":           same(wording.Report{Code: "42601", Routine: "scanner_yyerror", Message: `syntax error at or near "last_name"`}),
		"a role":                       same(wording.Report{Code: "42501", Message: `permission denied for role "individual"`}),
		"a constraint":                 same(wording.Report{Code: "23505", Message: `duplicate key value violates unique constraint "last_name"`}),
		"a statement of a stored body": same(wording.Report{Code: "23505", Where: "SQL statement \"INSERT INTO \"individual\" VALUES (1)\"\nPL/pgSQL function individual() line 3 at SQL statement"}),
		"values that look like the end of a detail": {
			{Code: "23503", Schema: "public", Table: "individual", Detail: `Key (last_name)=(a) is not present in table "individual".) is not present in table "individual".`},
			{Code: "23503", Schema: "public", Table: "person", Detail: `Key (surname)=(a) is not present in table "individual".) is not present in table "person".`},
		},
		"a key that another table still references": {
			{Code: "23503", Schema: "public", Table: "pets", Message: `update or delete on table "individual" violates foreign key constraint "individual" on table "pets"`,
				Detail: `Key (last_name, city)=((id)=(individual)) is still referenced from table "pets".`},
			{Code: "23503", Schema: "public", Table: "pets", Message: `update or delete on table "person" violates foreign key constraint "individual" on table "pets"`,
				Detail: `Key (surname, Home Town)=((id)=(individual)) is still referenced from table "pets".`},
		},
		"a key that another table under migration still references": {
			{Code: "23503", Schema: "public", Table: "individual", Message: `»both« verletzt »c« von »individual«`, Detail: `Key (both, last_name)=(1, 2) is still referenced from table "individual".`},
			{Code: "23503", Schema: "public", Table: "person", Message: `»table_now« verletzt »c« von »person«`, Detail: `Key (column_now, last_name)=(1, 2) is still referenced from table "person".`},
		},
		"a key of another table that is still referenced": {
			{Code: "23503", Schema: "public", Table: "individual", Message: `update or delete on table "pets" violates foreign key constraint "last_name" on table "individual"`, Detail: `Key (last_name)=(1) is still referenced from table "individual".`},
			{Code: "23503", Schema: "public", Table: "person", Message: `update or delete on table "pets" violates foreign key constraint "last_name" on table "person"`, Detail: `Key (last_name)=(1) is still referenced from table "person".`},
		},
		"a key for which a partition goes away": {
			{Code: "23503", Schema: "public", Table: "individual", Message: `removing partition "pets" violates foreign key constraint "last_name"`, Detail: `Key (last_name)=(1) is still referenced from table "individual".`},
			{Code: "23503", Schema: "public", Table: "person", Message: `removing partition "pets" violates foreign key constraint "last_name"`, Detail: `Key (surname)=(1) is still referenced from table "person".`},
		},
		"a key of the table itself": {
			{Code: "23503", Schema: "public", Table: "individual", Message: `update or delete on table "individual" violates foreign key constraint "c" on table "individual"`, Detail: `Key (last_name)=(1) is still referenced from table "individual".`},
			{Code: "23503", Schema: "public", Table: "person", Message: `update or delete on table "person" violates foreign key constraint "c" on table "person"`, Detail: `Key (surname)=(1) is still referenced from table "person".`},
		},
		"a column called as a table that is not meant": same(wording.Report{Code: "42P16", Message: `column "both" is in a primary key`}),
		"a column called as its table": {
			{Code: "23502", Schema: "public", Table: "both", Column: "both", Message: `null value in column "both" of relation "both" violates not-null constraint`},
			{Code: "23502", Schema: "public", Table: "table_now", Column: "column_now", Message: `null value in column "column_now" of relation "table_now" violates not-null constraint`},
		},
		"a column of a view of the table": {
			{Code: "428C9", Message: `cannot insert a non-DEFAULT value into column "last_name"`, Detail: `Column "last_name" is a generated column.`},
			{Code: "428C9", Message: `cannot insert a non-DEFAULT value into column "surname"`, Detail: `Column "surname" is a generated column.`},
		},
		"a column with its table": {
			{Code: "0A000", Message: `cannot alter type "posint" because column "individual.last_name" uses it`},
			{Code: "0A000", Message: `cannot alter type "posint" because column "person.surname" uses it`},
		},
		"a table whose alias is the name of another": {
			{Code: "42703", Hint: `There is a column named "last_name" in table "pets", but it cannot be referenced from this part of the query.`},
			{Code: "42703", Hint: `There is a column named "surname" in table "pets", but it cannot be referenced from this part of the query.`},
		},
		"types of rows": {
			{Code: "42883", Message: `operator does not exist: individual = public.individual[]`},
			{Code: "42883", Message: `operator does not exist: person = public.person[]`},
		},
		"types of arguments": {
			{Code: "42883", Message: `function individual(individual, integer) does not exist`},
			{Code: "42883", Message: `function individual(person, integer) does not exist`},
		},
		"a field that a row type does not have": {
			{Code: "42703", Message: `column "x" not found in data type individual`},
			{Code: "42703", Message: `column "x" not found in data type person`},
		},
		"a field that cannot be assigned to": {
			{Code: "42703", Message: `cannot assign to field "x" of column "y" because there is no such column in data type public.individual`},
			{Code: "42703", Message: `cannot assign to field "x" of column "y" because there is no such column in data type public.person`},
		},
		"types of columns": {
			{Code: "42804", Message: `column "last_name" is of type individual but expression is of type integer`},
			{Code: "42804", Message: `column "surname" is of type person but expression is of type integer`},
		},
		"the type of a column": {
			{Code: "00000", Message: `type reference individual.last_name%TYPE converted to text`},
			{Code: "00000", Message: `type reference person.surname%TYPE converted to text`},
		},
		"a conflict": {
			{Code: "23P01", Detail: `Key (last_name)=(3) conflicts with key (last_name)=(3).`},
			{Code: "23P01", Detail: `Key (surname)=(3) conflicts with key (surname)=(3).`},
		},
		"the statement that checks a foreign key": {
			{Code: "55P03", Where: "SQL statement \"SELECT 1 FROM ONLY \"public\".\"individual\" x WHERE \"last_name\" OPERATOR(pg_catalog.=) $1 FOR KEY SHARE OF x\""},
			{Code: "55P03", Where: "SQL statement \"SELECT 1 FROM ONLY \"public\".\"person\" x WHERE \"surname\" OPERATOR(pg_catalog.=) $1 FOR KEY SHARE OF x\""},
		},
		"what a statement waited for": {
			{Code: "57014", Where: `while updating tuple (0,1) in relation "individual"`},
			{Code: "57014", Where: `while updating tuple (0,1) in relation "person"`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tc[0]
			text := personText()
			snap := *text.names.Snap
			snap.Catalog = catalog.New(150000, []*catalog.Relation{
				{OID: individualOID, Schema: "public", Name: "individual", Kind: catalog.Table},
				{OID: 8, Schema: "public", Name: "both", Kind: catalog.Table}, {OID: 9, Schema: "public", Name: "pets", Kind: catalog.Table, Columns: []catalog.Column{{Num: 1, Name: "both"}}},
			}, nil, nil)
			text.names = wording.Names{Snap: &snap, Lens: rules.NewLens("new", append(text.names.Lens.Tables, &rules.TableLens{
				OID: 8, Schema: "public", Logical: "table_now", Physical: "both",
				Columns: []rules.ColumnLens{{Logical: "column_now", Physical: "both", Num: 1}},
			}))}
			text.Reword(&got)
			if diff := cmp.Diff(tc[1], got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestARowInADetailHasTheColumnsOfTheVersion(t *testing.T) {
	t.Parallel()
	snap := reordered()
	text := &Text{Tables: []catalog.OID{1}, names: wording.Names{Snap: snap, Lens: snap.Lenses["person"]}}
	for said, want := range map[string]string{
		"Failing row contains (1, 2, 3, 4).":         "Failing row contains (1, 4, 2).",
		"Failing row contains (1, 2, 3, (a, b)).":    "",
		"Failing row contains (id, sum) = (1, 2).":   "Failing row contains (id, sum) = (1, 2).",
		"Failing row contains (id, total) = (1, 2).": "",
	} {
		r := &wording.Report{Code: "23514", Schema: "public", Table: "individual", Detail: said}
		text.Reword(r)
		if r.Detail != want {
			t.Errorf("%s\nbecomes %q\nand not %q", said, r.Detail, want)
		}
	}
}

// The server does not say of which table a view's row is.
func TestARowThatAViewRejectsShowsNoHiddenColumns(t *testing.T) {
	t.Parallel()
	snap := reordered()
	text := &Text{names: wording.Names{Snap: snap, Lens: snap.Lenses["person"]}}
	for said, want := range map[string]string{
		"Failing row contains (1, 2, 3, 4).":   "",
		"Failing row contains (1, 2, 3).":      "Failing row contains (1, 2, 3).",
		"Failing row contains (a, b, c, d, e)": "",
	} {
		r := &wording.Report{Code: "44000", Message: `new row violates check option for view "v"`, Detail: said}
		text.Reword(r)
		if r.Detail != want {
			t.Errorf("%s\nbecomes %q\nand not %q", said, r.Detail, want)
		}
	}
}

func TestARowOfAnotherPartitionFailsInTheServersWords(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	const table = `CREATE TABLE whole (id int, n int) PARTITION BY LIST (id); CREATE TABLE individual PARTITION OF whole FOR VALUES IN (1);`
	pgtest.Exec(t, url, table+`CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n := 1; RETURN NEW; END';
		CREATE TRIGGER "!_segue_first_insert_1_1" BEFORE INSERT ON whole FOR EACH ROW EXECUTE FUNCTION f()`)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	got := failureOf(t, conn, "INSERT INTO individual VALUES (2)")
	pgtest.Exec(t, url, `DROP TRIGGER "!_segue_first_insert_1_1" ON whole; ALTER TABLE individual RENAME TO person`)
	want := failureOf(t, conn, "INSERT INTO person VALUES (2)")
	snap := renamedTable()
	text := &Text{names: wording.Names{Snap: snap, Lens: snap.Lenses["person"]}}
	r := &wording.Report{Code: got.Code, Routine: got.Routine, Message: got.Message, Detail: got.Detail}
	text.Reword(r)
	if r.Code != want.Code || r.Message != want.Message || r.Schema != want.SchemaName || r.Table != want.TableName || r.Detail != "" {
		t.Errorf("it fails with %+v, want %s %s of %s.%s", r, want.Code, want.Message, want.SchemaName, want.TableName)
	}
}

func TestWhatATriggerOfSeguesRejectsSaysThatAnotherVersionIsThere(t *testing.T) {
	t.Parallel()
	lens := rules.NewLens("v", []*rules.TableLens{{OID: 1, Schema: "public", Logical: "a", Physical: "a", Counterparts: []rules.Counterpart{
		{Marker: "_segue_mark_7_1", Own: []rules.SideColumn{{Name: "st"}}, Other: []rules.SideColumn{{Name: "mood"}}, OtherNew: true}}}})
	text := &Text{names: wording.Names{Snap: reordered(), Lens: lens}}
	for message, want := range map[string]string{
		`"mood" would be null for a value of "st" that is not`: `Another version of the app has "st" as "mood". Write a value that both can hold.`,
		`the marker _segue_mark_7_1 cannot be set by hand`:     "",
	} {
		r := &wording.Report{Code: "23514", Routine: "exec_stmt_raise", Message: message, Schema: "public", Table: "a",
			Where: "PL/pgSQL function segue._segue_first_insert_7_1() line 3 at RAISE"}
		text.Reword(r)
		if r.Hint != want || r.Message != message || r.Where != "" {
			t.Errorf("%s\nbecomes %+v\nwant the hint %q", message, r, want)
		}
	}
}

// A name in an error that the client has written itself means what it means to the client.
func TestNamesThatTheClientHasWrittenAreNotTranslated(t *testing.T) {
	t.Parallel()
	text := personText()
	text.Client, text.SQL, text.Changed = "SELECT surname, last_name FROM person p, t", "SELECT last_name, last_name FROM individual p, t", true
	text.edits = []splice.Edit{{Start: 7, End: 14, New: "last_name"}, {Start: 31, End: 37, New: "individual"}}
	for name, tc := range map[string]struct {
		position int
		says     string
		want     string
	}{
		"where it was changed":      {8, `column "last_name" does not exist`, `column "surname" does not exist`},
		"where it is the same":      {19, `column "last_name" does not exist`, `column "last_name" does not exist`},
		"a table without a place":   {0, `relation "individual" does not exist`, `relation "person" does not exist`},
		"nothing is known of where": {0, `column "last_name" does not exist`, `column "last_name" does not exist`},
	} {
		r := &wording.Report{Code: "42703", Message: tc.says, Position: tc.position}
		text.Reword(r)
		if r.Message != tc.want {
			t.Errorf("%s: %s", name, r.Message)
		}
	}
}

// The query of DO is a part of the text, and that of a function is not.
func TestTheInternalQueryIsTheClientsWhereItIsPartOfTheText(t *testing.T) {
	t.Parallel()
	text := personText()
	text.Client, text.SQL, text.Changed = "DO 'BEGIN PERFORM surname, nö, nope FROM t; END'", "DO 'BEGIN PERFORM last_name, nö, nope FROM t; END'", true
	text.edits = []splice.Edit{{Start: 18, End: 25, New: "last_name"}}
	for said, want := range map[wording.Report]wording.Report{
		{Query: "PERFORM last_name, nö, nope FROM t", QueryPosition: 24}: {Query: "PERFORM surname, nö, nope FROM t", QueryPosition: 22},
		{Query: "last_name, nö", QueryPosition: 1}:                       {Query: "surname, nö", QueryPosition: 1},
		{Query: "name, nö", QueryPosition: 1}:                            {Query: "name, nö", QueryPosition: 1},
		{Query: "SELECT last_name", QueryPosition: 8}:                    {Query: "SELECT last_name", QueryPosition: 8},
	} {
		got := said
		text.Reword(&got)
		if got != want {
			t.Errorf("%+v\nand not %+v", got, want)
		}
	}
}
