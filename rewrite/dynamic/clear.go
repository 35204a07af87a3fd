package dynamic

import (
	"regexp"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/plpgsql"
	"github.com/seguedb/segue/rewrite/syntax"
)

// A Body is that of a function in PL/pgSQL.
type Body struct {
	Source  string
	Args    []string // names of the function's arguments
	Trigger bool     // it is a trigger's, and the names of all tables with that trigger, and of their schemas, are words
}

// A Cleared body makes nothing by itself. What it uses may: what is named in it, and what it may name.
type Cleared struct {
	Texts []string // what it executes, in which names may stand that do not stand in the body
	Reach Reach
}

// making matches the words without which code makes nothing by itself. What is made of temporary tables, and the dropping of
// tables, does not count.
var (
	making   = regexp.MustCompile(`(?i)\b(create|alter|drop|execute|import|query_to_xml\w*|cursor_to_xml\w*|ts_stat|ts_rewrite)\b`)
	discount = regexp.MustCompile(`(?i)\bcreate\s+((local|global)\s+)?(temp|temporary)\s+table\b|\bon\s+commit\s+drop\b|\bdrop\s+table\b`)
)

// Clear finds out that a body makes nothing by itself: each text that it executes is known but for names and values, and is one of
// statements that make nothing. ok is false where that is not certain. A name of one of PostgreSQL's functions by which a text is
// computed (see Trusted) must not be that of another one.
func (b *Body) Clear() (out Cleared, ok bool) {
	if strings.ContainsRune(b.Source, '\\') || unicodeEscapes.MatchString(b.Source) {
		return out, false // what a string is would depend on settings, and a name could be spelt otherwise
	}
	body, ok := plpgsql.Read(b.Source)
	if !ok {
		return out, false
	}
	v := &variables{source: b.Source, body: body, trigger: b.Trigger, args: b.Args}
	executes := 0
	for i := range body.Fragments {
		f := &body.Fragments[i]
		if !f.Dynamic {
			if f.Role != plpgsql.Type && makes(f.SQL(b.Source)) {
				return out, false
			}
			continue
		}
		executes++
		texts, ok := v.texts(v.tree(i))
		if !ok {
			return out, false
		}
		for _, text := range texts {
			if !out.Reach.clear(text) {
				return out, false
			}
		}
		out.Texts = append(out.Texts, texts...)
	}
	said := 0 // how often EXECUTE stands outside of all SQL
	for _, word := range body.Outside {
		if strings.EqualFold(word, "execute") {
			said++
		} else if making.MatchString(discount.ReplaceAllString(word, " ")) && isWord(word) {
			return out, false
		}
	}
	return out, said == executes
}

// Trusted are the functions and types of PostgreSQL's by which texts are computed that are understood.
var Trusted = []string{"format", "concat", "quote_ident", "quote_literal", "quote_nullable", "regclass", "text", "varchar"}

// unicodeEscapes matches the beginning of a name or a string that may be spelt otherwise without a backslash.
var unicodeEscapes = regexp.MustCompile(`(?i)u&`)

// isWord reports whether a token is a word, and not a string.
func isWord(token string) bool { return token != "" && syntax.IsIdentStart(token[0]) }

// makes reports whether a piece of SQL has a word that makes something, outside of comments. Those in strings count: a function that
// is written in C might execute one.
func makes(sql string) bool {
	t, err := syntax.Scan(sql)
	if err != nil {
		return true
	}
	var words strings.Builder
	for i := range t.List {
		words.WriteString(t.Text(i))
		words.WriteByte(' ')
	}
	return making.MatchString(discount.ReplaceAllString(words.String(), " "))
}

// clear reports whether a text that is executed makes nothing by itself, and adds what its holes may name.
func (r *Reach) clear(text string) bool {
	if unicodeEscapes.MatchString(text) || strings.ContainsRune(text, '\\') || makes(text) {
		return false
	}
	tree, err := syntax.ParseAside(text)
	return err == nil && !slices.ContainsFunc(tree.Stmts, func(raw *ast.RawStmt) bool { return !r.clearStatement(raw.GetStmt()) })
}

// clearStatement is clear for one statement.
func (r *Reach) clearStatement(n *ast.Node) bool {
	switch n.GetNode().(type) {
	case *ast.Node_SelectStmt, *ast.Node_InsertStmt, *ast.Node_UpdateStmt, *ast.Node_DeleteStmt, *ast.Node_MergeStmt,
		*ast.Node_TruncateStmt, *ast.Node_LockStmt, *ast.Node_RefreshMatViewStmt, *ast.Node_CallStmt,
		*ast.Node_NotifyStmt, *ast.Node_ListenStmt, *ast.Node_UnlistenStmt, *ast.Node_VariableSetStmt:
	default:
		return false
	}
	into := false
	ast.Walk(n, func(m proto.Message) {
		_, is := m.(*ast.IntoClause)
		into = into || is
	})
	if into {
		return false
	}
	r.add(n)
	return true
}
