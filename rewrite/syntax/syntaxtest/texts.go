// Package syntaxtest has texts for the tests of all that reads SQL.
package syntaxtest

// Texts are texts with every kind of token, and those where one could end in several ways.
var Texts = []string{
	`SELECT "o"."id", sum(o.total)::numeric(10,2) FROM "orders" AS o LEFT JOIN s ON s.order_id = o.id WHERE o.state IN ($1, $2) AND NOT x ORDER BY 1 DESC LIMIT $3`,
	`SELECT U&"d\0061t\+000061" , u&"x!0061" uescape '!', U&'\0061' FROM t`,
	`SELECT E'a\'b', e'\\', 'it''s', b'01', X'1f', n'foo', N 'x', ''`,
	"SELECT 'a'\n 'b', 'a'  \t\r\n\n'b''c' 'd', E'a'\n'\\''",
	`SELECT $x$ $y$ $x$, $$$$, $$ ' $$, $1, $23, $é$ $é$, $a1$ $a $a1$`,
	`SELECT 1, 1.5, 1., .5, 1e3, 1E-3, 1.5e+3, 1_000, 0x1F, 0b1, 0o17, 1e, 1..2, x1, a.b.c, 1.5.5`,
	`SELECT a::int, a:=b, a=>b, a>=b, a<=b, a<>b, a!=b, a->b, a->>'c', a||b, a@>b, -1, +-1, a*-1, a<-1, a@-1, a<=-1, a=-b, ~a, |/2, a?b, a?|b, a#>b`,
	"SELECT a/*x*/b, a--x\n-b, a*/**/b, a<--x\nb, a/-1, /* a /* b */ c */ d, a+/*--*/b",
	`SELECT "É""x", é, a$b, _x, "a b", [1:2], arr[1], (a).b, a.*`,
	"SELECT\ta\fb\rd",
	"-- only a comment", "", ";", "/**/",
	`CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $_$BEGIN RETURN $1; END$_$`,
	`:x :1 a:b`,
	"SELECT U&'x'", `SELECT u & "x", u&x, u &'x'`,
}

// Unreadable are texts that end within a token, or have what is none.
var Unreadable = []string{`'a`, `"a`, `E'a\'`, `U&"a`, `$$a`, `/* a`, `/* /* */`, `$a$b$c$`, `"a""`, `'a''`, `{`, `$`, `x'1`}
