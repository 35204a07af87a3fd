package catalog

import (
	"context"
	"slices"
	"strings"
)

// A SessionChanger is a name that a statement can use to change, unseen, what later names in its session mean: a function
// that sets search_path or makes a temporary table, what calls such a function, and a table, view or domain that has
// one called by a trigger, a rule, a default, a constraint or a policy.
type SessionChanger struct {
	Name    string
	Version bool // it may change segue.version too
}

// Makers are the names that a statement can use to make something unseen: a function whose body has a statement that makes, alters or
// drops something, or that executes a text which might (see cleared.go), and all that leads to one as it leads to a SessionChanger.
// What a body makes of temporary tables and drops of tables does not count, for that makes it a SessionChanger. Where an operator or a
// cast leads to one, a name is empty: every text may use it. Where an event trigger does, they have the words of the statements for
// which it may fire, and the functions with such a statement. Where there is any, they have the functions of PostgreSQL's own that
// execute a text, and those that run what was put off: a cursor's query, or deferred triggers.

// runnersSQL starts at the functions whose body holds the words for it, whether as code or as a string that is
// executed, and follows who uses whom. Bodies kept as text show their calls by name only; there each name that is found
// counts. Of a computed name the end may be cut off. A set_config of a constant that is none of these settings (app.user) does not count, and neither do the trigger functions
// of package change and the functions of package store, which name what is in the schema segue: nobody but its owner makes any there.
var runnersSQL = withEscapes(`
	WITH RECURSIVE bodies AS MATERIALIZED (
		SELECT p.oid, l.lanname AS language, source, cleared.oid IS NOT NULL AS cleared, relations, attributes, anything,
			'pg_catalog.refcursor'::pg_catalog.regtype = ANY (p.proargtypes) AS takes_cursor,
			' ' || pg_catalog.regexp_replace(pg_catalog.lower(pg_catalog.concat_ws(' ', source, texts)), '\W+', ' ', 'g') || ' ' AS spaced
		FROM pg_catalog.pg_proc p
		JOIN pg_catalog.pg_language l ON l.oid = p.prolang
		LEFT JOIN pg_catalog.json_to_recordset($1::pg_catalog.text::pg_catalog.json)
			cleared(oid pg_catalog.oid, texts pg_catalog.text, relations pg_catalog.text, attributes boolean, anything boolean) ON cleared.oid = p.oid,
		LATERAL (SELECT CASE WHEN p.prosrc = '' AND p.prokind IN ('f', 'p') THEN pg_catalog.pg_get_functiondef(p.oid) ELSE p.prosrc END AS source) s
		WHERE p.oid >= 16384 AND l.lanname NOT IN ('c', 'internal')
		AND p.pronamespace IS DISTINCT FROM pg_catalog.to_regnamespace('segue')
	), edges AS MATERIALIZED (
		SELECT 'pg_proc'::pg_catalog.regclass::pg_catalog.oid AS class, tgfoid AS used, 'pg_class'::pg_catalog.regclass::pg_catalog.oid AS by_class, tgrelid AS by
		FROM pg_catalog.pg_trigger WHERE NOT tgisinternal
		UNION ALL
		SELECT d.refclassid, d.refobjid, 'pg_class'::pg_catalog.regclass, r.ev_class
		FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = d.objid
		UNION ALL
		SELECT d.refclassid, d.refobjid, 'pg_class'::pg_catalog.regclass, a.adrelid
		FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attrdef a ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND a.oid = d.objid
		UNION ALL
		SELECT d.refclassid, d.refobjid, 'pg_class'::pg_catalog.regclass, p.polrelid
		FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_policy p ON d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND p.oid = d.objid
		UNION ALL
		SELECT d.refclassid, d.refobjid, 'pg_class'::pg_catalog.regclass, c.conrelid
		FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_constraint c ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND c.oid = d.objid
		WHERE c.conrelid <> 0
		UNION ALL
		SELECT d.refclassid, d.refobjid, 'pg_type'::pg_catalog.regclass, c.contypid
		FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_constraint c ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND c.oid = d.objid
		WHERE c.contypid <> 0
		UNION ALL
		SELECT refclassid, refobjid, classid, objid FROM pg_catalog.pg_depend
		WHERE classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
			AND refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass)
		   OR classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
		   OR classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND objsubid > 0 -- before 15 what a generated column calls is found so
				AND refclassid IN ('pg_catalog.pg_type'::pg_catalog.regclass, 'pg_catalog.pg_proc'::pg_catalog.regclass)
		UNION ALL
		SELECT d.refclassid, d.refobjid, 'pg_type'::pg_catalog.regclass, c.reltype
		FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid
		WHERE d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.objsubid > 0 AND c.reltype <> 0
		UNION ALL
		SELECT refclassid, refobjid, classid, objid FROM pg_catalog.pg_depend
		WHERE classid IN ('pg_catalog.pg_operator'::pg_catalog.regclass, 'pg_catalog.pg_cast'::pg_catalog.regclass, 'pg_catalog.pg_event_trigger'::pg_catalog.regclass)
			AND refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
		UNION ALL
		SELECT d.refclassid, d.refobjid, 'pg_class'::pg_catalog.regclass, i.indrelid
		FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_index i ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND i.indexrelid = d.objid
		WHERE d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
		UNION ALL
		SELECT 'pg_class'::pg_catalog.regclass, inhrelid, 'pg_class'::pg_catalog.regclass, inhparent FROM pg_catalog.pg_inherits
		UNION ALL
		SELECT 'pg_class'::pg_catalog.regclass, inhparent, 'pg_class'::pg_catalog.regclass, inhrelid FROM pg_catalog.pg_inherits
		UNION ALL
		SELECT 'pg_class'::pg_catalog.regclass, conrelid, 'pg_class'::pg_catalog.regclass, confrelid
		FROM pg_catalog.pg_constraint WHERE contype = 'f' AND (confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd'))
	), makers AS MATERIALIZED (
		SELECT oid
		FROM bodies
		WHERE NOT cleared AND (language NOT IN ('sql', 'plpgsql')
			OR pg_catalog.regexp_replace(source, '\mcreate\s+((local|global)\s+)?(temp|temporary)\s+table\M|\mon\s+commit\s+drop\M|\mdrop\s+table\M' ||
				CASE language WHEN 'sql' THEN '|\m(insert|merge)\s+into\M' ELSE '' END, ' ', 'gi')
				~* CASE language WHEN 'sql' THEN '\m(create|alter|drop|execute|import|into|query_to_xml\w*|cursor_to_xml\w*|ts_stat|ts_rewrite)\M'
				ELSE ` + making + ` END)
	), seeds AS (
		SELECT 'pg_proc'::pg_catalog.regclass::pg_catalog.oid, oid, true,
			source ~* '\msegue\M|\mset_config"?\s*\(\s*(?!\s*''[\w.]+'')|\m(reset|discard)\s+all\M'
		FROM bodies
		WHERE source ~* ('\m(search_path|segue|standard_conforming_strings|client_encoding|pg_temp|discard)\M' ||
			'|\mset_config"?\s*\(\s*(?!\s*''[\w.]+'')|\mset_config"?\s*\(\s*''(role|session_authorization)''' ||
			'|\m(set|reset)\s+((local|session)\s+)?(role|schema|names|session\s+authorization|all)\M' ||
			'|\m(create|into)\s+((local|global)\s+)?(temp|temporary)\M|\mdrop\s+table\M')
		UNION ALL
		SELECT 'pg_proc'::pg_catalog.regclass, oid, false, false FROM makers
		UNION ALL
		SELECT 'pg_proc'::pg_catalog.regclass, oid, false, false FROM bodies
		WHERE EXISTS (SELECT FROM makers) AND (source ~* '\mset\s+constraints\M'
			OR language = 'plpgsql' AND source ~* '\m(fetch|move)\M' AND (takes_cursor OR source ~* '\mrefcursor\M'))
	), found(class, oid, changes, version) AS (
		SELECT * FROM seeds
		UNION
		SELECT x.class, x.oid, f.changes, f.version
		FROM found f
		CROSS JOIN LATERAL (
			SELECT e.by_class, e.by FROM edges e WHERE e.class = f.class AND e.used = f.oid
			UNION ALL
			SELECT 'pg_proc'::pg_catalog.regclass, b.oid
			FROM (SELECT proname::pg_catalog.text FROM pg_catalog.pg_proc WHERE f.class = 'pg_catalog.pg_proc'::pg_catalog.regclass AND oid = f.oid
				UNION ALL
				SELECT relname FROM pg_catalog.pg_class WHERE f.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND oid = f.oid
				UNION ALL
				SELECT typname FROM pg_catalog.pg_type WHERE f.class = 'pg_catalog.pg_type'::pg_catalog.regclass AND oid = f.oid) n(name),
				bodies b
			WHERE pg_catalog.strpos(b.spaced, ' ' || pg_catalog.regexp_replace(pg_catalog.lower(n.name), '\W+', ' ', 'g') || ' ') > 0
			UNION ALL
			SELECT 'pg_proc'::pg_catalog.regclass, b.oid FROM bodies b
			WHERE NOT f.changes AND f.class = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass
				AND b.spaced ~ ' (create|alter|drop|import|grant|revoke|comment|refresh|reindex|label|reassign|cluster) '
			UNION ALL
			SELECT 'pg_proc'::pg_catalog.regclass, b.oid FROM bodies b
			WHERE NOT f.changes AND b.cleared AND (
				anything AND f.class IN ('pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass)
				OR f.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND EXISTS (SELECT FROM pg_catalog.pg_class c
					WHERE c.oid = f.oid AND (c.relname ~* relations OR relations <> '' AND pg_catalog.octet_length(c.relname) >= 60))
				OR (attributes OR anything) AND f.class = 'pg_catalog.pg_proc'::pg_catalog.regclass
				AND EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.oid = f.oid
					AND prorettype NOT IN ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
					AND (anything OR pronargs > 0 AND pronargs - pronargdefaults <= 1)))
		) x(class, oid)
	)
	SELECT name, changes, pg_catalog.bool_or(version)
	FROM (
		SELECT p.proname::pg_catalog.text AS name, changes, version FROM found f JOIN pg_catalog.pg_proc p ON p.oid = f.oid AND class = 'pg_catalog.pg_proc'::pg_catalog.regclass
		UNION ALL
		SELECT relname, changes, version FROM found f JOIN pg_catalog.pg_class c ON c.oid = f.oid AND class = 'pg_catalog.pg_class'::pg_catalog.regclass
		UNION ALL
		SELECT typname, changes, version FROM found f JOIN pg_catalog.pg_type t ON t.oid = f.oid AND class = 'pg_catalog.pg_type'::pg_catalog.regclass
		UNION ALL
		SELECT '', false, false FROM found
		WHERE class IN ('pg_catalog.pg_operator'::pg_catalog.regclass, 'pg_catalog.pg_cast'::pg_catalog.regclass) AND NOT changes
		UNION ALL
		SELECT word, false, false FROM found, pg_catalog.unnest(ARRAY['create', 'alter', 'drop', 'into', 'import', 'grant', 'revoke', 'comment',
			'refresh', 'reindex', 'label', 'reassign', 'cluster']) word
		WHERE class = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass AND NOT changes
		UNION ALL
		SELECT word, false, false
		FROM pg_catalog.unnest(ARRAY['query_to_xml', 'query_to_xmlschema', 'query_to_xml_and_xmlschema', 'cursor_to_xml', 'cursor_to_xmlschema', 'ts_stat', 'ts_rewrite']) word
		WHERE EXISTS (SELECT FROM found WHERE NOT changes)
	) named
	GROUP BY name, changes
	ORDER BY name, changes`)

// readRunners reads SessionChangers and Makers.
func (c *Catalog) readRunners(ctx context.Context, q Querier) error {
	cleared, err := readCleared(ctx, q)
	if err != nil {
		return err
	}
	rows, err := q.Query(ctx, runnersSQL, cleared)
	if err != nil {
		return err
	}
	defer rows.Close()
	c.SessionChangers, c.Makers, c.Cleared = nil, nil, cleared != "[]"
	for rows.Next() {
		var r SessionChanger
		var changes bool
		if err := rows.Scan(&r.Name, &changes, &r.Version); err != nil {
			return err
		}
		if changes {
			c.SessionChangers = append(c.SessionChangers, r)
		} else {
			c.Makers = append(c.Makers, r.Name)
		}
	}
	return rows.Err()
}

// addRunners adds SessionChangers and Makers of another catalog.
func (c *Catalog) addRunners(other *Catalog) {
	for _, r := range other.SessionChangers {
		if at := slices.IndexFunc(c.SessionChangers, func(x SessionChanger) bool { return x.Name == r.Name }); at < 0 {
			c.SessionChangers = append(c.SessionChangers, r)
		} else if r.Version {
			c.SessionChangers[at].Version = true
		}
	}
	slices.SortFunc(c.SessionChangers, func(a, b SessionChanger) int { return strings.Compare(a.Name, b.Name) })
	c.Makers = append(c.Makers, other.Makers...)
	slices.Sort(c.Makers)
	c.Makers = slices.Compact(c.Makers)
	c.Cleared = c.Cleared || other.Cleared
}
