SELECT * FROM pg_views WHERE schemaname = 'public' ORDER BY viewname;
SELECT viewname FROM pg_views WHERE schemaname = 'public' ORDER BY 1;
SELECT tablename, rulename, definition FROM pg_rules WHERE schemaname = 'public' ORDER BY 1, 2;
SELECT table_name, is_updatable FROM information_schema.views WHERE table_schema = 'public' ORDER BY 1;
SELECT * FROM pg_publication_tables ORDER BY pubname, tablename;
