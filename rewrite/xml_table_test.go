package rewrite

import (
	"fmt"
	"testing"
)

const xmlSchema = `
CREATE DOMAIN short AS varchar(5);
CREATE TABLE {line} ({qty} int, prices int[], sku text, d short, "a.b" text[], "_x" text, "xmlish" bytea, "<&>" text, "to go" date);
INSERT INTO {line} VALUES
  (1, '{1,2,NULL}', 'pen', 'abc', '{"<order>","x\n  <Qty>"}', '<Qty>1</Qty>', '\\x00ff', NULL, '2020-02-02'),
  (2, NULL, E'two\n  <order>\n</order>\n', NULL, NULL, '</line></LineItem> "RowType.a.b.line"> "RowType.a.b.LineItem">', NULL, 'order">', NULL),
  (NULL, '{{1,2},{3,4}}', '<xsd:element name="order" <xsd:element name="Qty"', '', '{}', ' ', '', 'name="Qty"', NULL);
CREATE TABLE {event} ({at} date, doc xml);
`

// xmlCalls call the functions of a table with what tells the databases apart taken out.
func xmlCalls(table string) (out []string) {
	for _, f := range []string{"table_to_xml", "table_to_xmlschema", "pg_catalog.table_to_xml_and_xmlschema"} {
		for _, args := range []string{"false, false, ''", "true, false, 'foo'", "false, true, ''", "true, 1 > 0, 'http://a.b'::text"} {
			out = append(out, fmt.Sprintf(`SELECT regexp_replace(%s('%s', %s)::text, '(Type|UDT|Domain)[.][^.]*', '\1', 'g')`, f, table, args))
		}
	}
	return out
}

func TestTablesAsXMLHaveTheVersionsNames(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"old", "new"} {
		t.Run("a client of the "+version+" names", func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, version, xmlSchema, "line", "event")
			statements := append(xmlCalls("{line}"), xmlCalls("public.{line}")...)
			for _, sql := range append(statements,
				`SELECT table_to_xml('{line}', true, false, '')`,
				`SELECT x, table_to_xml('{line}', x, NOT x, ''), xmlcomment('c') FROM (VALUES (true), (false), (NULL)) v(x) ORDER BY x`,
				`SELECT regexp_replace(table_to_xmlschema('{event}', true, false, '')::text, '(Type|UDT|Domain)[.][^.]*', '\1', 'g')`,
			) {
				w.check(t, sql)
			}
			for _, sql := range []string{
				`SELECT table_to_xml('{event}', true, false, '')`,
				`SELECT * FROM table_to_xml('{line}', true, false, '')`,
				`SELECT table_to_xml('{line}', true, false, '<')`,
				`CREATE VIEW v AS SELECT table_to_xml('{line}', true, false, '')`,
			} {
				sql = inNames(sql, w.names)
				if f := w.rewrite(t, sql).Statements[0].Failure; f == nil || f.Code != codeRefused {
					t.Errorf("%s: want a refusal, got %v", sql, f)
				}
			}
		})
	}
}

// A document of a large table takes a time in proportion to its length.
func TestLargeTablesAsXMLHaveTheVersionsNames(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, "new", `CREATE TABLE {line} ({qty} int, sku text);
INSERT INTO {line} SELECT i, 'pen <' || i || '>' FROM generate_series(1, 3000) i;`, "line")
	w.check(t, `SET statement_timeout = '30s'`)
	w.check(t, `SELECT md5(table_to_xml('{line}', true, false, '')::text)`)
	w.check(t, `SELECT md5(table_to_xml('{line}', true, true, '')::text)`)
}
