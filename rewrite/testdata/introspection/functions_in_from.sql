SELECT relname, pg_get_indexdef FROM pg_class JOIN pg_index ON indexrelid = oid, LATERAL pg_get_indexdef(oid) WHERE indrelid = '{individual}'::regclass ORDER BY 1;
SELECT c.relname, d, d.d, d.* FROM pg_class c JOIN pg_index ON indexrelid = c.oid, pg_get_indexdef(c.oid, 0, true) d WHERE indrelid = '{individual}'::regclass ORDER BY 1;
SELECT t.tgname, pg_get_triggerdef.* FROM pg_trigger t LEFT JOIN LATERAL pg_catalog.pg_get_triggerdef(t.oid, true) ON true WHERE tgrelid = '{individual}'::regclass AND NOT tgisinternal;
SELECT conname, "Def" FROM pg_constraint c CROSS JOIN /* of a */ pg_get_constraintdef( /* b */ c.oid /* c */ ) AS "Def" WHERE conrelid = '{individual}'::regclass ORDER BY 1;
SELECT format_type, upper(x) FROM pg_class c, format_type(c.reltype, NULL), pg_get_indexdef(NULL) x WHERE c.relname = '{individual}' AND c.relnamespace = 'public'::regnamespace;
SELECT * FROM pg_get_viewdef('adults'::regclass);
SELECT pg_get_viewdef FROM pg_get_viewdef('adults'::regclass), pg_class WHERE relname = '{individual}';
SELECT (SELECT length(d) > 0 FROM pg_get_indexdef(i.indexrelid) AS d) FROM pg_index i WHERE indrelid = '{individual}'::regclass;
