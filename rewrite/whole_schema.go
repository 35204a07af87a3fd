package rewrite

import (
	"strings"

	"github.com/seguedb/segue/rewrite/ast"
	"github.com/seguedb/segue/rewrite/syntax"
)

// wholeSchemaFunctions print every table of a schema or of the database with the names that it has there (xml.c). No name
// of a table need be in a text that calls them, so the prefilter looks for them.
var wholeSchemaFunctions = []string{
	"schema_to_xml", "schema_to_xmlschema", "schema_to_xml_and_xmlschema",
	"database_to_xml", "database_to_xmlschema", "database_to_xml_and_xmlschema",
}

// printsSchema refuses a function that prints a whole schema, if a table in it has other names there. The schema is known
// where it is a constant.
func (b *binding) printsSchema(f *ast.FuncCall, name string) {
	schema := ""
	if strings.HasPrefix(name, "schema") && len(f.Args) > 0 {
		schema = f.Args[0].GetAConst().GetSval().GetSval()
	}
	for _, t := range b.lens.Tables {
		if t.Identity || schema != "" && t.Schema != syntax.TruncateIdent(schema) {
			continue
		}
		b.concern(t)
		b.unsupported(int(f.Location), refusedString, "the function "+name, "prints "+syntax.QuoteIdent(t.Logical)+" with the names in the database")
	}
}
