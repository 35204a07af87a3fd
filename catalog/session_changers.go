package catalog

import "context"

// A SessionChanger is a name that a statement can use to change, unseen, what later names in its session mean: a function
// that sets search_path or makes a temporary table, what calls such a function, and a table, view or domain that has
// one called by a trigger, a rule, a default, a constraint or a policy.
type SessionChanger struct {
	Name    string
	Version bool // it may change segue.version too
}

// sessionChangersSQL starts at the functions whose body holds the words for it, whether as code or as a string that is
// executed, and follows who uses whom. Bodies kept as text show their calls by name only; there each name that is found
// counts. A set_config of a constant that is none of these settings (app.user) does not count, and neither do the trigger functions
// of package change and the functions of package store, which name what is in the schema segue: nobody but its owner makes any there.
const sessionChangersSQL = `
	WITH RECURSIVE bodies AS MATERIALIZED (
		SELECT p.oid, p.proname::pg_catalog.text AS name, source, ' ' || pg_catalog.regexp_replace(pg_catalog.lower(source), '\W+', ' ', 'g') || ' ' AS spaced
		FROM pg_catalog.pg_proc p
		JOIN pg_catalog.pg_language l ON l.oid = p.prolang,
		LATERAL (SELECT CASE WHEN p.prosrc = '' AND p.prokind IN ('f', 'p') THEN pg_catalog.pg_get_functiondef(p.oid) ELSE p.prosrc END AS source) s
		WHERE p.oid >= 16384 AND l.lanname NOT IN ('c', 'internal')
		AND p.pronamespace::pg_catalog.regnamespace::pg_catalog.text <> 'segue'
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
		WHERE classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_class'::pg_catalog.regclass)
		   OR classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND objsubid > 0
		UNION ALL
		SELECT 'pg_class'::pg_catalog.regclass, inhrelid, 'pg_class'::pg_catalog.regclass, inhparent FROM pg_catalog.pg_inherits
		UNION ALL
		SELECT 'pg_class'::pg_catalog.regclass, inhparent, 'pg_class'::pg_catalog.regclass, inhrelid FROM pg_catalog.pg_inherits
		UNION ALL
		SELECT 'pg_class'::pg_catalog.regclass, conrelid, 'pg_class'::pg_catalog.regclass, confrelid
		FROM pg_catalog.pg_constraint WHERE contype = 'f' AND (confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd'))
	), found(class, oid, version) AS (
		SELECT 'pg_proc'::pg_catalog.regclass::pg_catalog.oid, oid,
			source ~* '\msegue\M|\mset_config\s*\(\s*(?!\s*''[\w.]+'')|\m(reset|discard)\s+all\M'
		FROM bodies
		WHERE source ~* ('\m(search_path|segue|standard_conforming_strings|client_encoding|pg_temp|discard)\M' ||
			'|\mset_config\s*\(\s*(?!\s*''[\w.]+'')|\mset_config\s*\(\s*''(role|session_authorization)''' ||
			'|\m(set|reset)\s+((local|session)\s+)?(role|schema|names|session\s+authorization|all)\M' ||
			'|\m(create|into)\s+((local|global)\s+)?(temp|temporary)\M|\mdrop\s+table\M')
		UNION
		SELECT x.class, x.oid, f.version
		FROM found f
		CROSS JOIN LATERAL (
			SELECT e.by_class, e.by FROM edges e WHERE e.class = f.class AND e.used = f.oid
			UNION ALL
			SELECT 'pg_proc'::pg_catalog.regclass, b.oid
			FROM (SELECT proname::pg_catalog.text FROM pg_catalog.pg_proc WHERE f.class = 'pg_catalog.pg_proc'::pg_catalog.regclass AND oid = f.oid
				UNION ALL
				SELECT relname FROM pg_catalog.pg_class WHERE f.class = 'pg_catalog.pg_class'::pg_catalog.regclass AND oid = f.oid) n(name),
				bodies b
			WHERE pg_catalog.strpos(b.spaced, ' ' || pg_catalog.regexp_replace(pg_catalog.lower(n.name), '\W+', ' ', 'g') || ' ') > 0
		) x(class, oid)
	)
	SELECT name, pg_catalog.bool_or(version)
	FROM (
		SELECT p.proname::pg_catalog.text AS name, version FROM found f JOIN pg_catalog.pg_proc p ON p.oid = f.oid AND class = 'pg_catalog.pg_proc'::pg_catalog.regclass
		UNION ALL
		SELECT relname, version FROM found f JOIN pg_catalog.pg_class c ON c.oid = f.oid AND class = 'pg_catalog.pg_class'::pg_catalog.regclass
		UNION ALL
		SELECT typname, version FROM found f JOIN pg_catalog.pg_type t ON t.oid = f.oid AND class = 'pg_catalog.pg_type'::pg_catalog.regclass
	) named
	GROUP BY name
	ORDER BY name`

func readSessionChangers(ctx context.Context, q Querier) ([]SessionChanger, error) {
	rows, err := q.Query(ctx, sessionChangersSQL)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []SessionChanger
	for rows.Next() {
		var c SessionChanger
		if err := rows.Scan(&c.Name, &c.Version); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}
