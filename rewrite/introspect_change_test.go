package rewrite

import "testing"

// Queries on the catalogs, as programs ask them, whose answer is that of a database which has one side alone. No numbers of
// columns are in it, since those have gaps where the other side is, and no OIDs.
var changedCatalogs = []string{
	`SELECT attname, format_type(atttypid, atttypmod), attnotnull, atthasdef,
	  (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef)
	  FROM pg_attribute a WHERE attrelid = 'orders'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
	`SELECT a.attname, pg_get_expr(def.adbin, def.adrelid), a.attnotnull OR t.typtype = 'd' AND t.typnotnull FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
	  JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON a.atttypid = t.oid LEFT JOIN pg_attrdef def ON a.attrelid = def.adrelid AND a.attnum = def.adnum
	  WHERE c.relname = 'orders' AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
	`SELECT column_name, data_type, is_nullable, column_default, numeric_precision, numeric_scale FROM information_schema.columns WHERE table_name = 'orders' ORDER BY ordinal_position`,
	`SELECT count(*) FROM pg_attrdef WHERE adrelid = 'orders'::regclass`,
	`SELECT conname, contype, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'orders'::regclass ORDER BY 1`,
	`SELECT tgname FROM pg_trigger WHERE tgrelid = 'orders'::regclass ORDER BY 1`,
	`SELECT trigger_name FROM information_schema.triggers`,
	`SELECT event_object_column FROM information_schema.triggered_update_columns`,
	`SELECT constraint_name, constraint_type FROM information_schema.table_constraints WHERE table_name = 'orders' AND constraint_name NOT LIKE '%not_null' ORDER BY 1`,
	`SELECT constraint_name FROM information_schema.check_constraints WHERE constraint_schema = 'public' AND constraint_name NOT LIKE '%not_null'`,
	`SELECT constraint_name, column_name FROM information_schema.constraint_column_usage ORDER BY 1`,
	`SELECT constraint_name, column_name FROM information_schema.key_column_usage WHERE table_name = 'orders' ORDER BY 1`,
	`SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 'orders'::regclass ORDER BY 1`,
	`SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'orders' ORDER BY 1`,
	`SELECT relname FROM pg_class WHERE relname ~ '^orders' ORDER BY 1`,
	`SELECT indexrelname FROM pg_stat_user_indexes WHERE relname = 'orders' ORDER BY 1`,
	`SELECT attname FROM pg_stats WHERE tablename = 'orders' ORDER BY 1`,
	`SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indexrelid WHERE i.indrelid = 'orders'::regclass ORDER BY 1`,
	// What \d of psql and pg_dump ask.
	`SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
	  (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) FROM pg_catalog.pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef),
	  a.attnotnull, (SELECT c.collname FROM pg_catalog.pg_collation c, pg_catalog.pg_type t WHERE c.oid = a.attcollation AND t.oid = a.atttypid AND a.attcollation <> t.typcollation),
	  a.attidentity, a.attgenerated FROM pg_catalog.pg_attribute a WHERE a.attrelid = 'orders'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
	`SELECT c2.relname, i.indisprimary, i.indisunique, i.indisclustered, i.indisvalid, pg_catalog.pg_get_indexdef(i.indexrelid, 0, true),
	  pg_catalog.pg_get_constraintdef(con.oid, true), contype, condeferrable, condeferred, i.indisreplident, c2.reltablespace
	  FROM pg_catalog.pg_class c, pg_catalog.pg_class c2, pg_catalog.pg_index i
	  LEFT JOIN pg_catalog.pg_constraint con ON (conrelid = i.indrelid AND conindid = i.indexrelid AND contype IN ('p','u','x'))
	  WHERE c.oid = 'orders'::regclass AND c.oid = i.indrelid AND i.indexrelid = c2.oid ORDER BY i.indisprimary DESC, c2.relname`,
	`SELECT r.conname, pg_catalog.pg_get_constraintdef(r.oid, true) FROM pg_catalog.pg_constraint r WHERE r.conrelid = 'orders'::regclass AND r.contype = 'c' ORDER BY 1`,
	`SELECT t.tgname, pg_catalog.pg_get_triggerdef(t.oid, true), t.tgenabled, t.tgisinternal FROM pg_catalog.pg_trigger t
	  WHERE t.tgrelid = 'orders'::regclass AND (NOT t.tgisinternal OR (t.tgisinternal AND t.tgenabled = 'D')) ORDER BY 1`,
	`SELECT a.tableoid, pg_catalog.pg_get_expr(a.adbin, a.adrelid) AS adsrc FROM unnest(ARRAY['orders'::regclass::oid]) AS src(tbloid)
	  JOIN pg_catalog.pg_attrdef a ON (src.tbloid = a.adrelid) ORDER BY a.adrelid, a.adnum`,
	`SELECT has_column_privilege('orders', 'total', 'SELECT')`,
	`SELECT column_name FROM information_schema.column_privileges WHERE table_name = 'orders' AND privilege_type = 'SELECT' ORDER BY 1`,
}

func TestTheCatalogsShowTheSideThatAVersionHas(t *testing.T) {
	t.Parallel()
	for _, stage := range changedStages {
		t.Run(stage.name, func(t *testing.T) {
			t.Parallel()
			w := newChangedWorld(t, stage)
			for _, sql := range changedCatalogs {
				if f := w.sameAfter(t, sql, allOrders); f != nil {
					t.Errorf("%s\nis refused: %v", sql, f)
				}
			}
		})
	}
}
