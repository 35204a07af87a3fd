package rewrite

import (
	"testing"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

func personText() *Text {
	lens := rules.NewLens("new", []*rules.TableLens{{
		OID: individualOID, Schema: "public", Logical: "person", Physical: "individual",
		Columns: []rules.ColumnLens{{Logical: "id", Physical: "id", Num: 1}, {Logical: "surname", Physical: "last_name", Num: 2},
			{Logical: "Home Town", Physical: "city", Num: 3}},
	}})
	return &Text{Tables: []catalog.OID{individualOID}, names: names{snap: testSnapshot(150000), lens: lens}}
}

func TestErrorsSpeakTheNamesOfTheVersion(t *testing.T) {
	t.Parallel()
	for physical, want := range map[string]string{
		`null value in column "last_name" of relation "individual" violates not-null constraint`: `null value in column "surname" of relation "person" violates not-null constraint`,
		`Spalte »last_name« von Relation »individual«`:                                           `Spalte »surname« von Relation »person«`,
		`la colonne « last_name » de la relation «individual»`:                                   `la colonne « surname » de la relation «person»`,
		`столбец "last_name"`:                                                                    `столбец "surname"`,
		`null value in column "last_name" of relation "pets"`:                                    `null value in column "last_name" of relation "pets"`,
		`duplicate key value violates unique constraint "individual_last_name_key"`:              `duplicate key value violates unique constraint "individual_last_name_key"`,
		`Key (last_name, city)=(a, (b)=(c) already exists.`:                                      `Key (surname, "Home Town")=(a, (b)=(c) already exists.`,
		`Key (lower(last_name))=(a) already exists.`:                                             `Key (lower(surname))=(a) already exists.`,
		`column "individual.last_name" must appear in the GROUP BY clause`:                       `column "person.surname" must appear in the GROUP BY clause`,
		`column "i.last_name" must appear in the GROUP BY clause`:                                `column "i.surname" must appear in the GROUP BY clause`,
		`Partition key of the failing row contains (last_name, (id + 0)) = (a, 11).`:             `Partition key of the failing row contains (surname, (id + 0)) = (a, 11).`,
		`Partition key of the failing row contains (abs(city)) = ((last_name)=(b)).`:             `Partition key of the failing row contains (abs("Home Town")) = ((last_name)=(b)).`,
		`Failing row contains (1, last_name)=(b).`:                                               `Failing row contains (1, last_name)=(b).`,
		`Failing row contains (id, last_name) = (1, (last_name)=(b)).`:                           `Failing row contains (id, surname) = (1, (last_name)=(b)).`,
		`Failing row contains (1, last_name, x) = (b).`:                                          `Failing row contains (1, last_name, x) = (b).`,
		`Key (last_name)=(1) is still referenced from table "pets".`:                             `Key (surname)=(1) is still referenced from table "pets".`,
		`permission denied for table individual`:                                                 `permission denied for table person`,
		`permission denied for table pets`:                                                       `permission denied for table pets`,
		`must be owner of table individual`:                                                      `must be owner of table person`,
		`drop cascades to column last_name of table individual`:                                  `drop cascades to column surname of table person`,
		`drop cascades to column last_name of table pets`:                                        `drop cascades to column last_name of table pets`,
		"drop cascades to column city of table public.individual\ndrop cascades to table pets":   "drop cascades to column Home Town of table public.person\ndrop cascades to table pets",
		`constraint k on table individual depends on column id of table other.individual`:        `constraint k on table person depends on column id of table other.individual`,
		`default value for column last_name of table individual depends on function f()`:         `default value for column surname of table person depends on function f()`,
		`column a of table pets depends on type individual[]`:                                    `column a of table pets depends on type person[]`,
		`cannot drop column last_name of table individual because other objects depend on it`:    `cannot drop column surname of table person because other objects depend on it`,
		`You can drop column last_name of table individual instead.`:                             `You can drop column surname of table person instead.`,
		`a word on table individual`:                                                             `a word on table individual`,
		`Key ((last_name || 'last_name)'::text))=(a(b) already exists.`:                          `Key ((surname || 'last_name)'::text))=(a(b) already exists.`,
		`Key ("last_name" COLLATE city, city(id))=(a) already exists.`:                           `Key (surname COLLATE city, city(id))=(a) already exists.`,
		`Key (last_name)=(a) conflicts with existing key (last_name)=((last_name)=(b)).`:         `Key (surname)=(a) conflicts with existing key (surname)=((last_name)=(b)).`,
		`Key (id)=(1) is not present in table "individual".`:                                     `Key (id)=(1) is not present in table "person".`,
		`COPY individual, line 1: "last_name"`:                                                   `COPY person, line 1: "last_name"`,
		`COPY individual, line 12, column last_name: "individual"`:                               `COPY person, line 12, column surname: "individual"`,
		`COPY individual, line 12, column city: null input`:                                      `COPY person, line 12, column Home Town: null input`,
		`COPY individual, line 3, column last_name`:                                              `COPY person, line 3, column surname`,
		`COPY pets, line 3, column id: "last_name"`:                                              `COPY pets, line 3, column id: "last_name"`,
		`last_name is mentioned without quotes`:                                                  `last_name is mentioned without quotes`,
		`an odd " quote and "last_name`:                                                          `an odd " quote and "last_name`,
		``:                                                                                       ``,
	} {
		if got := personText().Translate(physical); got != want {
			t.Errorf("Translate(%s)\n got %s\nwant %s", physical, got, want)
		}
	}
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
		if table, column := personText().LogicalNames(tc[0], tc[1], tc[2]); table != tc[3] || column != tc[4] {
			t.Errorf("LogicalNames(%s, %s, %s) = %s, %s", tc[0], tc[1], tc[2], table, column)
		}
	}
}

func TestWithoutALensNothingIsTranslated(t *testing.T) {
	t.Parallel()
	text := new(Text)
	if got := text.Translate(`column "last_name"`); got != `column "last_name"` {
		t.Error(got)
	}
	if table, column := text.LogicalNames("public", "individual", "last_name"); table != "individual" || column != "last_name" {
		t.Error(table, column)
	}
}
