package rewrite

// A catalogRelation says where a relation of pg_catalog or information_schema shows the names of tables and columns.
type catalogRelation struct {
	mentions []mention
	physical []string              // columns that show physical names all the same, as docs/refused.md says
	stored   map[string]storedForm // columns that show definitions which are kept as trees
	sent     string                // column that shows texts as they were sent
	costly   bool                  // it has no use for indexes, and takes too long to be read twice
}

// A mention is one table, or the row type of one, that each row of a catalog relation speaks of, and the columns that
// show its names. It is identified by OID where oid or rowType is set, else by name.
type mention struct {
	oid     string // column with pg_class.oid
	rowType string // column with the pg_type.oid of a row type, or of the array of one
	schema  string // column with the name of the schema
	table   string // column with the name of the table; also shown where oid is set
	typ     string // column with the name of a row type, or of the array of one
	only    string // with oid: SQL, behind another condition, that leaves out rows which are no tables

	number      string   // column with pg_attribute.attnum of what columns show; only with oid
	columns     []string // columns with names of the table's columns
	lists       []string // columns with arrays of such names
	definitions []string // columns with expressions and commands in which such names stand
}

// infoTable is the mention of most views of the information schema.
func infoTable(columns ...string) mention {
	return mention{schema: "table_schema", table: "table_name", columns: columns}
}

func one(m ...mention) catalogRelation { return catalogRelation{mentions: m} }

var (
	statTable  = one(mention{schema: "schemaname", table: "relname"})
	namedTable = mention{schema: "schemaname", table: "tablename"}
	infoUDT    = mention{schema: "udt_schema", typ: "udt_name"}
)

// catalogRelations are all relations of the two schemas in which a name of a table or column can be seen. A test
// compares the list with what a server has.
var catalogRelations = map[string]catalogRelation{
	"pg_catalog.pg_class":     one(mention{oid: "oid", table: "relname", only: " AND t.relkind OPERATOR(pg_catalog.<>) 'i'::pg_catalog.\"char\""}),
	"pg_catalog.pg_attribute": one(mention{oid: "attrelid", number: "attnum", columns: []string{"attname"}}),
	"pg_catalog.pg_type":      one(mention{rowType: "oid", typ: "typname"}),

	"pg_catalog.pg_tables": one(namedTable),
	"pg_catalog.pg_indexes": one(mention{schema: "schemaname", table: "tablename",
		definitions: []string{"indexdef"}}),
	"pg_catalog.pg_policies": {mentions: []mention{{schema: "schemaname", table: "tablename",
		definitions: []string{"qual", "with_check"}}},
		stored: map[string]storedForm{"qual": policyForm("polqual", ""), "with_check": policyForm("polwithcheck", "")}},
	"pg_catalog.pg_publication_tables": {costly: true, mentions: []mention{{schema: "schemaname", table: "tablename",
		lists: []string{"attnames"}, definitions: []string{"rowfilter"}}}},
	"pg_catalog.pg_stats": one(mention{schema: "schemaname", table: "tablename", columns: []string{"attname"}}),
	"pg_catalog.pg_stats_ext": one(mention{schema: "schemaname", table: "tablename", lists: []string{"attnames"},
		definitions: []string{"exprs"}}),
	"pg_catalog.pg_stats_ext_exprs": one(mention{schema: "schemaname", table: "tablename",
		definitions: []string{"expr"}}),
	"pg_catalog.pg_rules":               {mentions: []mention{namedTable}, stored: map[string]storedForm{"definition": ruleForm("")}},
	"pg_catalog.pg_views":               {stored: map[string]storedForm{"definition": viewForm("")}},
	"pg_catalog.pg_matviews":            {stored: map[string]storedForm{"definition": viewForm("")}},
	"pg_catalog.pg_cursors":             {sent: "statement"},
	"pg_catalog.pg_prepared_statements": {sent: "statement"},
	"pg_catalog.pg_seclabels":           {physical: []string{"objname"}},

	"pg_catalog.pg_stat_all_tables":       statTable,
	"pg_catalog.pg_stat_sys_tables":       statTable,
	"pg_catalog.pg_stat_user_tables":      statTable,
	"pg_catalog.pg_stat_all_indexes":      statTable,
	"pg_catalog.pg_stat_sys_indexes":      statTable,
	"pg_catalog.pg_stat_user_indexes":     statTable,
	"pg_catalog.pg_stat_xact_all_tables":  statTable,
	"pg_catalog.pg_stat_xact_sys_tables":  statTable,
	"pg_catalog.pg_stat_xact_user_tables": statTable,
	"pg_catalog.pg_statio_all_tables":     statTable,
	"pg_catalog.pg_statio_sys_tables":     statTable,
	"pg_catalog.pg_statio_user_tables":    statTable,
	"pg_catalog.pg_statio_all_indexes":    statTable,
	"pg_catalog.pg_statio_sys_indexes":    statTable,
	"pg_catalog.pg_statio_user_indexes":   statTable,

	"information_schema.tables":                  one(infoTable()),
	"information_schema.table_privileges":        one(infoTable()),
	"information_schema.role_table_grants":       one(infoTable()),
	"information_schema.table_constraints":       one(infoTable()),
	"information_schema.constraint_table_usage":  one(infoTable()),
	"information_schema.constraint_column_usage": one(infoTable("column_name")),
	"information_schema.key_column_usage":        one(infoTable("column_name")),
	"information_schema.column_privileges":       one(infoTable("column_name")),
	"information_schema.role_column_grants":      one(infoTable("column_name")),
	"information_schema.column_options":          one(infoTable("column_name")),
	"information_schema.column_domain_usage":     one(infoTable("column_name")),
	"information_schema.column_column_usage":     one(infoTable("column_name", "dependent_column")),
	"information_schema.column_udt_usage":        one(infoTable("column_name"), infoUDT),
	"information_schema.columns": one(mention{schema: "table_schema", table: "table_name",
		columns: []string{"column_name"}, definitions: []string{"generation_expression"}}, infoUDT),
	"information_schema.view_table_usage":     one(infoTable()),
	"information_schema.view_column_usage":    one(infoTable("column_name")),
	"information_schema.view_routine_usage":   one(infoTable()),
	"information_schema.routine_table_usage":  one(infoTable()),
	"information_schema.routine_column_usage": one(infoTable("column_name")),
	"information_schema.views":                {mentions: []mention{infoTable()}, stored: map[string]storedForm{"view_definition": viewForm("")}},
	"information_schema.check_constraints":    {physical: []string{"check_clause"}},
	"information_schema.triggers": one(mention{schema: "event_object_schema", table: "event_object_table",
		definitions: []string{"action_condition"}}),
	"information_schema.triggered_update_columns": one(mention{schema: "event_object_schema",
		table: "event_object_table", columns: []string{"event_object_column"}}),
	"information_schema.data_type_privileges": {costly: true,
		mentions: []mention{{schema: "object_schema", table: "object_name"}}},
	"information_schema.element_types": {costly: true,
		mentions: []mention{{schema: "object_schema", table: "object_name"}, infoUDT}},
	"information_schema.foreign_tables": one(mention{schema: "foreign_table_schema", table: "foreign_table_name"}),
	"information_schema.foreign_table_options": one(mention{schema: "foreign_table_schema",
		table: "foreign_table_name"}),
	"information_schema._pg_foreign_tables": one(mention{schema: "foreign_table_schema", table: "foreign_table_name"}),
	"information_schema._pg_foreign_table_columns": one(mention{schema: "nspname", table: "relname",
		columns: []string{"attname"}}),
	"information_schema.attributes":       one(mention{schema: "attribute_udt_schema", typ: "attribute_udt_name"}),
	"information_schema.parameters":       one(infoUDT),
	"information_schema.routines":         one(mention{schema: "type_udt_schema", typ: "type_udt_name"}),
	"information_schema.domains":          one(infoUDT),
	"information_schema.domain_udt_usage": one(infoUDT),
	"information_schema.udt_privileges":   one(infoUDT),
	"information_schema.role_udt_grants":  one(infoUDT),
	"information_schema.transforms":       one(infoUDT),
}
