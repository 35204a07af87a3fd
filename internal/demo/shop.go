package demo

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgcluster"
)

// database is the shop's.
const database = "shop"

// migrationID names the demo's migration, and by that the schema version of the new app.
const migrationID = "2026-11-21-surname"

// rulesFile is the migration: a column and its table get new names. contract_after is 0s because nobody wants to watch
// a demo for a day.
const rulesFile = `id: ` + migrationID + `
contract_after: 0s
operations:
  - rename_column: { table: public.individual, from: last_name, to: surname }
  - rename_table:  { from: public.individual, to: person }
`

// shownRow is a row that no worker writes, shown at the end as each version sees it.
const shownRow = 7

// shopSchema is the database of the web shop. generate_series makes names that are plain to read, and no two workers
// ever meet on one row but by way of the ledger.
const shopSchema = `
CREATE TABLE individual (
	id           bigint PRIMARY KEY,
	first_name   text NOT NULL,
	last_name    text NOT NULL,
	street       text NOT NULL,
	house_number int  NOT NULL,
	city         text NOT NULL
);
CREATE TABLE orders (
	id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	individual_id bigint NOT NULL REFERENCES individual,
	item          text NOT NULL
);
CREATE INDEX ON orders (individual_id);
`

const shopRows = `
INSERT INTO individual
SELECT n,
	(ARRAY['Ada','Björn','Chiara','Derya','Emil','Fatou','Grace','Hiro','Ines','Jan'])[1 + n %% 10],
	(ARRAY['Moreau','Nilsson','Okafor','Petrov','Quist','Rossi','Schmidt','Tanaka','Ueda','Vogel','Weber'])[1 + n %% 11],
	(ARRAY['Mill Lane','Station Road','High Street','Park Avenue','Church Street','Harbour Quay','Rose Alley'])[1 + n %% 7],
	1 + n %% 120,
	(ARRAY['Aarhus','Basel','Cork','Delft','Évora'])[1 + n %% 5]
FROM generate_series(1, %d) n`

// createShop makes the shop's database and fills it.
func createShop(ctx context.Context, cluster *pgcluster.Cluster, rows int) error {
	for _, part := range []struct{ database, sql string }{
		{"postgres", "CREATE DATABASE " + database},
		{database, shopSchema},
		{database, fmt.Sprintf(shopRows, rows)},
		{database, "ANALYZE individual"},
	} {
		conn, err := pgconn.Connect(ctx, cluster.URL(part.database))
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, part.sql).ReadAll()
		if err := errors.Join(err, conn.Close(ctx)); err != nil {
			return fmt.Errorf("cannot create the shop: %w", err)
		}
	}
	return nil
}
