package rewrite

import (
	"encoding/hex"
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/plpgsql"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// A trigger brings a function and a table together, of which each may have been made with other names than the other. So
// the session's server is asked for the body of the function.

// triggerSource is the body of the trigger's function, if it is in PL/pgSQL; "" where it is not, is not there, or is not
// known yet. What the text at hand has made is not asked for: it has been bound itself.
func (b *binding) triggerSource(x *ast.CreateTrigStmt) string {
	name := ast.StrVals(x.Funcname)
	if _, made := b.unsettled.made[name[len(name)-1]]; made {
		return ""
	}
	q := "SELECT pg_catalog.encode(pg_catalog.convert_to(p.prosrc, 'UTF8'), 'hex') FROM pg_catalog.pg_proc AS p" +
		" JOIN pg_catalog.pg_language AS l ON l.oid" + eq + "p.prolang WHERE l.lanname" + eq + "'plpgsql'" +
		" AND p.oid" + eq + "pg_catalog.to_regprocedure(" + syntax.QuoteLiteral(syntax.QuoteQualified(name)+"()") + ")"
	answer, asked := b.sess.Answers[q]
	if !asked {
		b.questions = append(b.questions, q)
		return ""
	}
	b.statement.asked = append(b.statement.asked, q)
	source, err := hex.DecodeString(answer)
	if err != nil {
		return ""
	}
	return string(source)
}

// triggerFunction refuses a trigger whose function names columns of the table that the database knows by another name: each
// write would fail. A body that has a branch for the table was made for it, and so was one with the names of the database.
func (b *binding) triggerFunction(x *ast.CreateTrigStmt, t *rules.TableLens, source string) {
	read, ok := plpgsql.Read(source)
	if !ok || b.hasBranch(read, source, t) {
		return
	}
	// The body is bound as if it were made now, beside the statement, to see what it names of the trigger's table.
	own := &binding{bindInput: b.bindInput, cat: b.cat, unsettled: b.unsettled}
	bd := &body{binding: own, of: "a function's body", literal: &stringConstant{text: source}, pathKnown: true}
	if !bd.bindPL(read, newTriggerVariables(own, "", nil)) {
		return
	}
	b.need, b.questions = append(b.need, own.need...), append(b.questions, own.questions...)
	uses := bd.rowUses()
	names := func(field string) bool {
		return slices.ContainsFunc(uses, func(u fieldUse) bool { return u.field == field })
	}
	for _, c := range t.Columns {
		if c.Logical == c.Physical || !names(c.Logical) || names(c.Physical) {
			continue
		}
		b.triggerRefused(x, "names "+syntax.QuoteIdent(c.Logical)+", which has another name in the database, and was not made for "+syntax.QuoteIdent(t.Logical))
		return
	}
}

// triggerRefused refuses CREATE TRIGGER at the name of the function.
func (b *binding) triggerRefused(x *ast.CreateTrigStmt, why string) {
	b.affected = true
	b.unsupported(b.tokens.Start(b.functionToken()), refusedTrigger, "the function "+syntax.QuoteQualified(ast.StrVals(x.Funcname)), why)
}

// functionToken is the first token of the function's name in CREATE TRIGGER.
func (b *binding) functionToken() int { return b.find(b.whole(), ast.Token_EXECUTE) + 2 }

// hasBranch tells whether a body has a branch for the table, or for the one that it is a part of.
func (b *binding) hasBranch(read *plpgsql.Body, source string, t *rules.TableLens) bool {
	for rel := b.current(t.OID); rel != nil; rel = b.partitioned(rel) {
		name := syntax.QuoteLiteral(identity(rel.Schema, rel.Name))
		if slices.ContainsFunc(read.Fragments, func(f plpgsql.Fragment) bool {
			return strings.HasPrefix(f.Within(source), triggerName) && strings.Contains(f.Within(source), name)
		}) {
			return true
		}
	}
	return false
}

// partitioned is the table of which a relation is a partition; nil where it is none.
func (b *binding) partitioned(rel *catalog.Relation) *catalog.Relation {
	for _, oid := range rel.Parents {
		if parent := b.cat.Relation(oid); parent != nil && parent.Kind == catalog.PartitionedTable {
			return parent
		}
	}
	return nil
}

// saysArguments tells whether all that a body does with the arguments of its trigger is to put them into messages.
func saysArguments(source string) bool {
	read, ok := plpgsql.Read(source)
	if !ok {
		return false
	}
	t, err := syntax.Scan(source)
	if err != nil {
		return false
	}
	for i := range t.List {
		if name, ok := t.Ident(i); !ok || name != "tg_argv" {
			continue
		}
		alone := func(f plpgsql.Fragment) bool {
			return f.Said && t.Start(i) == f.Start && t.Is(i+1, '[') && t.Kind(i+2) == ast.Token_ICONST && t.Is(i+3, ']') && t.End(i+3) == f.End
		}
		if !slices.ContainsFunc(read.Fragments, alone) {
			return false
		}
	}
	return true
}
