//go:build !pg18

// The oracle is the reading of PostgreSQL itself, which only the parser in C has.

package rewrite

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	pg "github.com/pganalyze/pg_query_go/v5"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/plpgsql"
)

// The parser library has PL/pgSQL's own parser. It gives no places and does not know fields of records, but where it
// reads a body, both have to find the same SQL in it.
func TestThePLpgSQLParserFindsTheSQLThatPostgreSQLsFinds(t *testing.T) {
	t.Parallel()
	compared := 0
	for _, sql := range plCorpus() {
		body, ok := plText(t, sql)
		if !ok {
			continue
		}
		read, ok := plpgsql.Read(body)
		printed, err := pg.ParsePlPgSqlToJSON(sql)
		if err != nil {
			continue
		}
		if !ok {
			t.Errorf("%s\nis not read", sql)
			continue
		}
		compared++
		if diff := cmp.Diff(queriesIn(t, printed), plQueries(read, body)); diff != "" {
			t.Errorf("%s\nis read otherwise (-PostgreSQL's parser +ours):\n%s", sql, diff)
		}
	}
	if compared < 30 {
		t.Errorf("only %d bodies could be compared", compared)
	}
}

func plCorpus() []string {
	var out []string
	names := differentialNames["old"]
	for _, s := range bodyStatements {
		out = append(out, inNames(s.create, names))
	}
	for _, s := range refusedBodies {
		out = append(out, inNames(s, names))
	}
	for _, s := range plStatementsOfAllKinds {
		out = append(out, "DO $body$ "+s+" $body$")
	}
	return out
}

// plStatementsOfAllKinds have what the other tests leave out.
var plStatementsOfAllKinds = []string{
	`<<outer>> DECLARE a CONSTANT int NOT NULL DEFAULT 1 + 2; b ALIAS FOR $1; c numeric(10, 2)[] := '{}'; d text COLLATE "C" = 'x'; BEGIN NULL; END outer;`,
	`DECLARE a int; DECLARE b int; BEGIN <<l>> LOOP EXIT l WHEN a > 1; CONTINUE; END LOOP l; END`,
	`DECLARE c NO SCROLL CURSOR FOR SELECT 1; d SCROLL CURSOR (a int, b text) IS SELECT a, b; BEGIN OPEN c; OPEN d(1, b := 'x'); CLOSE c; END`,
	`DECLARE c refcursor; n int; BEGIN OPEN c NO SCROLL FOR SELECT 1; FETCH ABSOLUTE 1 FROM c INTO n; MOVE LAST FROM c; CLOSE c; OPEN c FOR EXECUTE 'SELECT $1' USING n; END`,
	`DECLARE n int; BEGIN EXECUTE 'SELECT 1' || $$ + 1$$ INTO STRICT n USING n, 2; EXECUTE 'SELECT 1' USING 1 INTO n; PERFORM n FROM generate_series(1, 2) n; END`,
	`BEGIN RAISE; RAISE NOTICE 'a % b %', 1 + 1, (SELECT max(x) FROM generate_series(1, 2) x) USING ERRCODE = '22012', HINT := 'h'; RAISE division_by_zero; RAISE SQLSTATE '22012' USING MESSAGE = 'm'; RAISE EXCEPTION USING DETAIL = 'd'; END`,
	`DECLARE n int; s text; BEGIN GET DIAGNOSTICS n = ROW_COUNT; GET CURRENT DIAGNOSTICS n := ROW_COUNT, s = PG_CONTEXT; ASSERT n > 0; ASSERT n > 0, 'm'; COMMIT AND CHAIN; ROLLBACK; END`,
	`DECLARE x int; BEGIN FOREACH x SLICE 0 IN ARRAY ARRAY[1, 2] LOOP NULL; END LOOP; FOR i IN REVERSE 10 .. 1 BY 2 LOOP NULL; END LOOP; FOR i IN 1..2 LOOP NULL; END LOOP; WHILE x < 3 LOOP x := x + 1; END LOOP; END`,
	`DECLARE x int; BEGIN IF x = 1 THEN NULL; ELSEIF x = 2 THEN NULL; ELSIF x = 3 THEN NULL; ELSE NULL; END IF; CASE WHEN x = 1 THEN NULL; WHEN x = 2 THEN NULL; ELSE NULL; END CASE; CASE x WHEN 1, 2 THEN NULL; END CASE; END`,
	`DECLARE loop_ int; exception int; BEGIN exception := 1; SELECT 1 INTO exception; BEGIN NULL; EXCEPTION WHEN OTHERS THEN NULL; WHEN SQLSTATE '22012' OR unique_violation THEN RAISE; END; END`,
	`DECLARE a int[]; b int; BEGIN a[1] := 2; a[b + 1] = (a)[1]; INSERT INTO t SELECT 1 RETURNING x INTO b; IMPORT FOREIGN SCHEMA s FROM SERVER v INTO u; CALL p(1); CREATE TABLE IF NOT EXISTS t (x int); END`,
}

// plText is the body of a statement in PL/pgSQL.
func plText(t *testing.T, sql string) (body string, ok bool) {
	tree, err := ast.Parse(sql)
	if err != nil {
		t.Fatalf("%s\ncannot be parsed: %v", sql, err)
	}
	options := tree.Stmts[0].Stmt.GetCreateFunctionStmt().GetOptions()
	language := ""
	if do := tree.Stmts[0].Stmt.GetDoStmt(); do != nil {
		options, language = do.Args, "plpgsql"
	}
	for _, o := range options {
		switch e := o.GetDefElem(); e.Defname {
		case "language":
			language = ast.StrVal(e.Arg)
		case "as":
			body = ast.StrVal(e.Arg)
			if list := e.Arg.GetList(); list != nil {
				body = ast.StrVal(list.Items[0])
			}
		}
	}
	return body, language == "plpgsql"
}

// plQueries are the texts of SQL in a body; an assignment is one, as for PostgreSQL's parser.
func plQueries(read *plpgsql.Body, body string) []string {
	var out []string
	for i, f := range read.Fragments {
		text := body[f.Start:f.End]
		switch {
		case f.Role == plpgsql.Type || f.Role == plpgsql.Target:
			continue
		case f.Role == plpgsql.Statement:
			text = f.SQL(body)
		case i > 0 && read.Fragments[i-1].Role == plpgsql.Target:
			target := read.Fragments[i-1]
			if sign := strings.TrimSpace(body[target.End:f.Start]); f.Strict && (sign == ":=" || sign == "=") {
				text = body[target.Start:f.End]
			}
		}
		out = append(out, text)
	}
	return comparablePL(out)
}

var (
	oneWord   = regexp.MustCompile(`^\w+$`)
	caseValue = regexp.MustCompile(`^"__Case__Variable_\d+__" IN \((.*)\)$`)
)

// comparablePL sorts texts, with single spaces. PostgreSQL's parser keeps no text of a variable that is returned, and makes a
// comparison of the values of CASE.
func comparablePL(texts []string) []string {
	var out []string
	for _, s := range texts {
		s = caseValue.ReplaceAllString(strings.Join(strings.Fields(s), " "), "$1")
		if !oneWord.MatchString(s) {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}

// queriesIn are those that PostgreSQL's parser prints.
func queriesIn(t *testing.T, printed string) []string {
	var functions any
	if err := json.Unmarshal([]byte(printed), &functions); err != nil {
		t.Fatal(err)
	}
	var out []string
	var visit func(any)
	visit = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				visit(x)
			}
		case map[string]any:
			if e, ok := v["PLpgSQL_expr"].(map[string]any); ok {
				out = append(out, e["query"].(string))
			}
			for _, x := range v {
				visit(x)
			}
		}
	}
	visit(functions)
	return comparablePL(out)
}

// What PL/pgSQL's parser rejects, or what is not followed, is not read, and ends.
func TestWhatIsNoPLpgSQLIsNotRead(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "BEGIN", "END", "BEGIN END; BEGIN END", "BEGIN SELECT 1; END LOOP", "BEGIN IF x THEN END IF; END x y", "SELECT 1", "BEGIN (SELECT 1); END )",
		"BEGIN SELECT (1; END", "BEGIN SELECT 1)); END", "BEGIN x := ; END", "BEGIN IF THEN END IF; END", "DECLARE x; BEGIN END",
		"BEGIN RAISE 'a' USING; END", "BEGIN FETCH x(1) INTO y; END", "BEGIN FOR x IN LOOP END LOOP; END", "BEGIN FOR 1 IN 1..2 LOOP END LOOP; END",
		"BEGIN SELECT 1 INTO a INTO b; END", "BEGIN EXIT WHEN; END", "BEGIN GET x; END", "#unknown y BEGIN END", "<<a>> SELECT 1", "BEGIN 'a",
		"BEGIN CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END; END", strings.Repeat("BEGIN ", 2000) + strings.Repeat("END; ", 2000),
	} {
		if _, ok := plpgsql.Read(text); ok {
			t.Errorf("%.100s\nis read", text)
		}
	}
}
