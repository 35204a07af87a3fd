package store

// printed are functions for names that are printed, as printed in package rewrite describes them. names are those of
// relations or, where types is true, of types.
const printed = `
CREATE OR REPLACE FUNCTION segue.is_visible(object oid, otherwise bool, names jsonb, types bool) RETURNS bool LANGUAGE plpgsql STABLE PARALLEL SAFE COST 10 AS $$
DECLARE -- RelationIsVisible and TypeIsVisible (namespace.c); no name is looked up in a schema that search_path does not have
	entry pg_catalog.jsonb := names OPERATOR(pg_catalog.->) object::pg_catalog.text;
	own pg_catalog.text := entry OPERATOR(pg_catalog.->>) 'schema';
	name pg_catalog.text := COALESCE(entry OPERATOR(pg_catalog.->>) 'name', entry OPERATOR(pg_catalog.->>) 'to');
	others pg_catalog.jsonb := names OPERATOR(pg_catalog.->) ('=' OPERATOR(pg_catalog.||) name);
	space pg_catalog.text;
	there pg_catalog.text;
	other pg_catalog.jsonb;
BEGIN
	IF entry IS NULL THEN
		RETURN otherwise;
	END IF;
	FOREACH space IN ARRAY pg_catalog.current_schemas(true) LOOP
		IF space OPERATOR(pg_catalog.=) own THEN
			RETURN true;
		ELSIF others OPERATOR(pg_catalog.?) space THEN
			RETURN false;
		END IF;
		there := pg_catalog.quote_ident(space) OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) pg_catalog.quote_ident(name);
		there := CASE WHEN types THEN pg_catalog.to_regtype(there)::pg_catalog.oid ELSE pg_catalog.to_regclass(there)::pg_catalog.oid END::pg_catalog.text;
		IF there IS NOT NULL THEN
			other := names OPERATOR(pg_catalog.->) there;
			IF other IS NULL OR COALESCE(other OPERATOR(pg_catalog.->>) 'name', other OPERATOR(pg_catalog.->>) 'to') OPERATOR(pg_catalog.=) name THEN
				RETURN false;
			END IF;
		END IF;
	END LOOP;
	RETURN false;
END $$;

CREATE OR REPLACE FUNCTION segue.printed(printed text, object oid, names jsonb, types bool) RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE COST 10 AS $$
DECLARE
	entry pg_catalog.jsonb := names OPERATOR(pg_catalog.->) object::pg_catalog.text;
	suffix pg_catalog.text := COALESCE(entry OPERATOR(pg_catalog.->>) 'suffix', '');
	old pg_catalog.text := pg_catalog.quote_ident(entry OPERATOR(pg_catalog.->>) 'from') OPERATOR(pg_catalog.||) suffix;
BEGIN
	IF entry IS NULL OR printed IS NULL OR pg_catalog.right(printed, pg_catalog.length(old)) OPERATOR(pg_catalog.<>) old THEN
		RETURN printed;
	END IF;
	IF suffix OPERATOR(pg_catalog.<>) '' THEN -- an array is printed by its element
		object := (entry OPERATOR(pg_catalog.->>) 'element')::pg_catalog.oid;
	END IF;
	RETURN CASE WHEN segue.is_visible(object, true, names, types) THEN ''
		ELSE pg_catalog.quote_ident(entry OPERATOR(pg_catalog.->>) 'schema') OPERATOR(pg_catalog.||) '.' END OPERATOR(pg_catalog.||)
		pg_catalog.quote_ident(entry OPERATOR(pg_catalog.->>) 'to') OPERATOR(pg_catalog.||) suffix;
END $$;

CREATE OR REPLACE FUNCTION segue.definition(definition text, entry jsonb, tokens text, named text) RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1 AS $$
BEGIN -- as with three arguments, but for the name of the table, which is given
	IF named IS NULL OR entry IS NULL OR definition OPERATOR(pg_catalog.~) 'SELECT[[:space:]]' THEN
		RETURN segue.definition(definition, entry, tokens);
	END IF;
	RETURN COALESCE((
		SELECT pg_catalog.string_agg(CASE
			WHEN m.t[3] IS NOT NULL THEN COALESCE(pg_catalog.quote_ident(entry OPERATOR(pg_catalog.->) 'columns' OPERATOR(pg_catalog.->>) CASE
				WHEN pg_catalog.left(m.t[3], 1) OPERATOR(pg_catalog.=) '"'
				THEN pg_catalog.replace(pg_catalog.substr(m.t[3], 2, pg_catalog.length(m.t[3]) OPERATOR(pg_catalog.-) 2), '""', '"') ELSE m.t[3] END), m.t[3])
			WHEN m.t[2] IS NOT NULL THEN pg_catalog.substring(m.t[2], '^(?:ON (?:ONLY )?|FROM )') OPERATOR(pg_catalog.||) named
			ELSE COALESCE(m.t[1], m.t[4]) END, '' ORDER BY m.i)
		FROM pg_catalog.regexp_matches(definition, tokens, 'g') WITH ORDINALITY AS m(t, i)), definition);
END $$;

CREATE OR REPLACE FUNCTION segue.constraint_definition(definition text, own jsonb, other jsonb, tokens text, parts text, named text) RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE COST 1 AS $$
DECLARE part pg_catalog.text[];
BEGIN
	IF pg_catalog.starts_with(definition, 'FOREIGN KEY') THEN
		part := pg_catalog.regexp_match(definition, parts);
	END IF;
	IF part IS NULL THEN
		RETURN segue.definition(definition, own, tokens);
	END IF;
	RETURN segue.definition(part[1], own, tokens) OPERATOR(pg_catalog.||) COALESCE(named, part[2]) OPERATOR(pg_catalog.||)
		segue.definition(part[3], other, tokens) OPERATOR(pg_catalog.||) segue.definition(part[4], own, tokens);
END $$;
`
