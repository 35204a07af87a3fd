package rewrite

import (
	"context"
	"errors"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rewrite/wording"
	"github.com/seguedb/segue/rules"
)

// A table as a version sees it, and as the database has it. Each statement goes to both, and must do the same.
const (
	mappedClient = `
CREATE TABLE account (id int PRIMARY KEY, amount numeric(12,2), full_name text, code varchar(8), tag text COLLATE "C", open bool, lang text,
  owner int, parts int[]);
INSERT INTO account VALUES (1, 10.50, 'Ada Lovelace', '00000042', 'b', true, 'en', 1, '{1,2}'), (2, 0.01, 'Alan Turing', '00000007', 'B', false, 'en', 1, '{3}'),
  (3, NULL, NULL, NULL, NULL, false, 'en', 2, NULL), (4, -3.00, 'Grace Hopper', '00000042', 'a', true, 'en', NULL, '{}'),
  (5, 10.50, 'Edsger Dijkstra', '00000001', 'A', true, 'en', 2, '{9,9,9}');`

	mappedServer = `
CREATE TABLE account (id int PRIMARY KEY, cents int, first text, last text, number int, mark text, status text, owner int, parts text);
INSERT INTO account VALUES (1, 1050, 'Ada', 'Lovelace', 42, 'b', 'open', 1, '1 2'), (2, 1, 'Alan', 'Turing', 7, 'B', NULL, 1, '3'),
  (3, NULL, NULL, NULL, NULL, NULL, 'closed', 2, NULL), (4, -300, 'Grace', 'Hopper', 42, 'a', 'open', NULL, ''),
  (5, 1050, 'Edsger', 'Dijkstra', 1, 'A', 'open', 2, '9 9 9');`

	mappedBoth = `
CREATE TABLE book (id int, cents int, amount numeric, first text, tag text);
INSERT INTO book VALUES (1, 5, 10.5, 'x', 'b'), (2, 6, 0.01, 'y', 'B'), (9, 7, 3, 'z', NULL);
CREATE FUNCTION accounts() RETURNS SETOF account LANGUAGE sql AS 'SELECT * FROM account';
CREATE FUNCTION many(n int, OUT x int, OUT y int) RETURNS SETOF record LANGUAGE sql AS 'SELECT i, i FROM generate_series(1, n) i';
CREATE FUNCTION many(n text) RETURNS int LANGUAGE sql AS 'SELECT 1';`
)

// mappedColumns are the columns of account as the version has them. Those without pieces are plain.
var mappedColumns = []struct {
	name, typ, collation string
	pieces, reads        []string
	total                bool // not NULL where what it reads is
}{
	{name: "id"},
	{name: "amount", typ: "pg_catalog.numeric(12,2)", pieces: []string{"", "::pg_catalog.numeric OPERATOR(pg_catalog./) 100"}, reads: []string{"cents"}},
	{name: "full_name", typ: "pg_catalog.text", pieces: []string{"", " OPERATOR(pg_catalog.||) ' ' OPERATOR(pg_catalog.||) ", ""}, reads: []string{"first", "last"}},
	{name: "code", typ: "pg_catalog.varchar(8)", pieces: []string{"pg_catalog.lpad(", "::pg_catalog.text, 8, '0')"}, reads: []string{"number"}},
	{name: "tag", typ: "pg_catalog.text", collation: `pg_catalog."C"`, pieces: []string{"", ""}, reads: []string{"mark"}},
	{name: "open", typ: "pg_catalog.bool", pieces: []string{"", " IS NOT DISTINCT FROM 'open'"}, reads: []string{"status"}, total: true},
	{name: "lang", typ: "pg_catalog.text", pieces: []string{"'en'"}, total: true},
	{name: "owner"},
	{name: "parts", typ: "pg_catalog.int4[]", pieces: []string{"pg_catalog.string_to_array(", ", ' ')"}, reads: []string{"parts"}},
}

// mappedLens makes the lens of account from what the two databases have.
func mappedLens(logical, physical *catalog.Catalog) *rules.Lens {
	l, p := logical.Lookup("public", "account"), physical.Lookup("public", "account")
	t := &rules.TableLens{OID: p.OID, Schema: "public", Logical: "account", Physical: "account"}
	for _, m := range mappedColumns {
		if m.pieces == nil {
			t.Columns = append(t.Columns, rules.ColumnLens{Logical: m.name, Physical: m.name, Num: p.Column(m.name).Num})
			continue
		}
		of := l.Column(m.name)
		e := &rules.Expression{Pieces: m.pieces, Type: of.Type, Typmod: of.Typmod, TypeName: m.typ, Collation: m.collation, NullOfNull: !m.total}
		for _, name := range m.reads {
			e.Columns = append(e.Columns, rules.PhysicalColumn{Name: name, Num: p.Column(name).Num})
		}
		t.Columns = append(t.Columns, rules.ColumnLens{Logical: m.name, Mapping: &rules.Mapping{Read: e}})
	}
	return rules.NewLens("v", []*rules.TableLens{t, markedLens(physical)})
}

// A mappedWorld is a database as the version has it, one as it is, and the lens between them.
type mappedWorld struct {
	client, server *pgx.Conn
	binder         *Binder
	session        *Session
}

func newMappedWorld(t testing.TB) *mappedWorld {
	t.Helper()
	ctx := context.Background()
	w := &mappedWorld{}
	connect := func(schema string) (*pgx.Conn, *catalog.Catalog) {
		url := pgtest.Database(t)
		pgtest.Exec(t, url, schema+mappedBoth+markedBoth)
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(ctx) })
		cat, err := catalog.Load(ctx, conn)
		if err != nil {
			t.Fatal(err)
		}
		return conn, cat
	}
	var logical, physical *catalog.Catalog
	w.client, logical = connect(mappedClient + markedClient)
	w.server, physical = connect(mappedServer + markedServer)
	w.binder = NewBinder(&rules.Snapshot{
		Lenses: map[string]*rules.Lens{"v": mappedLens(logical, physical)}, Catalog: physical,
		Migrations: []*rules.Migration{{ID: "v", Phase: rules.Active}},
	}, Options{})
	w.session = &Session{Version: "v", StandardStrings: true, Overlay: map[rules.Name]*catalog.Relation{}, SearchPath: []string{"pg_catalog", "public"}}
	return w
}

func (w *mappedWorld) rewrite(t testing.TB, sql string) *Text {
	t.Helper()
	return rewrittenOn(t, w.binder, w.session, w.server, sql)
}

// A mappedOutcome is what a client sees of a statement.
type mappedOutcome struct {
	Labels, Rows, Tags []string
	Types              []int64 // OID and modifier of each column
	Code, Message      string
	Table              []string // what is in account afterwards, as the version sees it
}

// outcomeOf executes a text in a transaction that is rolled back. account is the query for the content of the table.
func (w *mappedWorld) outcomeOf(t testing.TB, conn *pgx.Conn, sql, account string) (o mappedOutcome, results []*pgconn.Result) {
	t.Helper()
	ctx := context.Background()
	if _, err := conn.Exec(ctx, "BEGIN"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	}()
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	if pgErr := (*pgconn.PgError)(nil); errors.As(err, &pgErr) {
		o.Code, o.Message = pgErr.Code, pgErr.Message
		return o, results
	} else if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		o.Tags = append(o.Tags, r.CommandTag.String())
		for _, f := range r.FieldDescriptions {
			o.Labels = append(o.Labels, f.Name)
			o.Types = append(o.Types, int64(f.DataTypeOID), int64(f.TypeModifier))
		}
		for _, row := range r.Rows {
			o.Rows = append(o.Rows, joined(row))
		}
	}
	after, err := conn.PgConn().Exec(ctx, account).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range after[0].Rows {
		o.Table = append(o.Table, joined(row))
	}
	return o, results
}

func joined(row [][]byte) string {
	var out []string
	for _, v := range row {
		if v == nil {
			out = append(out, "NULL")
		} else {
			out = append(out, "<"+string(v)+">")
		}
	}
	return strings.Join(out, " ")
}

const allAccounts = `SELECT * FROM account ORDER BY id`

// same executes a statement in both databases and compares. It tells whether it is rewritten, and not refused.
func (w *mappedWorld) same(t testing.TB, sql string) (refused *Error) {
	t.Helper()
	return w.sameAfter(t, sql, allAccounts)
}

// sameAfter is same with another query for what is in the tables afterwards.
func (w *mappedWorld) sameAfter(t testing.TB, sql, after string) (refused *Error) {
	t.Helper()
	text := w.rewrite(t, sql)
	for _, s := range text.Statements {
		if s.Failure != nil {
			return s.Failure
		}
	}
	want, _ := w.outcomeOf(t, w.client, sql, after)
	got, results := w.outcomeOf(t, w.server, text.SQL, w.rewrite(t, after).SQL)
	if want.Code != "" && got.Code == want.Code {
		r := &wording.Report{Code: got.Code, Message: got.Message}
		text.Reword(r)
		got.Message = r.Message
	}
	if !ordered(sql) {
		sort.Strings(want.Rows)
		sort.Strings(got.Rows)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n=> %s\nbehaves otherwise (-the version's database +rewritten):\n%s", sql, text.SQL, diff)
	}
	for i, s := range text.Statements {
		if s.Columns == nil || i >= len(results) || len(results[i].Rows) == 0 {
			continue
		}
		for k, f := range results[i].FieldDescriptions {
			if c := s.Columns[k]; c.Label != f.Name || c.Known && (c.Table != catalog.OID(f.TableOID) || c.Num != int16(f.TableAttributeNumber)) {
				t.Errorf("%s\n=> %s\npredicts %v where the server has %+v", sql, text.SQL, c, f)
			}
		}
	}
	return nil
}

var mappedReading = []string{
	`SELECT amount FROM account`,
	`SELECT id, amount AS a, "amount" FROM account ORDER BY amount, id`,
	`SELECT amount, full_name, code, tag, open, lang, parts FROM account ORDER BY 1, 2`,
	`SELECT * FROM account ORDER BY id`,
	`SELECT account.* FROM account ORDER BY id`,
	`SELECT a.*, b.* FROM account a, book b WHERE a.id = b.id`,
	`SELECT *, amount FROM public.account`,
	`SELECT public.account.amount, public.account.* FROM public.account`,
	`TABLE account`,
	`TABLE account ORDER BY full_name`,
	`SELECT amount FROM account WHERE amount > 1 AND NOT open`,
	`SELECT amount * 2, -amount, amount::int, amount::text, (amount), amount + amount AS amount FROM account`,
	`SELECT amount::int, full_name COLLATE "C", CASE WHEN open THEN code ELSE full_name END, coalesce(amount, 0) FROM account`,
	`SELECT CASE WHEN open THEN 0 ELSE amount END FROM account`,
	`SELECT amount FROM account ORDER BY account.amount DESC NULLS LAST, id`,
	`SELECT amount AS x FROM account ORDER BY amount + 0 USING >, id`,
	`SELECT -amount AS amount FROM account ORDER BY amount, id`,
	`SELECT full_name FROM account ORDER BY tag, id`,
	`SELECT tag FROM account WHERE tag > 'B' ORDER BY tag`,
	`SELECT tag, tag < 'a' FROM account`,
	`SELECT max(tag), min(tag) FROM account`,
	`SELECT pg_collation_for(tag), pg_typeof(amount), pg_typeof(code), pg_typeof(parts) FROM account`,
	`SELECT a.tag FROM account a JOIN book b ON a.tag = b.tag`,
	`SELECT amount, count(*) FROM account GROUP BY amount`,
	`SELECT amount, count(*) FROM account GROUP BY 1 HAVING amount > 0 OR count(*) > 1`,
	`SELECT account.amount + 1 FROM account GROUP BY amount`,
	`SELECT upper(full_name) AS full_name, count(*) FROM account GROUP BY full_name`,
	`SELECT id, amount, code FROM account GROUP BY id`,
	`SELECT amount, code, count(*), grouping(amount, code) FROM account GROUP BY ROLLUP (amount, code)`,
	`SELECT amount + 1 AS b, code FROM account GROUP BY GROUPING SETS ((amount), (code), ())`,
	`SELECT code AS amount FROM account GROUP BY code`,
	`SELECT amount AS cents, count(*) FROM account GROUP BY cents ORDER BY cents`,
	`SELECT (a).id, a.amount FROM account a`,
	`SELECT id FROM account WHERE (id, amount) IN (SELECT id, amount FROM book) OR id IN (SELECT x.id FROM (SELECT * FROM account) x)`,
	`SELECT lang, count(*) FROM account GROUP BY lang ORDER BY lang`,
	`SELECT a.amount FROM account a GROUP BY a.amount ORDER BY a.amount`,
	`SELECT sum(amount), avg(amount), count(DISTINCT amount), array_agg(code ORDER BY amount, id) FILTER (WHERE open) FROM account`,
	`SELECT string_agg(full_name, ', ' ORDER BY tag) FROM account`,
	`SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY amount) FROM account`,
	`SELECT DISTINCT amount FROM account ORDER BY amount`,
	`SELECT DISTINCT a.amount AS x FROM account a ORDER BY a.amount`,
	`SELECT DISTINCT ON (amount) amount, id FROM account ORDER BY amount, id`,
	`SELECT id, sum(amount) OVER (PARTITION BY owner ORDER BY id) FROM account`,
	`SELECT id, rank() OVER w FROM account WINDOW w AS (PARTITION BY open ORDER BY amount NULLS FIRST)`,
	`SELECT amount FROM account UNION SELECT amount FROM book`,
	`SELECT amount FROM account UNION ALL SELECT 1 ORDER BY amount`,
	`SELECT code FROM account INTERSECT SELECT code FROM account WHERE open`,
	`SELECT tag FROM account EXCEPT SELECT tag FROM book`,
	`VALUES (1, 2), ((SELECT max(amount) FROM account), 3)`,
	`SELECT x.amount FROM (SELECT amount FROM account) x WHERE x.amount > 0`,
	`SELECT x.* FROM (SELECT * FROM account) x ORDER BY amount, id`,
	`SELECT x.b FROM (SELECT id, amount FROM account) AS x (a, b)`,
	`WITH x AS (SELECT * FROM account), y (n) AS (SELECT full_name FROM x) SELECT n, amount FROM y JOIN x ON n = full_name`,
	`WITH RECURSIVE r AS (SELECT id, amount FROM account WHERE id = 1 UNION ALL SELECT a.id, a.amount FROM account a, r WHERE a.id = r.id + 1) SELECT * FROM r`,
	`SELECT (SELECT amount) FROM account`,
	`SELECT (SELECT max(b.amount) FROM book b WHERE b.amount < a.amount) FROM account a`,
	`SELECT id FROM account WHERE amount IN (SELECT amount FROM book)`,
	`SELECT id FROM book b WHERE EXISTS (SELECT FROM account a WHERE a.amount = b.amount)`,
	`SELECT id FROM account WHERE (amount, code) = (10.5, '00000042')`,
	`SELECT id FROM account WHERE amount = ANY (ARRAY[10.5, 0.01]) OR amount BETWEEN -5 AND 0 OR amount IS NULL`,
	`SELECT ROW(amount, code), ARRAY[amount] FROM account`,
	`SELECT parts[1], parts[1:2], account.parts[2], cardinality(parts) FROM account`,
	`SELECT unnest(parts), id FROM account`,
	`SELECT a.id, n FROM account a, unnest(a.parts) n`,
	`SELECT a.id, x.m FROM account a CROSS JOIN LATERAL (SELECT a.amount * 2 AS m) x`,
	`SELECT a.amount, b.amount FROM account a JOIN book b ON a.amount = b.amount`,
	`SELECT a.amount, cents FROM account a JOIN book b ON a.amount = b.amount`,
	`SELECT full_name, first FROM account JOIN book USING (id)`,
	`SELECT * FROM account JOIN book USING (id) ORDER BY id`,
	`SELECT id, full_name FROM account NATURAL JOIN (SELECT id, first FROM book) b`,
	`SELECT id, full_name, cents FROM account NATURAL JOIN (SELECT id, cents FROM book) b`,
	`SELECT j.full_name, j.amount FROM (account a JOIN (SELECT id AS i FROM book) b ON a.id = b.i) AS j`,
	`SELECT a.amount, b.id FROM book b LEFT JOIN account a ON a.amount = b.amount`,
	`SELECT a.amount, a.full_name, b.id FROM account a RIGHT JOIN book b ON a.id = b.id`,
	`SELECT a.amount, a.parts, b.id FROM account a FULL JOIN book b ON a.id = b.id AND a.open`,
	`SELECT b.id, a.open FROM account a LEFT JOIN book b ON a.open AND a.id = b.id`,
	`SELECT b.id FROM book b LEFT JOIN account a ON a.id = b.id AND a.open AND a.lang = 'en'`,
	`SELECT b.id, a.open FROM book b LEFT JOIN account a ON a.id = b.id`,
	`SELECT b.id, a.* FROM account a FULL JOIN book b ON a.id = b.id`,
	`SELECT a.lang, a.open, count(*) FROM account a RIGHT JOIN book b ON a.id = b.id GROUP BY a.open, a.lang ORDER BY a.open`,
	`SELECT b.id FROM book b LEFT JOIN account a ON a.id = b.id WHERE a.lang IS NULL`,
	`SELECT b.id, a.open FROM (book b LEFT JOIN account a ON a.id = b.id) JOIN account c ON a.open = c.open`,
	`SELECT b.id, x.* FROM book b LEFT JOIN (SELECT id, open FROM account) x ON x.id = b.id`,
	`SELECT a.amount, c.amount FROM account a JOIN account c ON a.owner = c.owner AND a.amount < c.amount`,
	`SELECT amount FROM accounts()`,
	`SELECT f.amount, f.id, f.full_name FROM accounts() f ORDER BY id`,
	`SELECT (SELECT max(a.lang) FROM book) FROM account a`,
	`SELECT (SELECT count(a.lang) FROM book WHERE book.id = max(a.id)) FROM account a`,
	`SELECT (SELECT sum(a.amount) FROM book) FROM account a`,
	`SELECT count(lang), count(DISTINCT lang), max(lang) FROM account WHERE false`,
	`SELECT json_agg(x ORDER BY id) FROM (SELECT * FROM account) x`,
	`SELECT row_to_json(x), x.amount, (x).code FROM (SELECT amount, code FROM account) x`,
	`SELECT count(a), count(*) FROM account a`,
	`SELECT amount FROM account WHERE id = 1 FOR UPDATE`,
	`SELECT amount FROM account LIMIT (SELECT max(amount) FROM account)::int OFFSET 1 - 1`,
	`SELECT amount FROM account TABLESAMPLE BERNOULLI (100)`,
	`SELECT amount FROM ONLY account`,
	`SELECT xmlforest(amount, code AS c) FROM account WHERE id = 1`,
	`SELECT xmlelement(name x, xmlattributes(amount)) FROM account WHERE id = 1`,
	`SELECT json_build_object('amount', amount) FROM account`,
	`SELECT extract(epoch FROM make_interval(secs => amount::float8)) FROM account`,
	`SELECT "amount", /* of */ account . amount -- here
	 FROM account`,
	`COPY account TO STDOUT`,
	`COPY account TO STDOUT WITH (FORMAT csv, HEADER)`,
	`COPY account (id, amount) TO STDOUT WITH (FORMAT csv, FORCE_QUOTE (amount))`,
	`COPY (SELECT amount FROM account) TO STDOUT`,
	`DECLARE c CURSOR FOR SELECT amount FROM account ORDER BY amount, id; FETCH 2 FROM c`,
	`PREPARE p (numeric) AS SELECT id FROM account WHERE amount = $1; EXECUTE p (10.5); DEALLOCATE p`,
	`CREATE TEMP TABLE copied AS SELECT * FROM account; SELECT * FROM copied ORDER BY id`,
	`SELECT id, amount INTO TEMP copied FROM account; SELECT amount FROM copied ORDER BY id`,
	`INSERT INTO book SELECT id, id, amount, full_name FROM account RETURNING *`,
	`UPDATE book b SET amount = a.amount + 1 FROM account a WHERE a.id = b.id AND a.open RETURNING b.*, a.amount`,
	`DELETE FROM account WHERE amount < 0 RETURNING *`,
	`DELETE FROM account a USING book b WHERE a.amount = b.amount RETURNING a.full_name, b.id`,
	`UPDATE account SET owner = amount WHERE open RETURNING id, owner, amount, code`,
	`UPDATE account SET (owner, id) = (SELECT round(amount), id + 10) WHERE id = 1 RETURNING *`,
	`DELETE FROM account WHERE id = (SELECT max(id) FROM account WHERE amount > 0) RETURNING amount AS gone`,
	`MERGE INTO book b USING account a ON a.id = b.id WHEN MATCHED AND a.open THEN UPDATE SET amount = a.amount WHEN NOT MATCHED THEN INSERT (id, amount) VALUES (a.id, a.amount)`,
}

func TestAComputedColumnIsReadAsIfItWereThere(t *testing.T) {
	t.Parallel()
	w := newMappedWorld(t)
	for _, sql := range mappedReading {
		if f := w.same(t, sql); f != nil {
			t.Errorf("%s\nis refused: %v (%s)", sql, f, f.Node)
		}
	}
}

// Statements that fail in the version's database, with the same words.
var mappedFailing = []string{
	`SELECT cents FROM account`,
	`SELECT a.first FROM account a`,
	`SELECT mark FROM account JOIN book USING (id)`,
	`SELECT amount FROM account, book`,
	`SELECT amount, code FROM account GROUP BY code`,
	`SELECT id FROM account WHERE amount`,
	`SELECT amount || open FROM account`,
	`SELECT 1 / (amount - amount) FROM account WHERE id = 1`,
	`INSERT INTO account (cents) VALUES (1)`,
	`UPDATE account SET first = 'x'`,
}

func TestAStatementThatFailsOnAComputedColumnFailsInTheVersionsWords(t *testing.T) {
	t.Parallel()
	w := newMappedWorld(t)
	for _, sql := range mappedFailing {
		want := failureOf(t, w.client, sql)
		text := w.rewrite(t, sql)
		got := failureOf(t, w.server, text.SQL)
		r := &wording.Report{Code: got.Code, Routine: got.Routine, Message: got.Message, Schema: got.SchemaName, Table: got.TableName, Column: got.ColumnName}
		text.Reword(r)
		code, message, position := r.Code, r.Message, text.ClientPosition(int(got.Position))
		if e := text.FailureAt(got.Code, got.Message, int(got.Position)); e != nil {
			code, message, position = e.Code, e.Message, e.Position
		}
		if want.Code == "" || code != want.Code || message != want.Message || position != int(want.Position) {
			t.Errorf("%s\n=> %s\nfails with %s %q at %d, in the version's database with %s %q at %d", sql, text.SQL,
				code, message, position, want.Code, want.Message, want.Position)
		}
	}
}

func TestAColumnThatIsReadAsAConstantIsNoConstantBesideAnAggregate(t *testing.T) {
	t.Parallel()
	w := newMappedWorld(t)
	text := w.rewrite(t, `SELECT lang, count(*) FROM account`)
	if got := failureOf(t, w.server, text.SQL); got.Code != "42803" {
		t.Errorf("%s\nfails with %q, want 42803", text.SQL, got.Code)
	}
}

// Statements that can only take the name of a column.
var mappedRefused = []string{
	`SELECT * FROM account JOIN book USING (amount)`,
	`SELECT * FROM account NATURAL JOIN book`,
	`SELECT account FROM account`,
	`SELECT to_json(a) FROM account a`,
	`SELECT (a).amount FROM account a`,
	`SELECT (a).* FROM account a`,
	`SELECT amount(a) FROM account a`,
	`SELECT a FROM account a WHERE a IS NULL`,
	`SELECT a.id FROM account AS a (x, y)`,
	`SELECT j.open FROM (book b LEFT JOIN account a ON a.id = b.id) AS j`,
	`SELECT a.open FROM book b LEFT JOIN accounts() a ON a.id = b.id`,
	`SELECT lang FROM accounts()`,
	`SELECT (SELECT amount FROM many(NULL)) FROM account`,
	`SELECT table_to_xml('account', true, true, '')`,
	`SELECT * FROM pg_attribute`,
	`SELECT column_name FROM information_schema.columns WHERE table_name = 'account'`,
	`SELECT pg_get_serial_sequence('account', 'amount')`,
	`INSERT INTO account (amount) VALUES (1)`,
	`INSERT INTO account (id) VALUES (8)`,
	`INSERT INTO account DEFAULT VALUES`,
	`MERGE INTO account a USING book b ON a.id = b.id WHEN NOT MATCHED THEN INSERT (id) VALUES (b.id)`,
	`COPY account (id) FROM STDIN`,
	`INSERT INTO account VALUES (9, 1)`,
	`INSERT INTO account SELECT 9, 1`,
	`INSERT INTO account (id) VALUES (9) ON CONFLICT (amount) DO NOTHING`,
	`INSERT INTO account (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET amount = excluded.amount`,
	`UPDATE account SET amount = 1`,
	`UPDATE account SET (id, amount) = (1, 2)`,
	`UPDATE account SET parts[1] = 2`,
	`MERGE INTO account a USING book b ON a.id = b.id WHEN MATCHED THEN UPDATE SET amount = b.amount`,
	`MERGE INTO account a USING book b ON a.id = b.id WHEN NOT MATCHED THEN INSERT VALUES (b.id, b.amount)`,
	`COPY account FROM STDIN`,
	`COPY account (id, amount) FROM STDIN`,
	`CREATE INDEX ON account (amount)`,
	`CREATE INDEX ON account ((amount + 1))`,
	`CREATE INDEX ON account (id) WHERE open`,
	`CREATE INDEX ON account (id) INCLUDE (amount)`,
	`CREATE STATISTICS s ON id, amount FROM account`,
	`CREATE STATISTICS s ON (amount + 1), id FROM account`,
	`CREATE VIEW v AS SELECT amount FROM account`,
	`CREATE VIEW v AS SELECT * FROM account`,
	`CREATE MATERIALIZED VIEW v AS SELECT amount FROM account`,
	`CREATE TABLE c (LIKE account)`,
	`CREATE TABLE c () INHERITS (account)`,
	`CREATE TABLE c PARTITION OF account DEFAULT`,
	`CREATE FUNCTION f() RETURNS numeric LANGUAGE sql AS 'SELECT amount FROM account'`,
	`CREATE FUNCTION f() RETURNS numeric LANGUAGE sql BEGIN ATOMIC SELECT amount FROM account; END`,
	`CREATE FUNCTION f() RETURNS numeric LANGUAGE plpgsql AS 'DECLARE x account.amount%TYPE; BEGIN SELECT amount INTO x FROM account; RETURN x; END'`,
	`CREATE FUNCTION f(account.amount%TYPE) RETURNS int LANGUAGE sql AS 'SELECT 1'`,
	`DO $$ DECLARE x numeric; BEGIN SELECT amount INTO x FROM account; END $$`,
	`CREATE POLICY p ON account USING (open)`,
	`CREATE RULE r AS ON UPDATE TO account WHERE old.open DO ALSO NOTHING`,
	`CREATE TRIGGER g BEFORE UPDATE OF amount ON account FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
	`CREATE TRIGGER g BEFORE UPDATE ON account FOR EACH ROW WHEN (old.amount > 1) EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
	`CREATE TRIGGER g BEFORE UPDATE ON account FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger('full_name', 'pg_catalog.simple', 'lang')`,
	`ALTER TABLE account ADD COLUMN amount int`,
	`ALTER TABLE account ADD COLUMN cents int`,
	`ALTER TABLE account DROP COLUMN amount`,
	`ALTER TABLE account ALTER amount SET DEFAULT 1`,
	`ALTER TABLE account ALTER amount SET NOT NULL`,
	`ALTER TABLE account ADD CHECK (amount > 0)`,
	`ALTER TABLE account ADD UNIQUE (amount)`,
	`ALTER TABLE book ADD FOREIGN KEY (amount) REFERENCES account (amount)`,
	`ALTER TABLE account RENAME COLUMN amount TO money`,
	`ALTER TABLE account RENAME COLUMN owner TO cents`,
	`COMMENT ON COLUMN account.amount IS 'x'`,
	`GRANT SELECT (amount) ON account TO public`,
	`ANALYZE account (amount)`,
}

func TestWhatCanOnlyTakeANameIsRefusedAComputedColumn(t *testing.T) {
	t.Parallel()
	w := newMappedWorld(t)
	for _, sql := range mappedRefused {
		text := w.rewrite(t, sql)
		if !slices.ContainsFunc(text.Statements, func(s Statement) bool {
			return s.Failure != nil && s.Failure.Code == codeRefused && s.Failure.Node != "unproven"
		}) {
			t.Errorf("%s\n=> %s\nis not refused: %v", sql, text.SQL, text.Statements[0].Failure)
		}
	}
}

func TestWhatAColumnIsComputedFromStaysInEveryVersion(t *testing.T) {
	t.Parallel()
	w := newMappedWorld(t)
	snap := *w.binder.Snapshot()
	base := &rules.TableLens{OID: snap.Catalog.Lookup("public", "account").OID, Schema: "public", Logical: "account", Physical: "account", Identity: true}
	for _, c := range snap.Catalog.Relation(base.OID).Columns {
		base.Columns = append(base.Columns, rules.ColumnLens{Logical: c.Name, Physical: c.Name, Num: c.Num})
	}
	snap.Lenses = map[string]*rules.Lens{"v": snap.Lenses["v"], rules.Base: rules.NewLens(rules.Base, []*rules.TableLens{base})}
	w.binder = NewBinder(&snap, Options{})
	w.session.Version = rules.Base
	for _, sql := range []string{
		`ALTER TABLE account DROP COLUMN cents`,
		`ALTER TABLE account ALTER first TYPE varchar`,
		`ALTER TABLE account RENAME COLUMN status TO state`,
		`ALTER TABLE account ADD COLUMN amount int`,
		`ALTER TABLE account RENAME COLUMN owner TO code`,
		`DROP TABLE account`,
	} {
		if f := w.rewrite(t, sql).Statements[0].Failure; f == nil || f.Code != codeRefused {
			t.Errorf("%s\nis not refused: %v", sql, f)
		}
	}
	for _, sql := range []string{`SELECT cents, first FROM account`, `UPDATE account SET cents = 1`, `INSERT INTO account (id, first) VALUES (9, 'x')`, `COPY account FROM STDIN`} {
		if text := w.rewrite(t, sql); text.SQL != sql || text.Statements[0].Failure != nil {
			t.Errorf("%s\n=> %s\nis changed: %v", sql, text.SQL, text.Statements[0].Failure)
		}
	}
}
