package syntax

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seguedb/segue/rewrite/ast"
)

func mustScan(t *testing.T, sql string) *Tokens {
	t.Helper()
	toks, err := Scan(sql)
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
			got, ok := toks.Ident(1)
			if !ok || got != tc.want {
				t.Errorf("ident = %q, %v; want %q", got, ok, tc.want)
			}
			if end := toks.IdentEnd(1); end != len(tc.sql) {
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
	for i := range toks.Len() {
		if name, ok := toks.Ident(i); ok {
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
	for i := range toks.Len() {
		got = append(got, toks.Text(i))
	}
	if diff := cmp.Diff([]string{"SELECT", "x", ",", "z"}, got); diff != "" {
		t.Error(diff)
	}
	if i := toks.At(7); toks.Text(i) != "x" {
		t.Errorf("at(7) is %q, want x", toks.Text(i))
	}
	if i := toks.Before(strings.Index(sql, ",")); toks.Text(i) != "x" {
		t.Errorf("the token before the comma is %q, want x", toks.Text(i))
	}
	if toks.At(len(sql)) != toks.Len() || toks.Before(0) != -1 {
		t.Error("at and before do not stop at the ends")
	}
	if !toks.Is(2, ',') || toks.Is(1, 'y') {
		t.Error("is mistakes a token")
	}
}

func TestNoTokenMeansEmptyAnswers(t *testing.T) {
	t.Parallel()
	toks := mustScan(t, "x")
	for _, i := range []int{-1, 1} {
		if toks.Text(i) != "" || toks.Kind(i) != ast.Token_NUL || toks.Start(i) != 1 || toks.End(i) != 1 {
			t.Errorf("token %d is not empty", i)
		}
		if _, ok := toks.Ident(i); ok {
			t.Errorf("token %d is an identifier", i)
		}
	}
}
