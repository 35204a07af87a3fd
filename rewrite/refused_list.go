package rewrite

import (
	"strings"

	"github.com/seguedb/segue/internal/srcpos"
)

//go:generate go run ../internal/refusedpage ../docs/refused.md

// A Refusal is one entry of the published list of what is refused: every 0A000, 54000 and 54001 that the rewriter raises belongs to one.
// What, Why and Instead are Markdown, phrases without a full stop.
type Refusal struct {
	What    string // the construct, with an example
	Why     string
	Instead string // what to write or do; it is part of the error's hint, too
	Defect  bool   // it is about Segue itself, and should never be met
}

// A refusal is the number of an entry. That it is a type of its own keeps anything from being refused that is not listed.
type refusal byte

const (
	refusedRow refusal = iota
	refusedRowType
	refusedJoin
	refusedPosition
	refusedHeader
	refusedDoubt
	refusedString
	refusedBody
	refusedStar
	refusedTrigger
	refusedComputedName
	refusedMoving
	refusedLookedUp
	refusedTakenName
	refusedCopy
	refusedSharedList
	refusedCatalog
	refusedMapped
	refusedConstruct
	refusedSyntax
	refusedUnreadBody
	refusedDepth
	refusedLong
	refusedLarge
	refusedMemory
	refusedBackslash
	refusedSeries
	refusedNew
	refusedEncoding
	refusedUnpinned
	refusedUnproven
	refusals // their number
)

// refusalList is in the order in which the page shows it.
var refusalList = [refusals]Refusal{
	refusedRow: {
		What: "A row as one value where the names of its fields may show and cannot be changed: in functions that take any type and are not known (`my_json(p)`), `jsonb_populate_record(p, …)`, `p #= hstore`, `to_json` of an array of rows that is not made on the spot; and, where the version's columns are in another order than the database's, or not all of them, everywhere but in `to_json(p)` and the like, `(p).surname`, `(p).*` and `count(p)`",
		Why:  "the names would be those of the database", Instead: "list the columns",
	},
	refusedRowType: {
		What: "Its row type where rows are made by the names of their fields: `jsonb_populate_record(NULL::person, …)`, `json_to_record(…) AS (member person)`; its array type by a name of its own: `_person`",
		Why:  "the same", Instead: "list the columns",
	},
	refusedJoin: {
		What: "`JOIN … USING` and `NATURAL JOIN` that merge columns whose names differ in the database, with a function in `FROM` that cannot be given a list of column aliases: `ROWS FROM (people(), …)`, `people() WITH ORDINALITY`",
		Why:  "which columns match depends on the names", Instead: "write the join with `ON`",
	},
	refusedPosition: {
		What: "`INSERT`, `COPY` or a list of column aliases by position, where the version's columns are in another order than the database's",
		Why:  "the values would end up in other columns", Instead: "list the columns",
	},
	refusedHeader: {
		What: "`COPY person FROM … HEADER MATCH`",
		Why:  "the server compares the header with the names in the database", Instead: "use `HEADER`",
	},
	refusedDoubt: {
		What: "A name that could mean something else in the database, and cannot be qualified so that it does not",
		Why:  "it would be read as another column", Instead: "qualify the name, or use an alias",
	},
	refusedString: {
		What: "SQL in a string that names it: text that a function computes and executes (`EXECUTE 'DELETE FROM person' || c`), and any such text in a `DO` that reads the system catalogs, where names are those of the version; bodies in other languages than SQL and PL/pgSQL, `dblink`, arguments of triggers; `query_to_xml`, `ts_stat` and `ts_rewrite` where it is no plain constant with a query, or in a view; `table_to_xml` likewise, and where the table has a column of type `xml`; `schema_to_xml` and `database_to_xml`",
		Why:  "what will run is not known", Instead: "write the statement out, or do it before or after the migration",
	},
	refusedBody: {
		What: "In the body of a function in PL/pgSQL, and in `DO`: a field that may be a column under migration, where it is not known of which table it is: of a record that is filled by a text that is computed; a name that this version does not have; `SET search_path`. In any body that is kept as text: a column that has a hidden name until contract, because it takes the name of the one that it replaces",
		Why:  "what it means is only known when it runs", Instead: "use `BEGIN ATOMIC` where that can be, or make the function before or after the migration",
	},
	refusedStar: {
		What: "In the body of a function: a star that names what has other names in the database, where no alias list can be given: `UPDATE person … RETURNING * INTO r` where `r` is a `record`; a row whose fields are shown and hold other rows of such a table",
		Why:  "the columns that the table has now would be written in its place, without those that are added later", Instead: "list the columns, or declare the variable with the row type of the table",
	},
	refusedTrigger: {
		What: "`CREATE TRIGGER … ON person EXECUTE FUNCTION f()` where the body of `f` in PL/pgSQL has `NEW.surname` in the names of this version and not of the database, since it was made before the migration or past Segue",
		Why:  "every write to the table would fail", Instead: "make the function again through Segue, in this version: `CREATE OR REPLACE FUNCTION`",
	},
	refusedComputedName: {
		What: "A name that is computed or hidden in a string: `'f(person)'::regprocedure`; `EXECUTE p('person')` of a `PREPARE p (regclass)`, and the value `person` in a Bind for a parameter to which Parse gave that type; in a session without a version `has_table_privilege('per' || 'son', 'SELECT')`, too",
		Why:  "what it names is not known", Instead: "write a plain constant",
	},
	refusedMoving: {
		What: "`DROP`, `RENAME` and `SET SCHEMA` of a table under migration, `DROP` and `RENAME` of its schema, and `CREATE RULE … ON SELECT`, which makes a view of it; `DROP` and `RENAME` of a migrating column, and `TYPE` with another type than it has. While columns are changed, also `DEFAULT` and `NOT NULL` of either side, in a new partition too, a new trigger `BEFORE` each row of the table, and `DISABLE TRIGGER ALL` and `USER`. In **every** version, also in that whose names are the database's",
		Why:  "the other version would lose what it was written for", Instead: "contract the migration or roll it back first",
	},
	refusedLookedUp: {
		What: "`DROP`, `RENAME` and `SET SCHEMA` of a table in which a change of columns looks values up (`reads`), and `DROP` and `RENAME` of its schema; `DROP`, `RENAME` and `TYPE` of a column of it that is read; `DISABLE TRIGGER ALL` and `USER`, `ENABLE ROW LEVEL SECURITY`, `INHERIT` and `ATTACH PARTITION` there",
		Why:  "writes of the table whose columns are changed would fail, or rows be left behind", Instead: "purge the migration or roll it back first",
	},
	refusedTakenName: {
		What: "A new table, view, type or column whose name a table or column under migration has in another version or in the database, and `IMPORT FOREIGN SCHEMA` of all that may have such a name. In **every** version",
		Why:  "the two could not be told apart", Instead: "choose another name, or contract the migration first",
	},
	refusedCopy: {
		What: "`CREATE TABLE … (LIKE person)`, `INHERITS (person, book)` where both have a column of that name, `CREATE TEMP TABLE … INHERITS (person)`, `ALTER TABLE … INHERIT person`, `ALTER TABLE person OF …`, `ATTACH` and `DETACH PARTITION`, where the columns' names differ in the database",
		Why:  "the other table has, or would be left with, the names in the database", Instead: "list the columns, or do it before or after the migration",
	},
	refusedSharedList: {
		What: "One list of columns for several tables, where a column has different names in the database: `GRANT SELECT (surname) ON person, book`",
		Why:  "one list cannot have both", Instead: "write a statement for each table",
	},
	refusedCatalog: {
		What: "`UPDATE`, `COPY`, `FOR UPDATE` and `TABLESAMPLE` on what of the system catalogs shows the table's names, where they differ in the database; functions in `FROM` that print such names, with `WITH ORDINALITY`, `ROWS FROM` or a list of columns",
		Why:  "the catalogs are read through a query that shows the version's names", Instead: "use a plain `SELECT`, or turn the mapping of the catalogs off",
	},
	refusedMapped: {
		What: "A column that this version computes from others in the database, where a statement can only take a name, or that it writes together with others, where a statement cannot set those: `INSERT`, `SET`, `COPY … FROM`, `ON CONFLICT (amount)`, `JOIN … USING (amount)` and `NATURAL JOIN`, indexes, keys, foreign keys and statistics on it, `GRANT SELECT (amount)`, `COMMENT ON COLUMN`, `%TYPE`, arguments of triggers, `amount(t)` and `(t).amount`; views, functions and whatever else is kept in the database and reads it; the side of an outer join to which rows are added, where it would not be NULL in them and only the alias of a join can name it; a new row of its table, and in what is kept in the database a new row of a table whose rows say which version has made them; `DEFAULT` for such a column; `COPY … FROM` that leaves out a column whose default only this version has; the system catalogs, where a column is computed",
		Why:  "no name in the database stands for it", Instead: "use the version that has the column in the database, or do it before or after the migration",
	},
	refusedConstruct: {
		What: "Statements and clauses that are on no other line here, such as `ALTER EXTENSION … ADD TABLE`, where they name a table under migration",
		Why:  "they are not followed", Instead: "do it before or after the migration, or past Segue in the names of the database",
	},
	refusedSyntax: {
		What: "A text that cannot be parsed, on a server newer than PostgreSQL 16, and that may name a table under migration: in a version whose names are not the database's, or in a string of several statements",
		Why:  "its grammar may know more than ours", Instead: "use the syntax of PostgreSQL 16",
	},
	refusedUnreadBody: {
		What: "The body of a function in SQL or PL/pgSQL, or of `DO`, that cannot be read, as by syntax newer than that of PostgreSQL 16, and has a word by which the table may be seen, such as the name of a function that returns its rows",
		Why:  "it would run by the names of the database, and its keys and columns could be others", Instead: "use the syntax of PostgreSQL 16, or make it past Segue in the names of the database",
	},
	refusedDepth: {
		What: "Expressions nested some thousand levels deep, such as `1 + 1 + …` (54001)",
		Why:  "the parser's tree does not go that deep", Instead: "split the expression, or use a list or an array",
	},
	refusedLong: {
		What: "A text of more than 500,000 words and signs that names it, or one that takes more than `--bind-cpu` of a processor to bind (54001)",
		Why:  "one statement must not keep others waiting", Instead: "send the values as parameters or by `COPY`, or write several statements",
	},
	refusedLarge: {
		What: "A text of more bytes than `--max-statement-size` (16 MiB) that names it (54000)",
		Why:  "to bind it takes many times its size in memory", Instead: "send the values as parameters or by `COPY`, or write several statements",
	},
	refusedMemory: {
		What: "A text of more than 1 MiB that names it while the texts of others that are being received have taken the memory for them (53200)",
		Why:  "many clients at once must not take the process's memory", Instead: "send it again, or send the values as parameters or by `COPY`",
	},
	refusedBackslash: {
		What: "A backslash in a string while `standard_conforming_strings` is off",
		Why:  "the parser would read another string than the server", Instead: "write `E'…'`, or set `standard_conforming_strings` to on",
	},
	refusedSeries: {
		What: "A string of several statements of which one changes what names mean (`SET search_path`, `CREATE`, `ALTER`, `DROP`) and a later one may use one, with `COPY … FROM STDIN`, or with `PREPARE TRANSACTION` and no `BEGIN`; or with a backslash or a letter beyond ASCII after a change of `client_encoding` or `standard_conforming_strings`; a body that uses what it has altered",
		Why:  "what it means is not known before the first of them has run, and such a string cannot be sent in parts", Instead: "send the statements one by one",
	},
	refusedNew: {
		What: "A function or a type that does not exist, or that another session is making at this moment",
		Why:  "it may show the rows of a table by the time that the statement is executed", Instead: "try again when it has been made",
	},
	refusedEncoding: {
		What: "A text in an unknown encoding, or with bytes that are invalid in it",
		Why:  "the text cannot be read", Instead: "set `client_encoding` to UTF8",
	},
	refusedUnpinned: {
		What: "A session without a version, with `--unpinned refuse`",
		Why:  "it was configured so", Instead: "set `segue.version`",
	},
	refusedUnproven: {
		What: "*The rewrite could not be proved right*: the text after the edits did not parse into the tree that was meant, or the server describes the result otherwise than predicted",
		Why:  "a wrong rewrite must never be sent", Instead: "report the statement: this is a defect of Segue", Defect: true,
	},
}

// Refusals is the list of all that the rewriter refuses.
func Refusals() []Refusal { return append([]Refusal(nil), refusalList[:]...) }

// raise makes the error of a refusal; node names the construct that was met, and position counts as in Error.
func (r refusal) raise(node, message string, position int) *Error {
	return &Error{Code: r.code(), Message: message, Hint: r.hint(), Position: position, Node: node, pos: srcpos.Here()}
}

// code is the SQLSTATE of a refusal.
func (r refusal) code() string {
	switch r {
	case refusedDepth, refusedLong:
		return codeTooComplex
	case refusedLarge:
		return codeTooLarge
	case refusedMemory:
		return codeNoMemory
	}
	return codeRefused
}

// hint says what to do, without the Markdown.
func (r refusal) hint() string {
	hint := strings.ReplaceAll(refusalList[r].Instead, "`", "")
	return strings.ToUpper(hint[:1]) + hint[1:] + "."
}
