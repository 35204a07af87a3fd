package rewrite

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/charset"
	"github.com/seguedb/segue/rewrite/ruleutils"
	"github.com/seguedb/segue/rewrite/syntax"
)

// PostgreSQL keeps views, rules, policies and bodies of functions as trees. What it prints of one is known only to the
// session's own server, as it depends on the search_path. So it is asked: a question gives the texts, which are put into
// the statement, each with what is to be shown instead. What is printed then is compared with them, so that a text that is
// none of them, since the definition has been changed in between, is shown as it is.

// Of the system catalogs, with the OIDs that they have in every database.
const (
	classOfRelations = "1259"
	classOfTypes     = "1247"
	classOfFunctions = "1255"
	classOfRules     = "2618"
	classOfPolicies  = "3256"
)

// anyRule is the kind of all rules, those that views are among them.
const anyRule ruleutils.Kind = 'R'

const rulesSQL = "SELECT x.oid, 0::pg_catalog.oid AS rel, x.ev_action::pg_catalog.text AS tree, '' AS head, x.oid AS dep FROM pg_catalog.pg_rewrite AS x"

// storedKinds is the SQL of what is kept of each kind, with its tree.
var storedKinds = map[ruleutils.Kind]string{
	ruleutils.View: "SELECT x.ev_class AS oid, 0::pg_catalog.oid AS rel, x.ev_action::pg_catalog.text AS tree, '' AS head, x.oid AS dep FROM pg_catalog.pg_rewrite AS x" +
		" WHERE x.rulename" + eq + "'_RETURN'",
	ruleutils.Rule: rulesSQL + " WHERE x.rulename OPERATOR(pg_catalog.<>) '_RETURN'",
	anyRule:        rulesSQL + " WHERE true",
	ruleutils.Function: "SELECT x.oid, 0::pg_catalog.oid AS rel, pg_catalog.to_jsonb(x) OPERATOR(pg_catalog.->>) 'prosqlbody' AS tree," +
		" pg_catalog.pg_get_function_arguments(x.oid) AS head, x.oid AS dep" +
		" FROM pg_catalog.pg_proc AS x WHERE x.prokind OPERATOR(pg_catalog.<>) 'a'",
	ruleutils.Policy: "SELECT x.oid, x.polrelid AS rel, pg_catalog.concat(x.polqual::pg_catalog.text, x.polwithcheck::pg_catalog.text) AS tree," +
		" '' AS head, x.oid AS dep, x.polqual, x.polwithcheck FROM pg_catalog.pg_policy AS x WHERE true",
}

// storedClass is the catalog of each kind in pg_depend.
var storedClass = map[ruleutils.Kind]string{
	ruleutils.View: classOfRules, ruleutils.Rule: classOfRules, anyRule: classOfRules, ruleutils.Function: classOfFunctions, ruleutils.Policy: classOfPolicies,
}

// maxStored bounds how many definitions are asked for at once, and maxStoredBytes what they put into a statement.
const (
	maxStored      = 500
	maxStoredBytes = 1 << 20
)

// A storedForm is one way to print such definitions.
type storedForm struct {
	kind   ruleutils.Kind // of the text
	stored ruleutils.Kind // of what is kept
	call   string         // SQL for the text of the definition d
	only   catalog.OID    // of one definition; 0 for all that depend on tables which look different
}

// of is the form of one definition.
func (f storedForm) of(oid catalog.OID) storedForm {
	f.only = oid
	return f
}

// question is the SQL that asks for the texts in a form: JSON in hex, whatever the session's encoding is.
//
// What is looked for are the dependencies of each definition, of which there are few, and not all that depends on a table, of
// which there may be many. As numbers the OIDs are looked up in a hash; as OIDs the planner would compare each with the
// statistics. Nothing that initdb has made depends on them.
func (in *introspection) question(f storedForm) string {
	where := ""
	if f.only != 0 {
		where = " AND d.oid" + eq + oidLiteral(f.only)
	}
	d := in.dependedOn()
	depends := " AND d.dep OPERATOR(pg_catalog.>=) " + oidLiteral(firstUserOID) + " AND EXISTS (SELECT FROM pg_catalog.pg_depend AS p WHERE p.classid" + eq + classOid(storedClass[f.stored]) +
		" AND p.objid" + eq + "d.dep AND (p.refclassid" + eq + classOid(classOfRelations) + " AND p.refobjid::pg_catalog.int8" + eq + "ANY (" + d.tables + ")" +
		" OR p.refclassid" + eq + classOid(classOfTypes) + " AND p.refobjid::pg_catalog.int8" + eq + "ANY (" + d.types + ")) OFFSET 0)"
	source := "SELECT " + f.call + " AS text, d.oid, d.rel, d.tree, d.head FROM (" + storedKinds[f.stored] + ") AS d WHERE true" + where + depends +
		" ORDER BY d.oid LIMIT " + strconv.Itoa(maxStored)
	aliases := "(SELECT pg_catalog.json_agg(m.part) FROM pg_catalog.regexp_matches(q.tree, " + writtenAliases + ", 'g') AS m(part))"
	return "SELECT pg_catalog.encode(pg_catalog.convert_to(pg_catalog.json_agg(pg_catalog.json_build_object('oid', q.oid::pg_catalog.int8, 'rel', q.rel::pg_catalog.int8," +
		" 'text', q.text, 'head', q.head, 'aliases', " +
		aliases + "))::pg_catalog.text, 'UTF8'), 'hex') FROM (" + source + " OFFSET 0) AS q WHERE q.text IS NOT NULL"
}

// dependencies are the tables and types of which definitions show names, as arrays of numbers.
type dependencies struct{ tables, types string }

func (in *introspection) dependedOn() dependencies {
	in.onceDepended.Do(func() {
		var tables, types []catalog.OID
		for _, g := range in.groups {
			if len(g.Columns) == 0 && !g.Renamed {
				continue
			}
			tables = append(tables, g.OIDs...)
			if g.Renamed { // others of these names need their schema, or need it no more
				for _, rel := range slices.Concat(in.cat.Named(g.Names[0]), in.cat.Named(g.Logical)) {
					tables = append(tables, rel.OID)
				}
			}
			for _, oid := range g.OIDs {
				if rel := in.cat.Relation(oid); rel != nil && rel.RowType != 0 {
					types = append(types, rel.RowType)
				}
			}
			if g.Array != 0 {
				types = append(types, g.Array)
			}
		}
		in.depended = dependencies{oidNumbers(tables), oidNumbers(types)}
	})
	return in.depended
}

func classOid(oid string) string { return "'" + oid + "'::pg_catalog.oid" }

// writtenAliases finds in a tree, as outNode (outfuncs.c) writes it, what the user has called FROM items and their
// columns. What the parser has made of it follows under another key, with the names that the columns had then.
const writtenAliases = `E':(?:alias|join_using_alias) \\{ALIAS :aliasname ((?:[^ \\\\]|\\\\.)+) :colnames (<>|\\((?:"(?:[^"\\\\]|\\\\.)*" ?)*\\))` +
	`(?:\\} :eref \\{ALIAS :aliasname (?:[^ \\\\]|\\\\.)+ :colnames (\\((?:"(?:[^"\\\\]|\\\\.)*" ?)*\\)))?'`

// A storedText is one answer to a question.
type storedText struct {
	OID     catalog.OID
	Rel     catalog.OID // the table of a policy
	Text    string
	Head    string      // the arguments of a function
	Aliases [][3]string // each with the names written for its columns, and those that the columns had
}

// A storedPair is what is printed of a definition, and what is to be shown.
type storedPair struct {
	oid, rel catalog.OID
	from, to string
}

// mapped asks for the texts in the forms, and pairs each with what it is in the version's names, where they differ. The
// server may be yet to be asked; then the binding is done again.
func (b *binding) mapped(forms ...storedForm) (pairs []storedPair) {
	size := 0
	for _, f := range forms {
		q := b.views.question(f)
		answer, asked := b.sess.Answers[q]
		if !asked {
			b.questions = append(b.questions, q)
			continue
		}
		b.statement.asked = append(b.statement.asked, q)
		for _, s := range decodeStored(answer) {
			if f.kind == ruleutils.Policy && !subquery.MatchString(s.Text) {
				continue // these are mapped token by token
			}
			to, sure := b.asPrinted(f.kind, s)
			if !sure || to == s.Text || !b.writable(s.Text+to) {
				continue
			}
			if size += len(s.Text) + len(to); size < maxStoredBytes {
				pairs = append(pairs, storedPair{oid: s.OID, rel: s.Rel, from: s.Text, to: to})
			}
		}
	}
	return pairs
}

// writable tells whether the session's encoding has all characters of a text. The server could not show it otherwise, but
// may have no need to.
func (b *binding) writable(text string) bool {
	in, _ := charset.Named(b.sess.Encoding)
	_, err := in.Encode(text)
	return err == nil
}

// asPrinted is a text as it would be printed in the version's names; false where that is not certain.
func (b *binding) asPrinted(kind ruleutils.Kind, s storedText) (string, bool) {
	r := &ruleutils.Printer{Kind: kind, Aliases: map[string]*ruleutils.Alias{},
		Names: &ruleutils.Names{Catalog: b.views.cat, Tables: b.views.groups, Path: b.sess.SearchPath, Overlay: b.sess.Overlay}}
	for _, a := range s.Aliases {
		r.Write(unescapeNode(a[0]), columnsOfNode(a[1]), columnsOfNode(a[2]))
	}
	if kind == ruleutils.Policy {
		if r.Rel = b.cat.Relation(s.Rel); r.Rel == nil {
			return s.Text, false
		}
	}
	return r.Print(s.Head, s.Text)
}

func decodeStored(answer string) (out []storedText) {
	text, err := hex.DecodeString(answer)
	if err != nil || json.Unmarshal(text, &out) != nil {
		return nil // what is not known is shown as it is
	}
	return out
}

// unescapeNode undoes outToken (outfuncs.c).
func unescapeNode(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// columnsOfNode reads a list of names as it stands in a tree.
func columnsOfNode(s string) (out []string) {
	s = strings.Trim(s, "()")
	for i := 0; i < len(s); i++ {
		if s[i] != '"' {
			continue
		}
		start := i + 1
		for i++; i < len(s) && s[i] != '"'; i++ {
			if s[i] == '\\' {
				i++
			}
		}
		out = append(out, unescapeNode(s[start:min(i, len(s))]))
	}
	return out
}

// choiceSQL gives for a text the one that it is paired with, and else otherwise. condition is what else must be true of
// what the text is of; nil for nothing.
func choiceSQL(text, otherwise string, pairs []storedPair, condition func(storedPair) string) string {
	if len(pairs) == 0 {
		return otherwise
	}
	var b strings.Builder
	b.WriteString("CASE")
	for _, p := range pairs {
		b.WriteString(" WHEN ")
		if condition != nil {
			b.WriteString(condition(p) + " AND ")
		}
		b.WriteString(text + eq + syntax.QuoteLiteral(p.from) + " THEN " + syntax.QuoteLiteral(p.to))
	}
	b.WriteString(" ELSE " + otherwise + " END")
	return b.String()
}

// constantOID is the OID that an argument is, where it is a constant; 0 where it is not.
func constantOID(n *ast.Node) catalog.OID {
	for n.GetTypeCast() != nil && ast.IsBuiltin(ast.StrVals(n.GetTypeCast().TypeName.GetNames()), "oid") {
		n = n.GetTypeCast().Arg
	}
	k := n.GetAConst()
	if k.GetIval() != nil {
		return catalog.OID(k.GetIval().Ival)
	}
	oid, err := strconv.ParseUint(k.GetSval().GetSval(), 10, 32)
	if err != nil {
		return 0
	}
	return catalog.OID(oid)
}
