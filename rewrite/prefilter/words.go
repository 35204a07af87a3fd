package prefilter

import (
	"bytes"
	"slices"
	"strings"

	"github.com/seguedb/segue/rewrite/syntax"
)

// stateWords are those that decide what later texts mean, or that the binder itself has to see.
var stateWords = []word{
	// segue.version chooses the lens. The binder refuses a version that is not served, so it has to see it.
	{text: "segue", meaning: meansName},

	// These settings decide how names are found and how text is read. Nobody calls a column so.
	{text: "search_path", meaning: meansState},
	{text: "standard_conforming_strings", meaning: meansState},
	{text: "client_encoding", meaning: meansState},
	{text: "authorization", meaning: meansState}, // SET SESSION AUTHORIZATION decides what "$user" is
	{text: "set_config", meaning: meansState},    // whatever it sets: the name may be computed
	{text: "reset", meaning: meansState},         // RESET ALL names no setting

	// SET ROLE, SET SCHEMA, SET NAMES: also likely names of columns, so only after SET or RESET. DROP and ALTER SCHEMA
	// take tables with them that they do not name.
	{text: "role", meaning: meansSetting},
	{text: "schema", meaning: meansSchema},
	{text: "names", meaning: meansSetting},

	// Functions that print every table there is.
	{text: "schema_to_xml", meaning: meansName},
	{text: "schema_to_xmlschema", meaning: meansName},
	{text: "schema_to_xml_and_xmlschema", meaning: meansName},
	{text: "database_to_xml", meaning: meansName},
	{text: "database_to_xmlschema", meaning: meansName},
	{text: "database_to_xml_and_xmlschema", meaning: meansName},

	// A plan shows the tables that a view or a function reads.
	{text: "explain", meaning: meansName},

	// Relations that come, change or go, temporary ones too (there is no other way to make them): what is known of them
	// for this session is to be asked again.
	{text: "create", meaning: meansState},
	{text: "alter", meaning: meansState},
	{text: "drop", meaning: meansState},
	{text: "import", meaning: meansImport}, // what it makes has names that the text need not show
	{text: "into", meaning: meansInto},

	{text: "discard", meaning: meansDiscard},
	{text: "rollback", meaning: meansRollback}, // ROLLBACK TO undoes settings and tables without ending the transaction

	// What is prepared under a name may concern a table under migration, though the text does not show it.
	{text: "execute", meaning: meansPrepared},
	{text: "deallocate", meaning: meansPrepared},
	{text: "prepare", meaning: meansPrepared},
}

// consequence is what finding the word at offset i of the text comes to.
func (w *word) consequence(sql []byte, i int, prepared bool) Hit {
	switch w.meaning {
	case meansName:
		return Names
	case meansPrepared:
		return hitIf(prepared, Names)
	case meansDiscard:
		if prepared {
			return Names
		}
		return StateWords
	case meansSchema:
		before := strings.ToLower(string(sql[:i]))
		if syntax.ContainsWord(before, "drop") || syntax.ContainsWord(before, "alter") {
			return Names
		}
		return hitIf(isSetting(sql[:i]), StateWords)
	case meansSetting:
		return hitIf(isSetting(sql[:i]), StateWords)
	case meansRollback:
		return hitIf(mayGoBackTo(sql[i+len(w.text):]), StateWords)
	case meansImport:
		if next, _ := FirstWord(sql[i+len(w.text):]); next == "foreign" || next == "" {
			return Names
		}
		return StateWords
	case meansInto:
		return hitIf(!follows(sql[:i], "insert", "merge"), StateWords)
	}
	return StateWords
}

func hitIf(yes bool, hit Hit) Hit {
	if yes {
		return hit
	}
	return Miss
}

// isSetting tells whether what comes before a setting's name can be SET [SESSION|LOCAL] or RESET as a statement of its
// own, and not the SET of an UPDATE, before which there is the name of a table, or UPDATE itself.
func isSetting(before []byte) bool {
	last, rest := lastWord(before)
	switch last {
	case "":
		return len(rest) == 0 || rest[len(rest)-1] != ',' // a comment perhaps: who knows what is before it
	case "local", "session", "reset":
		return true
	case "set":
		last, rest = lastWord(rest)
		return last == "" && endsStatement(rest) || slices.Contains([]string{"begin", "then", "else", "loop"}, last)
	}
	return false
}

// endsStatement tells whether a new statement can begin after the text: it is empty, or ends in a semicolon, in a
// comment, or in the dollar sign before the body of a DO block.
func endsStatement(before []byte) bool {
	if len(before) == 0 {
		return true
	}
	switch before[len(before)-1] {
	case '"', ')':
		return false
	}
	return true
}

// mayGoBackTo tells whether what follows ROLLBACK can make it ROLLBACK TO.
func mayGoBackTo(after []byte) bool {
	next, rest := FirstWord(after)
	if next == "work" || next == "transaction" {
		next, rest = FirstWord(rest)
	}
	switch next {
	case "":
		return len(rest) > 0 && rest[0] != ';'
	case "and", "prepared":
		return false
	}
	return true
}

// follows tells whether the last word before is one of those; also when it cannot be seen.
func follows(before []byte, words ...string) bool {
	last, _ := lastWord(before)
	return slices.Contains(words, last)
}

// lastWord cuts the last word off a text, in lower case; "" where something else than a word or white space is at its
// end, or where the line can be a comment. What is left is without white space at its end.
func lastWord(s []byte) (string, []byte) {
	s = bytes.TrimRight(s, " \t\r\n\f\v")
	if line := s[bytes.LastIndexAny(s, "\r\n")+1:]; bytes.Contains(line, []byte("--")) {
		return "", nil
	}
	i := len(s)
	for i > 0 && isWordByte(s[i-1]) {
		i--
	}
	return lowerWord(s[i:]), bytes.TrimRight(s[:i], " \t\r\n\f\v")
}

// FirstWord cuts the first word off a text, in lower case, as lastWord does the last: "" where a text begins with something
// else than a word or white space, and "?" for a word that no rule here asks for.
func FirstWord(s []byte) (string, []byte) {
	s = bytes.TrimLeft(s, " \t\r\n\f\v")
	i := 0
	for i < len(s) && isWordByte(s[i]) {
		i++
	}
	return lowerWord(s[:i]), bytes.TrimLeft(s[i:], " \t\r\n\f\v")
}

// lowerWord names a word that this file asks for; any other is "?". So nothing is allocated.
func lowerWord(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	for _, known := range contextWords {
		if len(known) == len(b) && equalFold(b, known) {
			return known
		}
	}
	return "?"
}

var contextWords = []string{
	"set", "reset", "local", "session", "begin", "then", "else", "loop",
	"work", "transaction", "and", "prepared", "to", "insert", "merge", "foreign",
}

// equalFold compares with a word in lower case.
func equalFold(b []byte, lower string) bool {
	for i := range b {
		if syntax.LowerASCII(b[i]) != lower[i] {
			return false
		}
	}
	return true
}
