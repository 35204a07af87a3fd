package store

// functions are called by what statements on the system catalogs become, with the rights of whoever sends them. They
// do what the same expressions would do in the text; as functions they cost the planner next to nothing, and hide no row
// from an index and no query from being pulled up. All that they call is qualified, types included, since the
// caller's search_path holds: a temporary type would come before that of pg_catalog.
const functions = `
CREATE OR REPLACE FUNCTION segue.names_of(map text) RETURNS jsonb LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 1 AS $$
DECLARE held pg_catalog.jsonb;
BEGIN -- an absent map must not be taken for an empty one; the empty path has it be fetched once
	SELECT n.names OPERATOR(pg_catalog.#>) '{}'::pg_catalog.text[] INTO held FROM segue.names AS n WHERE n.id OPERATOR(pg_catalog.=) map;
	IF held IS NULL THEN
		RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = 'the names that the system catalogs show to this version are not stored',
			HINT = 'Send the statement again.', DETAIL = pg_catalog.concat('There is no row "', map, '" in segue.names.');
	END IF;
	RETURN held;
END $$;

CREATE OR REPLACE FUNCTION segue.definition(definition text, entry jsonb, tokens text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1 AS $$
DECLARE
	old pg_catalog.text := pg_catalog.quote_ident(entry OPERATOR(pg_catalog.->>) 'from');
	bracket pg_catalog.int4;
	head pg_catalog.text;
BEGIN -- see definitionSQL in package rewrite
	IF entry IS NULL OR definition IS NULL OR (pg_catalog.strpos(definition, old) OPERATOR(pg_catalog.>) 0) IS NOT TRUE
		AND NOT EXISTS (SELECT FROM pg_catalog.jsonb_object_keys(entry OPERATOR(pg_catalog.->) 'columns') AS w(n)
			WHERE pg_catalog.strpos(definition, pg_catalog.replace(w.n, '"', '""')) OPERATOR(pg_catalog.>) 0)
		OR definition OPERATOR(pg_catalog.~) 'SELECT[[:space:]]' THEN
		RETURN definition;
	END IF;
	bracket := pg_catalog.strpos(definition, '(');
	IF definition OPERATOR(pg_catalog.~) '^(CREATE (UNIQUE )?INDEX [a-z0-9_]+ ON [A-Za-z0-9_. ]+ USING [a-z0-9_]+ |PRIMARY KEY |UNIQUE )?[(][A-Za-z0-9_, ]+[)]$' THEN
		-- columns between one pair of brackets, each perhaps with an operator class and an order: no need to cut it into tokens
		head := pg_catalog.split_part(pg_catalog.left(definition, bracket OPERATOR(pg_catalog.-) 1), ' USING ', 1);
		RETURN (CASE WHEN pg_catalog.starts_with(head, 'CREATE ') THEN segue.renamed(head, entry) ELSE head END) OPERATOR(pg_catalog.||)
			pg_catalog.substr(definition, pg_catalog.length(head) OPERATOR(pg_catalog.+) 1, bracket OPERATOR(pg_catalog.-) pg_catalog.length(head)) OPERATOR(pg_catalog.||)
			(SELECT pg_catalog.string_agg(COALESCE(pg_catalog.quote_ident(entry OPERATOR(pg_catalog.->) 'columns' OPERATOR(pg_catalog.->>) c.name), c.name)
					OPERATOR(pg_catalog.||) pg_catalog.substr(c.item, pg_catalog.length(c.name) OPERATOR(pg_catalog.+) 1), ', ' ORDER BY c.i)
				FROM (SELECT u.item, pg_catalog.split_part(u.item, ' ', 1), u.i FROM pg_catalog.unnest(pg_catalog.string_to_array(
					pg_catalog.substr(definition, bracket OPERATOR(pg_catalog.+) 1, pg_catalog.length(definition) OPERATOR(pg_catalog.-) bracket OPERATOR(pg_catalog.-) 1),
					', ')) WITH ORDINALITY AS u(item, i)) AS c(item, name, i)) OPERATOR(pg_catalog.||) ')';
	END IF;
	RETURN COALESCE((
		SELECT pg_catalog.string_agg(CASE
			WHEN m.t[3] IS NOT NULL THEN COALESCE(pg_catalog.quote_ident(entry OPERATOR(pg_catalog.->) 'columns' OPERATOR(pg_catalog.->>) CASE
				WHEN pg_catalog.left(m.t[3], 1) OPERATOR(pg_catalog.=) '"'
				THEN pg_catalog.replace(pg_catalog.substr(m.t[3], 2, pg_catalog.length(m.t[3]) OPERATOR(pg_catalog.-) 2), '""', '"') ELSE m.t[3] END), m.t[3])
			WHEN m.t[2] IS NOT NULL THEN segue.renamed(m.t[2], entry)
			ELSE COALESCE(m.t[1], m.t[4]) END, '' ORDER BY m.i)
		FROM pg_catalog.regexp_matches(definition, tokens, 'g') WITH ORDINALITY AS m(t, i)), definition);
END $$;

CREATE OR REPLACE FUNCTION segue.renamed(name text, entry jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1 AS $$
DECLARE old pg_catalog.text := pg_catalog.quote_ident(entry OPERATOR(pg_catalog.->>) 'from');
BEGIN
	IF pg_catalog.right(name, pg_catalog.length(old)) OPERATOR(pg_catalog.=) old THEN
		RETURN pg_catalog.left(name, OPERATOR(pg_catalog.-) pg_catalog.length(old)) OPERATOR(pg_catalog.||)
			pg_catalog.quote_ident(entry OPERATOR(pg_catalog.->>) 'to');
	END IF;
	RETURN name;
END $$;

CREATE OR REPLACE FUNCTION segue.constraint_definition(definition text, own jsonb, other jsonb, tokens text, parts text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1 AS $$
DECLARE part pg_catalog.text[];
BEGIN
	IF pg_catalog.starts_with(definition, 'FOREIGN KEY') THEN
		part := pg_catalog.regexp_match(definition, parts);
	END IF;
	IF part IS NULL THEN
		RETURN segue.definition(definition, own, tokens);
	END IF;
	RETURN segue.definition(part[1], own, tokens) OPERATOR(pg_catalog.||) segue.renamed(part[2], other) OPERATOR(pg_catalog.||)
		segue.definition(part[3], other, tokens) OPERATOR(pg_catalog.||) segue.definition(part[4], own, tokens);
END $$;

CREATE OR REPLACE FUNCTION segue.table_of(kind text, object oid) RETURNS oid LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 1 AS $$
BEGIN
	IF kind OPERATOR(pg_catalog.=) 'indrelid' THEN
		RETURN (SELECT x.indrelid FROM pg_catalog.pg_index AS x WHERE x.indexrelid OPERATOR(pg_catalog.=) object);
	ELSIF kind OPERATOR(pg_catalog.=) 'conrelid' THEN
		RETURN (SELECT x.conrelid FROM pg_catalog.pg_constraint AS x WHERE x.oid OPERATOR(pg_catalog.=) object);
	ELSIF kind OPERATOR(pg_catalog.=) 'confrelid' THEN
		RETURN (SELECT x.confrelid FROM pg_catalog.pg_constraint AS x WHERE x.oid OPERATOR(pg_catalog.=) object);
	ELSIF kind OPERATOR(pg_catalog.=) 'tgrelid' THEN
		RETURN (SELECT x.tgrelid FROM pg_catalog.pg_trigger AS x WHERE x.oid OPERATOR(pg_catalog.=) object);
	ELSIF kind OPERATOR(pg_catalog.=) 'stxrelid' THEN
		RETURN (SELECT x.stxrelid FROM pg_catalog.pg_statistic_ext AS x WHERE x.oid OPERATOR(pg_catalog.=) object);
	END IF;
	RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = pg_catalog.concat('no object has ', kind);
END $$;

CREATE OR REPLACE FUNCTION segue.index_column(index oid, num int2, name name, later jsonb) RETURNS text LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 1 AS $$
BEGIN -- the columns of an index have the names that those of the table had when it was made
	RETURN (SELECT later OPERATOR(pg_catalog.->) name::pg_catalog.text OPERATOR(pg_catalog.->) x.indrelid::pg_catalog.text
			OPERATOR(pg_catalog.->>) (x.indkey[num OPERATOR(pg_catalog.-) 1])::pg_catalog.text
		FROM pg_catalog.pg_index AS x WHERE x.indexrelid OPERATOR(pg_catalog.=) index);
END $$;
`
