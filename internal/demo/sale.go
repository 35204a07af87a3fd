package demo

// amountID names the migration of the second act, and by that the schema version of the new tills.
const amountID = "2026-11-28-amount"

// amountFile is the migration: a column of money changes its type and its unit.
const amountFile = `id: ` + amountID + `
contract_after: 0s
operations:
  - change_columns:
      table: public.sale
      from: [cents]
      to: [{ name: amount, type: "numeric(12,2)", not_null: true }]
      up: { amount: cents / 100.0 }
      down: { cents: (amount * 100)::integer }
`

// saleSchema is the table of the second act. The row that is shown is none of those that grow.
const saleSchema = `CREATE TABLE sale (id bigint PRIMARY KEY, item text NOT NULL, cents int NOT NULL)`

const saleRows = `INSERT INTO sale SELECT n, 'tea', n %% 10000 FROM generate_series(1, %d) n`
