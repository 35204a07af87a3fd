package rewrite

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/catalog"
	"github.com/seguedb/segue/rules"
)

// A table of which a version has a column under a name of its own, beside which a marker says who has written it.
const (
	markedClient = `CREATE TABLE item (id int PRIMARY KEY, price numeric(12,2) UNIQUE, tax numeric, title text, stock int);`
	markedServer = `CREATE TABLE item (id int PRIMARY KEY, cents int, title text, stock int, _segue_price numeric(12,2) UNIQUE, _segue_tax numeric,
  _segue_m smallint NOT NULL DEFAULT 0);`
	markedBoth = `CREATE TABLE delivery (id int, price numeric, n int); INSERT INTO delivery VALUES (1, 5, 10), (3, 7.5, 1);`
	markedRows = `INSERT INTO item (id, price, tax, title, stock) VALUES (1, 10, 1, 'pen', 5), (2, 20, 2, 'cup', 6)`
)

// markedLens is the lens of item.
func markedLens(physical *catalog.Catalog) *rules.TableLens {
	rel := physical.Lookup("public", "item")
	t := &rules.TableLens{OID: rel.OID, Schema: "public", Logical: "item", Physical: "item"}
	marker := rules.Assignment{Column: rules.PhysicalColumn{Name: "_segue_m", Num: rel.Column("_segue_m").Num}, Pieces: []string{"2"}}
	for _, names := range [][2]string{{"id", "id"}, {"price", "_segue_price"}, {"tax", "_segue_tax"}, {"title", "title"}, {"stock", "stock"}} {
		c := rules.ColumnLens{Logical: names[0], Physical: names[1], Num: rel.Column(names[1]).Num}
		if names[0] != names[1] {
			own := rules.Assignment{Column: rules.PhysicalColumn{Name: c.Physical, Num: c.Num}, Pieces: []string{"", ""}}
			c.Mapping = &rules.Mapping{Write: []rules.Assignment{own, marker}}
		}
		t.Columns = append(t.Columns, c)
	}
	return t
}

const (
	allItems = `SELECT * FROM item ORDER BY id`
	allMarks = `SELECT pg_catalog.string_agg(id || ':' || _segue_m, ' ' ORDER BY id) FROM item`
)

func TestAWriteToAMappedColumnSetsItsMarker(t *testing.T) {
	t.Parallel()
	w := newMappedWorld(t)
	for _, conn := range []*pgx.Conn{w.client, w.server} {
		sql := markedRows
		if conn == w.server {
			sql = strings.NewReplacer("price", "_segue_price", "tax", "_segue_tax").Replace(sql)
		}
		if _, err := conn.Exec(context.Background(), sql); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct{ sql, marks string }{
		{`UPDATE item SET price = price + 1`, "1:2 2:2"},
		{`UPDATE item SET stock = 0`, "1:0 2:0"},
		{`UPDATE item SET price = price + 1, tax = 3, stock = 1 WHERE id = 1`, "1:2 2:0"},
		{`UPDATE public.item SET (stock, price) = (1, 2) WHERE id = 2 RETURNING *, price AS p`, "1:0 2:2"},
		{`UPDATE item SET (price, tax) = (SELECT price, n FROM delivery d WHERE d.id = item.id) WHERE id = 1 RETURNING price`, "1:2 2:0"},
		{`UPDATE item i SET price = d.price FROM delivery d WHERE d.id = i.id RETURNING i.*, d.price`, "1:2 2:0"},
		{`WITH u AS (UPDATE item SET tax = 0 RETURNING id, tax) SELECT * FROM u ORDER BY id`, "1:2 2:2"},
		{`INSERT INTO item (id, price) VALUES (3, 7), (4, 8) RETURNING *`, "1:0 2:0 3:2 4:2"},
		{`INSERT INTO item (id, title) VALUES (3, 'x')`, "1:0 2:0 3:0"},
		{`INSERT INTO item AS i (tax, id, price) OVERRIDING USER VALUE VALUES ((SELECT 1), 3, (7)), (4, 4, 8) RETURNING i.price`, "1:0 2:0 3:2 4:2"},
		{`INSERT INTO item VALUES (3, 7, 1, 'x', 4) RETURNING price, *`, "1:0 2:0 3:2"},
		{`INSERT INTO item VALUES (3), (4)`, "1:0 2:0 3:0 4:0"},
		{`INSERT INTO item VALUES (3, 7)`, "1:0 2:0 3:2"},
		{`INSERT INTO item (id, price) WITH v AS (VALUES (1)) VALUES (3, (SELECT * FROM v)) LIMIT 1`, "1:0 2:0 3:2"},
		{`INSERT INTO item (id, price) SELECT id + 10, price FROM delivery ORDER BY 2 DESC, 1 LIMIT 1`, "1:0 2:0 13:2"},
		{`INSERT INTO item (id, price, stock) (SELECT DISTINCT id + 10, price AS p, n FROM delivery GROUP BY 1, 2, 3) RETURNING stock`, "1:0 2:0 11:2 13:2"},
		{`INSERT INTO item (id, price, stock) SELECT d.* FROM (SELECT id + 10, price, n FROM delivery) d`, "1:0 2:0 11:2 13:2"},
		{`INSERT INTO item SELECT id + 10, price FROM delivery`, "1:0 2:0 11:2 13:2"},
		{`INSERT INTO item (id, price) SELECT id + 10, price + 1 FROM item`, "1:0 2:0 11:2 12:2"},
		{`INSERT INTO item (id, price) VALUES (1, 30), (3, 7) ON CONFLICT (id) DO UPDATE SET price = excluded.price, stock = item.stock + 1`, "1:2 2:0 3:2"},
		{`INSERT INTO item (id, price) VALUES (9, 10) ON CONFLICT (price) DO UPDATE SET title = 'dear' WHERE item.price = excluded.price`, "1:0 2:0"},
		{`INSERT INTO item (id, stock) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET (tax, stock) = ROW (excluded.stock, 3)`, "1:2 2:0"},
		{`MERGE INTO item i USING delivery d ON i.id = d.id WHEN MATCHED THEN UPDATE SET price = d.price WHEN NOT MATCHED THEN INSERT (id, price) VALUES (d.id, d.price)`, "1:2 2:0 3:2"},
		{`MERGE INTO item i USING delivery d ON i.id = d.id WHEN MATCHED THEN UPDATE SET stock = d.n WHEN NOT MATCHED THEN INSERT (id) VALUES (d.id)`, "1:0 2:0 3:0"},
		{`MERGE INTO item i USING delivery d ON i.id = d.id WHEN NOT MATCHED THEN INSERT VALUES (d.id, d.price)`, "1:0 2:0 3:2"},
		{`INSERT INTO item (id, price) SELECT 3, 4 UNION SELECT 4, 5`, "1:0 2:0 3:2 4:2"},
		{`INSERT INTO item (id, price, stock) TABLE delivery ON CONFLICT DO NOTHING`, "1:0 2:0 3:2"},
		{`DELETE FROM item WHERE price > 10 RETURNING *`, "1:0"},
		{`COPY item (id, price) TO STDOUT`, "1:0 2:0"},
		{`SELECT price, i.tax FROM item i WHERE price > 5 ORDER BY price FOR UPDATE`, "1:0 2:0"},
		{`CREATE INDEX ON item (price); SELECT 1`, "1:0 2:0"},
	} {
		if f := w.sameAfter(t, tc.sql, allItems); f != nil {
			t.Errorf("%s\nis refused: %v", tc.sql, f)
			continue
		}
		text := w.rewrite(t, tc.sql)
		got, _ := w.outcomeOf(t, w.server, text.SQL, allMarks)
		if len(got.Table) != 1 || got.Table[0] != "<"+tc.marks+">" {
			t.Errorf("%s\n=> %s\nmarks %v, want %s", tc.sql, text.SQL, got.Table, tc.marks)
		}
	}
}

func TestAWriteThatCannotBeMarkedIsRefused(t *testing.T) {
	t.Parallel()
	w := newMappedWorld(t)
	for _, sql := range []string{
		`INSERT INTO item (id, price) VALUES (3, DEFAULT)`,
		`INSERT INTO item VALUES (3, DEFAULT)`,
		`UPDATE item SET price = DEFAULT`,
		`UPDATE item SET (id, price) = (1, DEFAULT)`,
		`MERGE INTO item i USING delivery d ON i.id = d.id WHEN NOT MATCHED THEN INSERT (id, price) VALUES (d.id, DEFAULT)`,
		`COPY item FROM STDIN`,
		`COPY item (id, price) FROM STDIN`,
		`GRANT UPDATE (price) ON item TO public`,
	} {
		if f := w.rewrite(t, sql).Statements[0].Failure; f == nil || f.Code != codeRefused || f.Node == "unproven" {
			t.Errorf("%s\nis not refused: %v", sql, f)
		}
	}
}

func TestTextsThatDifferInValuesOnlyAreMappedAlike(t *testing.T) {
	t.Parallel()
	w := newMappedWorld(t)
	for _, form := range []struct{ sql, sent string }{
		{`INSERT INTO item (id, price) VALUES (%, 'a%')`, `INSERT INTO item (_segue_m, id, _segue_price) VALUES (2, %, 'a%')`},
		{`UPDATE item SET price = % WHERE tax > %`, `UPDATE item SET _segue_m = 2, _segue_price = % WHERE _segue_tax > %`},
		{`SELECT full_name FROM account a WHERE id = % AND full_name > 'x%'`,
			`SELECT (CAST(a.first OPERATOR(pg_catalog.||) ' ' OPERATOR(pg_catalog.||) a.last AS pg_catalog.text)) AS full_name FROM account a` +
				` WHERE id = % AND (CAST(a.first OPERATOR(pg_catalog.||) ' ' OPERATOR(pg_catalog.||) a.last AS pg_catalog.text)) > 'x%'`},
	} {
		for i := range 6 {
			value := strings.Repeat("7", i+1)
			sql, want := strings.ReplaceAll(form.sql, "%", value), strings.ReplaceAll(form.sent, "%", value)
			if text := w.rewrite(t, sql); text.SQL != want {
				t.Errorf("%s\n=> %s\nwant %s", sql, text.SQL, want)
			}
		}
	}
}
