package rewrite

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/plpgsql"
	"github.com/seguedb/segue/rewrite/syntax"
)

// Functions that run what they are given: an estimate of a query's rows, a wrapper around EXPLAIN. Where the body of a
// function in PL/pgSQL shows that it does nothing with an argument but execute it, a constant there is bound as what it
// is, a statement. It must run under the search_path and as the user of whoever calls, or the names in it would be those of
// other tables. Bodies are not in the catalog that bindings share; the session's server is asked.

// A runningBody is the answer of the server about one function.
type runningBody struct {
	Source string
	Names  []string // of the arguments, those that are not input behind the others; nil where they have none
	Plain  bool     // it is in PL/pgSQL, has no settings and no user of its own, and its input arguments come first and are no more than that
}

// runsQuestion asks for the body of a function: JSON in hex, whatever the session's encoding is.
func runsQuestion(oid catalog.OID) string {
	return "SELECT pg_catalog.encode(pg_catalog.convert_to(pg_catalog.json_build_object('source', p.prosrc, 'names', p.proargnames," +
		" 'plain', l.lanname" + eq + "'plpgsql' AND p.provariadic" + eq + "'0'::pg_catalog.oid AND p.prokind" + eq + "'f'" +
		" AND p.proconfig IS NULL AND NOT p.prosecdef" +
		" AND COALESCE('i'" + eq + "ALL (p.proargmodes[1:p.pronargs]), true))::pg_catalog.text, 'UTF8'), 'hex')" +
		" FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_language AS l ON l.oid" + eq + "p.prolang WHERE p.oid" + eq + oidLiteral(oid)
}

// textsToRun binds the statements in constants that a call of a user's function runs.
func (b *binding) textsToRun(f *ast.FuncCall, name []string) {
	if b.catalogs.stored || b.unsettled.any() || f.FuncVariadic || slices.ContainsFunc(f.Args, isNamedArgument) {
		return // what is stored must not hold names that the next transition takes away
	}
	for i, a := range f.Args {
		k := textConstant(a)
		if k == nil || len(b.namedIn(k.GetSval().Sval)) == 0 || !b.runsArgument(f, name, i) {
			continue
		}
		bound, sent := b.textInString(k, isExplainable)
		if bound == nil {
			continue // if it fails, the function is the one to say so
		}
		if failure := bound.statements[0].Failure; failure != nil {
			for _, oid := range bound.statements[0].Tables {
				b.concern(b.lens.Table(oid))
			}
			b.unsupported(int(k.Location), refusedString, "the function "+ast.LastName(f.Funcname), "runs a text that is not rewritten: "+failure.Message)
			continue
		}
		b.takeText(k, bound, sent)
	}
}

func isNamedArgument(n *ast.Node) bool { return n.GetNamedArgExpr() != nil }

// isExplainable tells of the statements that read and write rows and change nothing else, and of EXPLAIN of one.
func isExplainable(n *ast.Node) bool {
	if e := n.GetExplainStmt(); e != nil {
		n = e.Query
	}
	return isQuery(n)
}

// runsArgument tells whether every function that the call may mean runs argument i, and does nothing else with it.
func (b *binding) runsArgument(f *ast.FuncCall, name []string, i int) bool {
	runs := false
	for _, c := range b.functions(name) {
		if c.Args < len(f.Args) {
			continue
		}
		if c.Schema == "pg_catalog" {
			return false
		}
		q := runsQuestion(c.OID)
		answer, asked := b.sess.Answers[q]
		if !asked {
			b.questions = append(b.questions, q)
			continue
		}
		b.statement.asked = append(b.statement.asked, q)
		if runs = b.bodyRuns(answer, c.Args, i); !runs {
			return false
		}
	}
	return runs
}

// bodyRuns tells whether the body in an answer does nothing with argument i of so many but run it.
func (b *binding) bodyRuns(answer string, args, i int) bool {
	var body runningBody
	text, err := hex.DecodeString(answer)
	if err != nil || json.Unmarshal(text, &body) != nil || !body.Plain || b.mayMoveNames(body.Source) {
		return false
	}
	names := make([]string, args)
	copy(names, body.Names)
	return plpgsql.RunsOnly(body.Source, names)[i]
}

// movingWords are in every body that changes by itself what names mean.
var movingWords = []string{"search_path", "set_config", "set", "reset", "discard", "create", "drop", "temp", "temporary", "pg_temp"}

// mayMoveNames tells whether a body may change what the names in a text mean that it runs, by itself or through what is
// known to do so.
func (b *binding) mayMoveNames(source string) bool {
	lower := strings.ToLower(source)
	in := func(word string) bool { return syntax.ContainsWord(lower, strings.ToLower(word)) }
	return slices.ContainsFunc(movingWords, in) ||
		slices.ContainsFunc(b.cat.SessionChangers, func(c catalog.SessionChanger) bool { return in(c.Name) })
}
