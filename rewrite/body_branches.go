package rewrite

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/seguedb/segue/rewrite/plpgsql"
	"github.com/seguedb/segue/rewrite/splice"
	"github.com/seguedb/segue/rewrite/syntax"
	"github.com/seguedb/segue/rules"
)

// Branches: the body of a function for triggers that is another for some tables. Each branch is the whole block of the
// client, with its labels, variables and handlers:
//
//	BEGIN IF <the table has surname, and not last_name> THEN <block>; ELSE <block for all others>; END IF; END
//
// PL/pgSQL plans expressions when they run, so that a field which the row of a trigger does not have is no error in a
// branch that is not taken. By its columns a table is known whatever it is called, as a partition or an heir, and after the
// next transition. Where the block has more of a table than these columns, as to_json(NEW) has, tables go by name:
// pg_identify_object gives it to everybody, where to_regclass asks for rights on the schema. A partition then goes by the
// name of the whole table, so that one which is made later is known.

// A branch is the body for some tables; for all others, where it has none.
type branch struct {
	text   string
	edits  []splice.Edit // sorted, of the client's text
	tables []*rules.TableLens
	moved  []rules.ColumnLens // the columns by which the tables are told; nil where that is done by name
}

// addBranch adds the body of a table to the branch that has the same text. moved are the columns that it names.
func addBranch(list []*branch, br *branch) []*branch {
	i := slices.IndexFunc(list, func(known *branch) bool {
		return known.text == br.text && slices.EqualFunc(known.moved, br.moved, sameNames)
	})
	if i < 0 {
		return append(list, br)
	}
	list[i].tables = append(list[i].tables, br.tables...)
	return list
}

// sameNames tells whether two columns have the same names, in the version and in the database.
func sameNames(a, b rules.ColumnLens) bool { return a.Logical == b.Logical && a.Physical == b.Physical }

// ofColumns tells whether edits of a text write nothing but names of single columns: no row, and no list for a star.
func ofColumns(edits []splice.Edit, text string) bool {
	return !slices.ContainsFunc(edits, func(e splice.Edit) bool {
		return strings.ContainsAny(e.New, "(,") || strings.Contains(text[e.Start:e.End], "*")
	})
}

// sortBranches puts those first that ask for the most: a name, or more columns.
func sortBranches(list []*branch) {
	slices.SortStableFunc(list, func(a, b *branch) int {
		if a.moved == nil || b.moved == nil {
			return cmp.Compare(len(a.moved), len(b.moved))
		}
		return cmp.Compare(len(b.moved), len(a.moved))
	})
}

// What is written around the branches. The note must not have the word segue in it: such a body is taken for one that
// changes the version (catalog.SessionChanger).
const (
	branchNote  = "/* During a migration columns have two names: the block stands here for tables that have the one, and again for all others. */ "
	triggerName = "(pg_catalog.pg_identify_object('pg_catalog.pg_class'::pg_catalog.regclass," +
		" coalesce(pg_catalog.pg_partition_root(TG_RELID), TG_RELID), 0)).identity"
)

// condition is true for triggers on the tables of a branch.
func (br *branch) condition() string {
	if br.moved != nil {
		return hasColumns(br.moved)
	}
	var list []string
	for _, t := range br.tables {
		list = append(list, identity(t.Schema, t.Physical))
	}
	return namedTables(list)
}

// namedTables is true where the trigger's table, or that of which it is a partition, has one of the identities.
func namedTables(identities []string) string {
	var list []string
	for _, name := range identities {
		list = append(list, syntax.QuoteLiteral(name))
	}
	return triggerName + eq + "ANY (ARRAY[" + strings.Join(list, ", ") + "])"
}

// hasColumns is true where the trigger's table has, of all names of the columns, those of the database and no other.
func hasColumns(moved []rules.ColumnLens) string {
	var here, all []string
	for _, c := range moved {
		here = append(here, syntax.QuoteLiteral(c.Physical))
		all = append(all, syntax.QuoteLiteral(c.Physical), syntax.QuoteLiteral(c.Logical))
	}
	names := func(list []string) string { return "ANY (ARRAY[" + strings.Join(list, ", ") + "]::pg_catalog.name[])" }
	return "(SELECT pg_catalog.count(*)" + eq + strconv.Itoa(len(here)) + " AND pg_catalog.bool_and(c.attname" + eq + names(here) + ")" +
		" FROM pg_catalog.pg_attribute AS c WHERE c.attrelid" + eq + "TG_RELID AND c.attname" + eq + names(all) + ")"
}

// identity is the name of a relation as pg_identify_object gives it.
func identity(schema, name string) string {
	return syntax.QuoteIdent(schema) + "." + syntax.QuoteIdent(name)
}

// block is the outermost block in the branch.
func (br *branch) block(read *plpgsql.Body, text string) string {
	edits := make([]splice.Edit, len(br.edits))
	for i, e := range br.edits {
		edits[i] = splice.Edit{Start: e.Start - read.Outermost.From, End: e.End - read.Outermost.From, New: e.New}
	}
	return splice.Apply(text[read.Outermost.From:read.Outermost.To], edits)
}

// writeBranches puts branches into one body, the last one for all other tables. The first stands where the client has
// written it, so that lines are counted as the client counts them.
func (bd *body) writeBranches(read *plpgsql.Body, list []*branch) {
	var head, tail strings.Builder
	head.WriteString(branchNote + "BEGIN IF " + list[0].condition() + " THEN ")
	if !read.Closed {
		tail.WriteString(";")
	}
	for i, br := range list[1:] {
		if i == len(list)-2 {
			tail.WriteString(" ELSE ")
		} else {
			tail.WriteString(" ELSIF " + br.condition() + " THEN ")
		}
		tail.WriteString(br.block(read, bd.literal.text) + ";")
	}
	tail.WriteString(" END IF; END")
	if read.Closed {
		tail.WriteString(";")
	}
	edits := append([]splice.Edit{{Start: read.Outermost.From, End: read.Outermost.From, New: head.String()}}, list[0].edits...)
	edits = append(edits, splice.Edit{Start: read.End, End: read.End, New: tail.String()})
	text := splice.Apply(bd.literal.text, edits)
	if !proveBranches(read, list, text) {
		bd.unsupported(bd.literal.opened, refusedUnproven, bd.of, "could not be rewritten as it was meant")
		return
	}
	bd.write(edits, text)
}

// proveBranches tells whether a text is made up of the branches: taken apart, it has their conditions and their fragments,
// and their words in between.
func proveBranches(read *plpgsql.Body, list []*branch, text string) bool {
	got, ok := plpgsql.Read(text)
	if !ok {
		return false
	}
	fragments := []string{}
	outside := slices.Clone(read.Outside[:read.Lead])
	words := read.Outside[read.Lead:]
	if read.Closed {
		words = words[:len(words)-1]
	}
	outside = append(outside, "BEGIN", "IF")
	for i, br := range list {
		own, ok := plpgsql.Read(br.text)
		if !ok {
			return false
		}
		switch {
		case i == len(list)-1:
			outside = append(outside, "ELSE")
		case i > 0:
			outside = append(outside, "ELSIF")
			fallthrough
		default:
			fragments = append(fragments, plpgsql.SelectPrefix+br.condition())
			outside = append(outside, "THEN")
		}
		for k := range own.Fragments {
			fragments = append(fragments, own.Fragments[k].SQL(br.text))
		}
		outside = append(append(outside, words...), ";")
	}
	outside = append(outside, "END", "IF", ";", "END")
	if read.Closed {
		outside = append(outside, ";")
	}
	return slices.Equal(got.Outside, outside) && slices.EqualFunc(got.Fragments, fragments, func(f plpgsql.Fragment, sql string) bool { return f.SQL(text) == sql })
}
