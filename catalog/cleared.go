package catalog

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/seguedb/segue/rewrite/dynamic"
)

// Many triggers execute a text that makes nothing: an INSERT into a table of an audit, whose name is computed. What they are is found
// out by taking their bodies apart. A body that is cleared so is no maker by itself; it is one where something leads to a maker that is
// named in its code, in its texts, or may be what a computed name is that of.

// making is what runnersSQL looks for in a body in PL/pgSQL.
const making = `'\m(create|alter|drop|execute|import|query_to_xml\w*|cursor_to_xml\w*|ts_stat|ts_rewrite)\M'`

// withEscapes writes each string of a query that has a backslash as E'…', which means the same whatever standard_conforming_strings is.
// There is no quote in the query but those of strings.
func withEscapes(sql string) string {
	return plainString.ReplaceAllStringFunc(sql, func(s string) string {
		if !strings.Contains(s, `\`) {
			return s
		}
		return "E" + strings.ReplaceAll(s, `\`, `\\`)
	})
}

var plainString = regexp.MustCompile(`'(?:[^']|'')*'`)

// doubtfulSQL reads the bodies that are to be taken apart. There are none where something of a user's can be taken for what computes
// texts. What TG_TABLE_NAME and TG_TABLE_SCHEMA can be is not known where a table with the trigger has a name that is not a word.
var doubtfulSQL = withEscapes(`
	SELECT p.oid, p.prosrc, pg_catalog.array_to_string(p.proargnames, pg_catalog.chr(10)),
		p.prorettype OPERATOR(pg_catalog.=) 'pg_catalog.trigger'::pg_catalog.regtype AND NOT EXISTS (
			SELECT FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			WHERE t.tgfoid = p.oid AND (c.relname !~ '^\w+$' OR n.nspname !~ '^\w+$'))
	FROM pg_catalog.pg_proc p
	JOIN pg_catalog.pg_language l ON l.oid = p.prolang
	WHERE p.oid >= 16384 AND l.lanname = 'plpgsql' AND p.pronamespace IS DISTINCT FROM pg_catalog.to_regnamespace('segue')
	AND p.prosrc ~* ` + making + `
	AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc WHERE oid >= 16384 AND proname = ANY (pg_catalog.string_to_array($1::pg_catalog.text, ' ')))
	AND NOT EXISTS (SELECT FROM pg_catalog.pg_type WHERE oid >= 16384 AND typname = ANY (pg_catalog.string_to_array($1::pg_catalog.text, ' ')))
	AND NOT EXISTS (SELECT FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_type t ON t.oid IN (o.oprleft, o.oprright)
		WHERE o.oid >= 16384 AND o.oprname = '||' AND t.typcategory IN ('S', 'P'))`)

// A cleared body is a row of what runnersSQL is given.
type cleared struct {
	OID        OID    `json:"oid"`
	Texts      string `json:"texts"`
	Relations  string `json:"relations,omitempty"` // a regular expression for their names
	Attributes bool   `json:"attributes"`
	Anything   bool   `json:"anything"`
}

// readCleared lists the bodies that are cleared, in JSON.
func readCleared(ctx context.Context, q Querier) (string, error) {
	rows, err := q.Query(ctx, doubtfulSQL, strings.Join(dynamic.Trusted, " "))
	if err != nil {
		return "", err
	}
	defer rows.Close()
	list := []cleared{}
	for rows.Next() {
		var oid OID
		var args *string
		var b dynamic.Body
		if err := rows.Scan(&oid, &b.Source, &args, &b.Trigger); err != nil {
			return "", err
		}
		if args != nil {
			b.Args = strings.Split(*args, "\n")
		}
		c, ok := b.Clear()
		if texts := strings.Join(c.Texts, " "); ok && isASCII(texts) {
			list = append(list, cleared{oid, texts, namesLike(c.Reach.Relations), c.Reach.Attributes, c.Reach.Anything})
		}
	}
	if err := rows.Err(); err != nil {
		return "", err
	}
	out, err := json.Marshal(list)
	return string(out), err
}

// isASCII reports whether a text is the same in all encodings.
func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// namesLike is a regular expression for names in which what is not known stands as a hole.
func namesLike(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "^(" + strings.ReplaceAll(strings.Join(names, "|"), dynamic.Hole, ".*") + ")$"
}
