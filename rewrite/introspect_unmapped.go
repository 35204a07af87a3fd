package rewrite

import (
	"slices"
	"strings"
)

// unmapped is what prints names of the database besides the columns of catalogs that catalogRelations lists.
var unmapped = []string{
	"`pg_describe_object` in another language than English, and of what is neither a table nor a part of one, `pg_identify_object`, `pg_identify_object_as_address`, `pg_get_object_address`, and `pg_get_viewdef` with a column to wrap lines at",
	"definitions of views, rules, policies and `BEGIN ATOMIC` functions of which it is not certain how they would be printed with the version's names, such as those with an alias that may be the server's or its author's",
	"`regclass`, `regtype` and `regprocedure` values in a row that is printed as a whole (`row_to_json(t)`, `t::text`), in arrays of more than one dimension, where they are assigned to a column of a text type without a cast, and in the variables of stored functions; all others are mapped, and are of type `text` in a result",
	"`pg_get_constraintdef` of a domain with a CHECK over the rows of a table",
	"texts that only the server knows and that become functions, `$1::regprocedure`, or arrays of names in more than one dimension: they are read as they are",
	"of plans, those that a function explains or that are longer than 1 MiB; and in others, names in constants of type `text`, in what foreign data wrappers and extensions print, and of tables that are read through a view while another schema has a table of that name, unless `VERBOSE` prints the schema",
	"the bodies of functions, and queries that run in them",
	"errors as a body in PL/pgSQL sees them, `DO` included: `SQLERRM`, and what `GET STACKED DIAGNOSTICS` gives, such as `COLUMN_NAME`, `TABLE_NAME` and `MESSAGE_TEXT`. A branch that goes by a name in them is not taken where the database has another: go by `SQLSTATE`, or accept both names",
	"`TG_TABLE_NAME`, `TG_RELNAME` and `TG_RELID::regclass` in functions for triggers, and JSON of a whole row (`to_jsonb(NEW)`) in those that have no field of `NEW` or `OLD` under migration: also what they store has these names",
	"the statements of a `DO` in the context of an error or notice (`SQL statement \"…\"`), and its internal query where more than the names differs from what was sent",
	"statements as `pg_stat_activity` shows them, and `pg_prepared_statements` and `pg_cursors` those that were not made by `PREPARE` and `DECLARE`, or within a `DO`: as they were sent to the server",
	"views and functions that build JSON, XML or text from whole rows of the table",
	"what logical decoding sends to subscribers",
	"names that the server makes up from those of tables and columns, where they cannot be given to it: of sequences, and of what partitions get along with the whole table. What a statement makes by itself, as `CREATE INDEX ON person (surname)` does, is called what a database with the version's names would call it. A rename leaves such names as they are",
}

// Unmapped lists what shows the names of the database to every session, as Markdown phrases without a full stop.
func Unmapped() []string {
	var columns []string
	for relation, r := range catalogRelations {
		for _, c := range r.physical {
			columns = append(columns, "`"+strings.TrimPrefix(relation, "pg_catalog.")+"."+c+"`")
		}
	}
	slices.Sort(columns)
	return append([]string{"of the system catalogs " + strings.Join(columns, ", ")}, unmapped...)
}
