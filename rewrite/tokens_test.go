package rewrite

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/rewrite/ast"
)

func mustScan(t *testing.T, sql string) *tokens {
	t.Helper()
	toks, err := scanTokens(sql)
	if err != nil {
		t.Fatalf("scanTokens(%q): %v", sql, err)
	}
	return toks
}

func TestIdentifiersAreDecodedAsPostgresDoes(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("aé", 40)
	for name, tc := range map[string]struct{ sql, want string }{
		"unquoted letters fold":                    {`SELECT LastName`, "lastname"},
		"only ASCII letters fold":                  {`SELECT LastÉ`, "lastÉ"},
		"quoted ones are kept":                     {`SELECT "Last Name"`, "Last Name"},
		"a doubled quote is one":                   {`SELECT "a""b"`, `a"b`},
		"Unicode escapes are decoded":              {`SELECT U&"d\0061t\+000061"`, "data"},
		"lower-case u& works too":                  {`SELECT u&"\0061"`, "a"},
		"UESCAPE changes the escape character":     {`SELECT U&"d!0061\" UESCAPE '!'`, `da\`},
		"a doubled escape character is one":        {`SELECT U&"a\\b"`, `a\b`},
		"surrogate pairs are joined":               {`SELECT U&"\D83D\DE00"`, "😀"},
		"an unreserved keyword is an identifier":   {`SELECT Name`, "name"},
		"a long name is cut at a character":        {"SELECT " + long, strings.Repeat("aé", 21)},
		"a long quoted name is cut at a character": {`SELECT "x` + long + `"`, "x" + strings.Repeat("aé", 20) + "a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			toks := mustScan(t, tc.sql)
			got, ok := toks.ident(1)
			if !ok || got != tc.want {
				t.Errorf("ident = %q, %v; want %q", got, ok, tc.want)
			}
			if end := toks.identEnd(1); end != len(tc.sql) {
				t.Errorf("identEnd = %d, want %d", end, len(tc.sql))
			}
			if parsed := soleColumn(t, tc.sql); parsed != tc.want {
				t.Errorf("the parser reads %q, the table wants %q", parsed, tc.want)
			}
		})
	}
}

// soleColumn is the name in SELECT name, as the parser has it.
func soleColumn(t *testing.T, sql string) string {
	t.Helper()
	tree, err := ast.Parse(sql)
	if err != nil {
		t.Fatal(err)
	}
	target := tree.Stmts[0].Stmt.GetSelectStmt().TargetList[0].GetResTarget()
	return target.Val.GetColumnRef().Fields[0].GetString_().Sval
}

func TestReservedWordsAreIdentifiersOnlyAfterADotOrAS(t *testing.T) {
	t.Parallel()
	toks := mustScan(t, `SELECT a.User, b AS Table FROM t`)
	var got []string
	for i := range toks.len() {
		if name, ok := toks.ident(i); ok {
			got = append(got, name)
		}
	}
	if diff := cmp.Diff([]string{"a", "user", "b", "table", "t"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCommentsAreNoTokens(t *testing.T) {
	t.Parallel()
	sql := "SELECT /* a /* b */ */ x -- y\n , z"
	toks := mustScan(t, sql)
	var got []string
	for i := range toks.len() {
		got = append(got, toks.text(i))
	}
	if diff := cmp.Diff([]string{"SELECT", "x", ",", "z"}, got); diff != "" {
		t.Error(diff)
	}
	if i := toks.at(7); toks.text(i) != "x" {
		t.Errorf("at(7) is %q, want x", toks.text(i))
	}
	if i := toks.before(strings.Index(sql, ",")); toks.text(i) != "x" {
		t.Errorf("the token before the comma is %q, want x", toks.text(i))
	}
	if toks.at(len(sql)) != toks.len() || toks.before(0) != -1 {
		t.Error("at and before do not stop at the ends")
	}
	if !toks.is(2, ',') || toks.is(1, 'y') {
		t.Error("is mistakes a token")
	}
}

func TestNoTokenMeansEmptyAnswers(t *testing.T) {
	t.Parallel()
	toks := mustScan(t, "x")
	for _, i := range []int{-1, 1} {
		if toks.text(i) != "" || toks.kind(i) != ast.Token_NUL || toks.start(i) != 1 || toks.end(i) != 1 {
			t.Errorf("token %d is not empty", i)
		}
		if _, ok := toks.ident(i); ok {
			t.Errorf("token %d is an identifier", i)
		}
	}
}
