SELECT '{individual}'::regtype::oid = (SELECT reltype FROM pg_class WHERE relname = '{individual}' AND relnamespace = 2200), to_regtype('{individual}')::oid = '{individual}'::regtype, 'public.{individual}[]'::regtype::oid > 0;
SELECT lower('{individual}')::regtype::oid = '{individual}'::regtype::oid, to_regtype(lower('{individual}[]'))::oid = '{individual}[]'::regtype, lower('int4')::regtype, to_regtype(lower('nothing')) IS NULL;
SELECT quote_ident(typname)::regtype::oid = oid, to_regtype('public.' || quote_ident(typname))::oid = oid FROM pg_type WHERE typname IN ('{individual}', '{LineItem}') AND typnamespace = 2200 ORDER BY 1;
SELECT t::regtype FROM (VALUES ('{individual}'), ('int4[]')) v(t);
