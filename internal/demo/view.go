package demo

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// A view is one row as somebody sees it: the labels of its columns, and the values as text.
type view struct {
	who    string
	sql    string
	labels []string
	values []string
}

// readRows reads the labels and the values of the last row of a result, and closes it.
func readRows(rows pgx.Rows) (labels, values []string, err error) {
	defer rows.Close()
	for rows.Next() {
		got, err := rows.Values()
		if err != nil {
			return nil, nil, err
		}
		values = values[:0]
		for _, v := range got {
			values = append(values, fmt.Sprint(v))
		}
	}
	for _, f := range rows.FieldDescriptions() {
		labels = append(labels, f.Name)
	}
	return labels, values, rows.Err()
}

// look reads the shown row with SELECT * over a connection of its own.
func look(ctx context.Context, who, url, table string) (view, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return view{}, err
	}
	defer conn.Close(ctx)
	sql := fmt.Sprintf("SELECT * FROM %s WHERE id = %d", table, shownRow)
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return view{}, err
	}
	v := view{who: who, sql: sql}
	v.labels, v.values, err = readRows(rows)
	return v, err
}
