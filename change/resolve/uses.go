package resolve

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What an expression uses, by the tree that the server has made of it: names are resolved there, and nothing is hidden in syntax.
type uses struct {
	functions []function
	reads     []uint32 // tables
	foreign   []string // what belongs to roles that are not trusted, in words
	settings  []string // that it depends on
	session   string   // what of the session it depends on, in words
	immutable bool     // as far as its functions say
	aggregate bool
	set       bool // it gives several rows
}

// A function of the catalog.
type function struct {
	oid                    uint32
	schema, name, volatile string
	times                  bool // an argument or its result is a date or time
	plain                  bool // arguments and result are numbers, texts, dates, times and truth values
	strict                 bool // NULL where an argument is
	trusted                bool
}

var (
	treeFunction = regexp.MustCompile(`:(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)`)
	treeRelation = regexp.MustCompile(`:relid (\d+)`)
	treeType     = regexp.MustCompile(`:(?:vartype|consttype|funcresulttype|opresulttype|resulttype|casetype|coalescetype|minmaxtype|array_typeid|element_typeid) (\d+)`)
)

// outputs are types whose text depends on settings although the catalog calls it immutable, or stable without saying on what.
var outputs = map[uint32][]string{
	17: {"bytea_output"}, 700: {"extra_float_digits"}, 701: {"extra_float_digits"}, 790: {"lc_monetary"}, 1186: {"IntervalStyle"},
	600: {"extra_float_digits"}, 601: {"extra_float_digits"}, 602: {"extra_float_digits"}, 603: {"extra_float_digits"}, 604: {"extra_float_digits"},
	628: {"extra_float_digits"}, 718: {"extra_float_digits"},
	1082: {"DateStyle"}, 1114: {"DateStyle"}, 1184: {"DateStyle", "TimeZone"}, 1266: {"TimeZone"},
}

// printing are functions that print values of any type.
var printing = []string{"concat", "concat_ws", "format", "array_to_string", "to_json", "to_jsonb", "row_to_json", "json_build_object", "json_build_array",
	"jsonb_build_object", "jsonb_build_array", "quote_literal", "quote_nullable", "anytextcat", "textanycat"}

// ofTheMoment are stable functions whose value is that of the transaction or the session.
var ofTheMoment = []string{"now", "transaction_timestamp", "statement_timestamp", "current_setting", "current_schema", "current_schemas", "current_database",
	"current_user", "session_user", "pg_my_temp_schema", "txid_current_snapshot", "pg_current_snapshot", "inet_client_addr", "inet_client_port",
	"inet_server_addr", "inet_server_port", "age"}

// uses reads the tree of a view.
func (r *resolver) uses(tree string) (*uses, error) {
	u := &uses{immutable: true}
	u.aggregate = strings.Contains(tree, "{AGGREF ") || strings.Contains(tree, "{WINDOWFUNC ")
	u.set = strings.Contains(tree, ":funcretset true") || strings.Contains(tree, ":opretset true")
	if strings.Contains(tree, "{SQLVALUEFUNCTION ") {
		u.session = "the user or the time"
	}
	if strings.Contains(tree, "{NEXTVALUEEXPR ") {
		u.session = "a sequence"
	}
	if err := r.relations(u, tree); err != nil {
		return nil, err
	}
	if err := r.functions(u, numbers(treeFunction, tree)); err != nil {
		return nil, err
	}
	prints := strings.Contains(tree, "{COERCEVIAIO ") || slices.ContainsFunc(u.functions, func(f function) bool { return slices.Contains(printing, f.name) })
	if prints {
		for _, t := range numbers(treeType, tree) {
			u.settings = append(u.settings, outputs[t]...)
		}
	}
	if err := r.foreign(u, numbers(treeType, tree)); err != nil {
		return nil, err
	}
	for _, f := range u.functions {
		u.classify(f)
	}
	slices.Sort(u.settings)
	u.settings = slices.Compact(u.settings)
	u.immutable = u.immutable && len(u.settings) == 0
	return u, nil
}

// classify notes what a function makes an expression depend on.
func (u *uses) classify(f function) {
	if f.schema != "pg_catalog" {
		u.immutable = false // a client may lack the right to call it
	}
	if f.volatile == "i" {
		return
	}
	u.immutable = false
	switch {
	case f.volatile == "v", f.schema != "pg_catalog", slices.Contains(ofTheMoment, f.name):
		u.session = "the function " + f.name
	case f.times:
		u.settings = append(u.settings, "TimeZone", "DateStyle", "IntervalStyle")
	}
	if f.name == "to_char" || f.name == "to_number" || f.name == "to_date" || f.name == "to_timestamp" {
		u.settings = append(u.settings, "lc_numeric", "lc_time", "lc_monetary")
	}
}

func numbers(pattern *regexp.Regexp, tree string) []uint32 {
	var out []uint32
	for _, m := range pattern.FindAllStringSubmatch(tree, -1) {
		n, err := strconv.ParseUint(m[1], 10, 32)
		if err == nil && n != 0 && !slices.Contains(out, uint32(n)) {
			out = append(out, uint32(n))
		}
	}
	return out
}

// relations lists the tables that are read but those that stand for the sides.
func (r *resolver) relations(u *uses, tree string) error {
	rows, err := r.tx.Query(r.ctx, `SELECT oid FROM pg_catalog.pg_class
		WHERE oid = ANY ($1) AND NOT (relnamespace = 'segue'::pg_catalog.regnamespace AND pg_catalog.starts_with(relname, '_segue_resolve'))`, numbers(treeRelation, tree))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var oid uint32
		if err := rows.Scan(&oid); err != nil {
			return err
		}
		u.reads = append(u.reads, oid)
	}
	return rows.Err()
}

// functions looks functions up.
func (r *resolver) functions(u *uses, oids []uint32) error {
	rows, err := r.tx.Query(r.ctx, `SELECT p.oid, n.nspname::pg_catalog.text, p.proname::pg_catalog.text, p.provolatile::pg_catalog.text,
			p.prorettype = ANY (times) OR p.proargtypes::pg_catalog.oid[] && times,
			p.prorettype = ANY (plain) AND p.proargtypes::pg_catalog.oid[] <@ plain, p.proisstrict,
			`+trusts("p.proowner")+`
		FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace JOIN pg_catalog.pg_roles AS o ON o.oid = p.proowner,
			(SELECT ARRAY[1082, 1083, 1114, 1184, 1186, 1266]::pg_catalog.oid[], ARRAY[16, 20, 21, 23, 25, 700, 701, 1043, 1082, 1114, 1184, 1700]::pg_catalog.oid[]) AS t (times, plain)
		WHERE p.oid = ANY ($1)`, oids)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var f function
		if err := rows.Scan(&f.oid, &f.schema, &f.name, &f.volatile, &f.times, &f.plain, &f.strict, &f.trusted); err != nil {
			return err
		}
		u.functions = append(u.functions, f)
	}
	return rows.Err()
}

// pinned are the values of settings that nobody has an opinion on: what PostgreSQL comes with.
var pinned = map[string]string{"DateStyle": "ISO, MDY", "IntervalStyle": "postgres", "extra_float_digits": "1", "bytea_output": "hex"}

// judge says what an expression must not do, or nothing, and pins the settings that it depends on.
func (r *resolver) judge(u *uses) (message, hint string) {
	if message, hint := u.strange(); message != "" {
		return message, hint
	}
	switch {
	case u.session != "":
		return "it depends on " + u.session, "an expression of a change must give the same for the same row, whenever and for whomever it is evaluated"
	case u.aggregate:
		return "it has an aggregate or a window function", "look one row up by its key"
	case u.set:
		return "it gives several rows", ""
	}
	for _, oid := range u.reads {
		if !slices.Contains(r.reads, oid) {
			return "it reads a table that is not among reads", "add the table to reads"
		}
	}
	for _, name := range u.settings {
		have := slices.ContainsFunc(keys(r.pins), func(k string) bool { return strings.EqualFold(k, name) })
		value, known := pinned[name]
		switch {
		case have:
		case known:
			r.pins[name] = value
		default:
			return "it depends on the setting " + name, "say which value counts: settings: { " + name + ": … }"
		}
	}
	return "", ""
}

func keys(m map[string]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}
