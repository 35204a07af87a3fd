package store

// lookups are further functions beside functions: texts call them instead of expressions that take the planner longer than the
// look-up takes.
const lookups = `
CREATE OR REPLACE FUNCTION segue.column_of_index(index oid, num int2, name name, later text) RETURNS text LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 1 AS $$
BEGIN -- the columns of an index have the names that those of the table had when it was made
	RETURN (SELECT segue.names_of(later) OPERATOR(pg_catalog.->) name::pg_catalog.text OPERATOR(pg_catalog.->) x.indrelid::pg_catalog.text
			OPERATOR(pg_catalog.->>) (x.indkey[num OPERATOR(pg_catalog.-) 1])::pg_catalog.text
		FROM pg_catalog.pg_index AS x WHERE x.indexrelid OPERATOR(pg_catalog.=) index);
END $$;

CREATE OR REPLACE FUNCTION segue.spelled(given text, names jsonb, arrays bool, marked bool, hidden bool) RETURNS text LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE COST 1 AS $$
DECLARE -- see spelledNames in package rewrite
	spelling pg_catalog.text := CASE WHEN pg_catalog.strpos(given, '"') OPERATOR(pg_catalog.=) 0 THEN pg_catalog.lower(given) ELSE given END;
	suffix pg_catalog.text := '';
	head pg_catalog.text;
	entry pg_catalog.jsonb;
BEGIN
	IF arrays AND pg_catalog.right(spelling, 2) OPERATOR(pg_catalog.=) '[]' THEN
		suffix := '[]';
		spelling := pg_catalog.left(spelling, -2);
	END IF;
	entry := COALESCE(names OPERATOR(pg_catalog.->) ('=' OPERATOR(pg_catalog.||) spelling), names OPERATOR(pg_catalog.->) ('.' OPERATOR(pg_catalog.||) spelling));
	IF entry IS NULL AND pg_catalog.strpos(spelling, '.') OPERATOR(pg_catalog.>) 0 THEN -- the name of the database may come first
		FOREACH head IN ARRAY ARRAY[pg_catalog.quote_ident(pg_catalog.current_database()),
			'"' OPERATOR(pg_catalog.||) pg_catalog.replace(pg_catalog.current_database()::pg_catalog.text, '"', '""') OPERATOR(pg_catalog.||) '"'] LOOP
			IF entry IS NULL AND pg_catalog.starts_with(spelling, head OPERATOR(pg_catalog.||) '.') THEN
				entry := names OPERATOR(pg_catalog.->) pg_catalog.substr(spelling, pg_catalog.length(head) OPERATOR(pg_catalog.+) 1);
			END IF;
		END LOOP;
	END IF;
	IF hidden AND entry OPERATOR(pg_catalog.?) 'gone' THEN
		RETURN NULL;
	END IF;
	RETURN COALESCE((CASE WHEN marked THEN COALESCE(entry OPERATOR(pg_catalog.->>) 'to', entry OPERATOR(pg_catalog.->>) 'gone')
		ELSE entry OPERATOR(pg_catalog.->>) 'to' END) OPERATOR(pg_catalog.||) suffix, given);
END $$;
`
