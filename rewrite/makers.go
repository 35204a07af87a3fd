package rewrite

import (
	"regexp"
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/dynamic"
	"github.com/seguedb/segue/rewrite/prefilter"
	"github.com/seguedb/segue/rewrite/syntax"
)

// Code that runs unseen, in a function or a trigger, may make something that no text names: catalog.Catalog.Makers has the names that
// lead to such code. Whether it has made anything is the server's to say, when it has run; here it is told which texts may run some.

// filterOfMakers compiles a filter for names as they are; an empty one is in every text.
func filterOfMakers(names []string) *NameFilter {
	if len(names) == 0 {
		return nil
	}
	folded := make([]string, len(names))
	for i, name := range names {
		folded[i] = foldedName(name)
	}
	return &NameFilter{prefilter.OfMakers(folded)}
}

// MayMake tells whether a text may run code of the catalog's that makes something which the text does not name.
func (b *Binder) MayMake(sql []byte) bool { return b.makers.In(sql) }

// HasMakers tells whether there is code that may make something.
func (b *Binder) HasMakers() bool { return b.makers != nil }

// making matches the words without which the body of a function makes nothing by itself.
var making = regexp.MustCompile(`(?i)\b(create|alter|drop|execute|import|into|query_to_xml\w*|cursor_to_xml\w*|ts_stat|ts_rewrite)\b`)

// makesMore tells whether what a text makes may make more when it runs, or when it is used by what makes nothing now; makers finds what
// does. The latter are functions that execute texts which were found to make nothing; where there are none, nothing is to be feared.
func (m *Made) makesMore(cat *catalog.Catalog, makers *NameFilter, sql string) bool {
	return m.body && !m.tame || m.Runs && makers.In([]byte(sql)) || cat != nil && cat.Cleared && m.changesTexts()
}

// changesTexts tells whether a text that is computed by code may have another meaning by what was made: it has in it the name of a
// table that is more than a word, or is made by something else than a function of PostgreSQL's. See dynamic.Clear.
func (m *Made) changesTexts() bool {
	if m.Name == "" {
		return m.Runs
	}
	return !word.MatchString(m.Name) || slices.Contains(dynamic.Trusted, m.Name)
}

var word = regexp.MustCompile(`^[\pL\pN_]+$`)

// isTame reports whether the body of a function that is being made surely makes nothing by itself.
func isTame(f *ast.CreateFunctionStmt) bool {
	for _, o := range f.Options {
		switch e := o.GetDefElem(); e.GetDefname() {
		case "as":
			if slices.ContainsFunc(ast.StrVals(e.GetArg().GetList().GetItems()), making.MatchString) {
				return false
			}
		case "language":
			if !slices.Contains([]string{"sql", "plpgsql", "c", "internal"}, strings.ToLower(ast.StrVal(e.Arg))) {
				return false
			}
		}
	}
	return true
}

// What a text is looked through for, which may be long, by filters: regular expressions take ten times as long.
var (
	blocks    = &NameFilter{prefilter.OfNames([]string{"do"})}
	computing = &NameFilter{prefilter.OfNames([]string{"execute", "language", "query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema"})}
	creating  = &NameFilter{prefilter.OfNames([]string{"create"})}
	routines  = &NameFilter{prefilter.OfNames([]string{"function", "procedure", "extension"})}
	putOff    = &NameFilter{prefilter.OfNames([]string{"fetch", "move", "constraints"})}
)

// RunsBlock tells whether a text may have a block of code in it whose own text does not say what it makes.
func RunsBlock(sql []byte) bool { return computing.In(sql) && blocks.In(sql) }

// MayMakeWithin tells whether a string of several statements may make code that makes more when a later one of them runs it.
func MayMakeWithin(sql []byte) bool { return routines.In(sql) && creating.In(sql) }

// RunsPutOff tells whether a text may run code of a statement before it: of a cursor, or of triggers that were put off.
func RunsPutOff(sql []byte) bool { return putOff.In(sql) }

// Several tells whether a text has more than one statement, as far as the signs between them tell.
func Several(sql string) bool {
	tokens, err := syntax.Scan(sql)
	if err != nil {
		return false // nothing of it is executed
	}
	ended := false
	for i := range tokens.List {
		if sign := tokens.Text(i); ended && sign != ";" {
			return true
		} else if sign == ";" {
			ended = i > 0
		}
	}
	return false
}
