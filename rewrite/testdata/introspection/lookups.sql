SELECT relname, (quote_ident(nspname) || '.' || quote_ident(relname))::regclass::oid FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname IN ('public', 'other') AND relkind IN ('r', 'p') ORDER BY c.oid;
SELECT to_regclass(relname)::oid, to_regclass(('public.' || quote_ident(relname))::text) IS NULL FROM pg_class c WHERE relname IN ('{individual}', '{LineItem}', 'orders') ORDER BY oid;
SELECT attname FROM pg_attribute WHERE attrelid = (SELECT table_name FROM information_schema.tables WHERE table_name LIKE '{individual}' AND table_schema = 'public')::regclass AND attnum > 0 ORDER BY attnum;
SELECT CAST(lower('{individual}') AS regclass), lower('{individual}')::regclass::text, lower('ORDERS')::regclass, to_regclass(upper('public.orders'))::oid;
SELECT max(oid)::regclass::oid, (SELECT oid FROM pg_class LIMIT 1)::regclass = (SELECT oid FROM pg_class LIMIT 1), coalesce(max(oid), 0::oid)::regclass IS NULL FROM pg_class WHERE relname = 'orders';
SELECT pg_relation_size((table_schema || '.' || quote_ident(table_name))::regclass) FROM information_schema.tables WHERE table_name = '{individual}' AND table_schema = 'public';
SELECT c.oid::regclass::oid, c.oid::regclass = '{individual}'::regclass FROM pg_class c WHERE relname = '{individual}' ORDER BY c.oid;
