package proxy

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/proxy/wire"
	"github.com/seguedb/segue/rewrite"
	"github.com/seguedb/segue/rules"
)

// The proxy's own queries run in the client's session, so every name and operator in them is qualified: neither the
// client's search_path nor what it has created must reach them (CVE-2025-12819). Answers are JSON as UTF-8 in hex, and
// names are given the same way, so that client_encoding plays no part.

// relationJSON describes the relation c in schema n.
const relationJSON = `pg_catalog.json_build_object(
 'oid', c.oid::pg_catalog.int8, 'schema', n.nspname, 'name', c.relname, 'kind', c.relkind, 'row', c.reltype::pg_catalog.int8,
 'temp', c.relpersistence OPERATOR(pg_catalog.=) 't'::pg_catalog."char",
 'columns', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
   'num', a.attnum, 'name', a.attname, 'type', a.atttypid::pg_catalog.int8, 'mod', a.atttypmod,
   'typename', pg_catalog.format_type(a.atttypid, a.atttypmod), 'notnull', a.attnotnull, 'default', a.atthasdef,
   'identity', a.attidentity, 'generated', a.attgenerated) ORDER BY a.attnum)
  FROM pg_catalog.pg_attribute a
  WHERE a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped),
 'parents', (SELECT pg_catalog.json_agg(i.inhparent::pg_catalog.int8) FROM pg_catalog.pg_inherits i
  WHERE i.inhrelid OPERATOR(pg_catalog.=) c.oid))`

// inHex makes an ASCII answer of a JSON expression.
func inHex(expr string) string {
	return `pg_catalog.encode(pg_catalog.convert_to((` + expr + `)::pg_catalog.text, 'UTF8'), 'hex')`
}

// writtenPathJSON is the search_path as it is in effect, read from the setting as recomputeNamespacePath in namespace.c does.
// current_schemas tells the same, but creates the temporary schema of a session that has none when pg_temp comes first, and
// fails for a user who may not. So then probeJSON has NULL, and this is asked for by itself: it takes longer to be planned than all
// else.
const writtenPathJSON = `(WITH setting AS MATERIALIZED (
   SELECT CASE WHEN m.part[1] IS NOT NULL THEN pg_catalog.replace(m.part[1], '""', '"') ELSE pg_catalog.lower(m.part[2]) END AS name, m.at
   FROM pg_catalog.regexp_matches(pg_catalog.current_setting('search_path'), '"((?:[^"]|"")*)"|([^",[:space:]]+)', 'g')
    WITH ORDINALITY m(part, at)
  ), named AS MATERIALIZED (
   SELECT CASE WHEN s.name OPERATOR(pg_catalog.=) '$user' THEN CURRENT_USER ELSE s.name::pg_catalog.name END AS name, s.at
   FROM setting s
   UNION ALL SELECT 'pg_catalog', 0 WHERE NOT EXISTS (
    SELECT FROM setting s WHERE s.name OPERATOR(pg_catalog.=) 'pg_catalog')
  ), known AS MATERIALIZED (
   SELECT n.nspname AS name, pg_catalog.min(p.at) AS at
   FROM named p JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) p.name
   WHERE pg_catalog.has_schema_privilege(n.oid, 'USAGE') GROUP BY n.nspname
  ) SELECT pg_catalog.json_agg(k.name ORDER BY k.at) FROM known k)`

const probeJSON = `pg_catalog.json_build_object(
 'path', CASE WHEN pg_catalog.pg_my_temp_schema() OPERATOR(pg_catalog.=) 0::pg_catalog.oid
  AND pg_catalog.strpos(pg_catalog.lower(pg_catalog.current_setting('search_path')), 'pg_temp') OPERATOR(pg_catalog.>) 0
  THEN NULL ELSE pg_catalog.to_json(pg_catalog.current_schemas(true)) END,
 'setting', pg_catalog.current_setting('search_path'),
 'role', pg_catalog.current_setting('role'),
 'authorization', pg_catalog.current_setting('session_authorization'),
 'version', pg_catalog.current_setting('segue.version', true),
 'strings', pg_catalog.current_setting('standard_conforming_strings'),
 'encoding', pg_catalog.current_setting('client_encoding'),
 'application', pg_catalog.current_setting('application_name'),
 'owns', ARRAY(SELECT pg_catalog.concat(d.classid, '.', d.objid) FROM pg_catalog.pg_depend d WHERE ` + inTemporarySchema + `))`

// inTemporarySchema is the condition on a row d of pg_depend that it is of something in the temporary schema; 2615 is
// pg_namespace. It finds by an index what a condition on relnamespace would have to read all of pg_class for.
const inTemporarySchema = `d.refclassid OPERATOR(pg_catalog.=) 2615::pg_catalog.oid AND d.refobjid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()`

// What belongs to the temporary schema by itself: relations, and types, by which the relation of a composite type does.
const (
	ownRelation = "1259." // pg_class
	ownType     = "1247." // pg_type
)

// temporaryFrom is where the relations in the temporary schema are read; $1 has the OIDs of those that belong to it, and $2
// those of types that do. Where there are no types, it is planned in a third of the time without them.
const (
	temporaryFrom = ` FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
 WHERE c.relnamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema() AND c.oid OPERATOR(pg_catalog.=) ANY (`
	temporaryTables = `$1::pg_catalog.text::pg_catalog.oid[]`
	temporaryTypes  = `ARRAY(SELECT t.typrelid FROM pg_catalog.pg_type t WHERE t.oid OPERATOR(pg_catalog.=) ANY ($2::pg_catalog.text::pg_catalog.oid[]))`
)

var (
	probeSQL       = "SELECT " + inHex(probeJSON)
	writtenPathSQL = "SELECT " + inHex(writtenPathJSON)
	temporarySQL   = "SELECT " + inHex("pg_catalog.json_agg("+relationJSON+")") + temporaryFrom + temporaryTables + ")"
	withTypesSQL   = "SELECT " + inHex("pg_catalog.json_agg("+relationJSON+")") + temporaryFrom + temporaryTables + " OPERATOR(pg_catalog.||) " + temporaryTypes + ")"
	relationSQL    = "SELECT " + inHex(relationJSON) + ` FROM pg_catalog.pg_class c
 JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
 WHERE c.oid OPERATOR(pg_catalog.=) (SELECT pg_catalog.to_regclass(
  pg_catalog.convert_from(pg_catalog.decode($1::pg_catalog.text, 'hex'), 'UTF8'))::pg_catalog.oid)`
)

// probed is the answer to probeSQL.
type probed struct {
	Path        []string // nil where it has to be asked for by writtenPathSQL
	Version     *string
	Strings     string
	Encoding    string
	Application string
	Owns        []string      // what belongs to the temporary schema by itself: the OIDs of its catalog and its own
	Temporary   []relationRow // the answer to temporaryQuery

	Setting       string // search_path as it is written
	Role          string
	Authorization string
}

// relationRow is a relation as relationJSON gives it.
type relationRow struct {
	OID     uint32
	Schema  string
	Name    string
	Kind    string
	Row     uint32
	Temp    bool
	Parents []uint32
	Columns []struct {
		Num       int16
		Name      string
		Type      uint32
		Mod       int32
		TypeName  string
		NotNull   bool
		Default   bool
		Identity  string
		Generated string
	}
}

func (r *relationRow) relation() *catalog.Relation {
	rel := &catalog.Relation{
		OID: catalog.OID(r.OID), Schema: r.Schema, Name: r.Name, RowType: catalog.OID(r.Row), Temp: r.Temp,
	}
	if r.Kind != "" {
		rel.Kind = catalog.Kind(r.Kind[0])
	}
	for _, oid := range r.Parents {
		rel.Parents = append(rel.Parents, catalog.OID(oid))
	}
	for _, c := range r.Columns {
		column := catalog.Column{
			Num: c.Num, Name: c.Name, Type: catalog.OID(c.Type), Typmod: c.Mod, TypeName: c.TypeName,
			NotNull: c.NotNull, Default: c.Default, Stored: c.Generated == "s",
		}
		if c.Identity != "" {
			column.Identity = c.Identity[0]
		}
		rel.Columns = append(rel.Columns, column)
	}
	return rel
}

// overlay makes the session's own relations of the answer: by their bare name, by the name of their schema, and by its
// alias pg_temp.
func (p *probed) overlay() map[rules.Name]*catalog.Relation {
	if len(p.Temporary) == 0 {
		return nil
	}
	own := make(map[rules.Name]*catalog.Relation)
	for i := range p.Temporary {
		rel := p.Temporary[i].relation()
		switch rel.Kind {
		case catalog.Index, catalog.PartitionedIndex, 't':
			continue
		}
		own[rules.Name{Name: rel.Name}] = rel
		own[rules.Name{Schema: rel.Schema, Name: rel.Name}] = rel
		own[rules.Name{Schema: "pg_temp", Name: rel.Name}] = rel
	}
	return own
}

// pathElement matches an element of search_path: in quotes, or as it is.
var pathElement = regexp.MustCompile(`"((?:[^"]|"")*)"|([^",\s]+)`)

// makesTemporary tells whether a relation that is made without a schema's name becomes a temporary one, as
// recomputeNamespacePath in namespace.c has it: pg_temp counts where it stands, other schemas only where they are there.
func (p *probed) makesTemporary() bool {
	for _, m := range pathElement.FindAllStringSubmatch(p.Setting, -1) {
		name := strings.ReplaceAll(m[1], `""`, `"`)
		if m[2] != "" {
			name = strings.ToLower(m[2])
		}
		if name == "$user" {
			name = p.role()
		}
		switch {
		case name == "pg_temp":
			return true
		case slices.Contains(p.Path, name):
			return strings.HasPrefix(name, "pg_temp_")
		}
	}
	return false
}

// probe reads the state of the session, for then.
func (s *session) probe(then func(*probed)) error {
	p := new(probed)
	temporary := func() error {
		sql, params := p.temporaryQuery()
		if sql == "" {
			then(p)
			return nil
		}
		return s.askJSON(sql, &p.Temporary, func() error {
			then(p)
			return nil
		}, params...)
	}
	return s.askJSON(probeSQL, p, func() error {
		if p.Path != nil {
			return temporary()
		}
		return s.askJSON(writtenPathSQL, &p.Path, temporary)
	})
}

// temporaryQuery asks for the relations in the temporary schema; "" where there are none.
func (p *probed) temporaryQuery() (sql string, params [][]byte) {
	var relations, types []string
	for _, own := range p.Owns {
		if oid, is := strings.CutPrefix(own, ownRelation); is {
			relations = append(relations, oid)
		} else if oid, is := strings.CutPrefix(own, ownType); is {
			types = append(types, oid)
		}
	}
	list := func(oids []string) []byte { return []byte("{" + strings.Join(oids, ",") + "}") }
	switch {
	case len(types) > 0:
		return withTypesSQL, [][]byte{list(relations), list(types)}
	case len(relations) > 0:
		return temporarySQL, [][]byte{list(relations)}
	}
	return "", nil
}

// askJSON asks by a query that is inHex, and has the answer in into when then is called. SQL NULL leaves it as it is.
func (s *session) askJSON(sql string, into any, then func() error, params ...[]byte) error {
	return s.ask(sql, func(answer []byte) error {
		if answer != nil {
			if err := decodeHex(answer, into); err != nil {
				return err
			}
		}
		return then()
	}, params...)
}

// lookUp asks the session's server which relations the names mean, and what else the rewriter asks, and puts the answers
// into the session. It returns nil where the proxy knows all of it.
func (s *session) lookUp(e *epoch, binder *rewrite.Binder, need *rewrite.NeedRelation) error {
	var queries []*hiddenGroup
	for _, name := range need.Names {
		queries = append(queries, ownQuery(relationSQL, false, []byte(hex.EncodeToString([]byte(quoted(name))))))
	}
	texts := make(map[string]string, len(need.Questions))
	for _, question := range need.Questions {
		if question == rewrite.SentTexts {
			texts[question] = s.state.sent.answer(s.state.session.Version)
			continue
		}
		queries = append(queries, ownQuery(question, false))
	}
	learn := func() error {
		answers := make(map[rules.Name]*catalog.Relation, len(need.Names))
		rest := queries
		for _, name := range need.Names {
			relation, err := rest[0].relation()
			if err != nil {
				return err
			}
			answers[name], rest = relation, rest[1:]
		}
		for _, question := range need.Questions {
			if question == rewrite.SentTexts {
				continue
			}
			answer, err := rest[0].value()
			if err != nil && !errors.Is(err, errNoRow) {
				return err
			}
			texts[question], rest = string(answer), rest[1:]
		}
		s.state.learn(answers, texts)
		s.lacks(e, binder, answers)
		return nil
	}
	if len(queries) == 0 {
		return learn()
	}
	return s.askAll(queries, false, learn)
}

// relation is that of an answer to relationSQL; nil: there is none.
func (g *hiddenGroup) relation() (*catalog.Relation, error) {
	answer, err := g.value()
	if errors.Is(err, errNoRow) {
		return nil, nil
	}
	row := new(relationRow)
	if err == nil {
		err = decodeHex(answer, row)
	}
	if err != nil {
		return nil, err
	}
	return row.relation(), nil
}

// quoted is the name as to_regclass reads it.
func quoted(n rules.Name) string {
	quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	if n.Schema == "" {
		return quote(n.Name)
	}
	return quote(n.Schema) + "." + quote(n.Name)
}

func decodeHex(answer []byte, into any) error {
	text := make([]byte, hex.DecodedLen(len(answer)))
	_, err := hex.Decode(text, answer)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return raise(&wire.Error{Code: "XX000", Message: "segue: cannot read the state of the session: " + err.Error()})
	}
	return nil
}
