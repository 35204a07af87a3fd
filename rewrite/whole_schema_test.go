package rewrite

import (
	"testing"

	"github.com/seguedb/segue/rewrite/prefilter"
	"github.com/seguedb/segue/rules"
)

func TestAWholeSchemaIsNotPrintedWithTheDatabasesNames(t *testing.T) {
	t.Parallel()
	for sql, refused := range map[string]bool{
		"SELECT schema_to_xml('public', true, false, '')":                      true,
		"SELECT Schema_To_XML_and_XMLSchema ('public', true, false, '')":       true,
		"SELECT * FROM pg_catalog.database_to_xmlschema(true, false, '')":      true,
		"SELECT schema_to_xml(current_schema(), true, false, '')":              true,
		"SELECT schema_to_xml('other', true, false, '')":                       false,
		"SELECT 'schema_to_xml', schema_to_xml('nowhere', true, false, 'x&y')": false,
	} {
		text := rewritten(t, sql)
		if f := text.Statements[0].Failure; (f != nil && f.Code == codeRefused) != refused {
			t.Errorf("%s: %v, want refused %v", sql, f, refused)
		}
		if hit := NewBinder(renamedTable(), Options{}).Match([]byte(sql), false); hit != prefilter.Names {
			t.Errorf("%s: the prefilter says %v", sql, hit)
		}
	}
	s := &Session{Version: rules.Base, SearchPath: []string{"pg_catalog", "public"}, StandardStrings: true}
	text := mustRewrite(t, NewBinder(testSnapshot(150000), Options{}), s, "SELECT schema_to_xml('public', true, false, '')")
	if f := text.Statements[0].Failure; f != nil {
		t.Errorf("where the database has the version's names: %v", f)
	}
	for _, name := range wholeSchemaFunctions {
		if prefilter.New(nil, nil).Match([]byte("SELECT "+name+"()"), false) != prefilter.Names {
			t.Errorf("the prefilter does not look for %s", name)
		}
	}
}
