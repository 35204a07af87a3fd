package store_test

import (
	"sync"
	"testing"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/store"
)

func TestManyInstancesInstallAtOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	var wg sync.WaitGroup
	for range 6 {
		conn := pgtest.Connect(t, url)
		wg.Go(func() {
			if err := store.Install(ctx, conn); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	conn := pgtest.Connect(t, url)
	if epoch, err := store.LoadEpoch(ctx, conn); err != nil || epoch != 1 {
		t.Errorf("epoch is %d, error %v", epoch, err)
	}
	exec(t, conn, `UPDATE segue.format SET version = 1000`)
	check(t, store.Install(ctx, conn), "…newer than this program knows…")
}

func TestTheOwnerOfTheTablesCanInstallAndNobodyElseCanRead(t *testing.T) {
	t.Parallel()
	conn := database(t, `
		DROP ROLE IF EXISTS segue_owner; DROP ROLE IF EXISTS segue_stranger;
		CREATE ROLE segue_owner; CREATE ROLE segue_stranger`)
	var db string
	if err := conn.QueryRow(ctx, `SELECT current_database()`).Scan(&db); err != nil {
		t.Fatal(err)
	}
	exec(t, conn, `GRANT CREATE ON DATABASE `+db+` TO segue_owner`, `SET ROLE segue_owner`)
	if err := store.Install(ctx, conn); err != nil {
		t.Fatal(err)
	}
	exec(t, conn, `RESET ROLE`, `SET ROLE segue_stranger`)
	if _, err := store.LoadMigrations(ctx, conn); err == nil {
		t.Error("a stranger can read the migrations")
	}
	check(t, store.Install(ctx, conn), "schema segue belongs to another role…")
	exec(t, conn, `RESET ROLE`, `REVOKE CREATE ON DATABASE `+db+` FROM segue_owner`, `SET ROLE segue_owner`)
	check(t, store.Install(ctx, conn), "")
	exec(t, conn, `RESET ROLE`, `DROP OWNED BY segue_owner`, `DROP ROLE segue_owner, segue_stranger`)
}

func TestASchemaThatWasMadeForTheOwnerIsEnough(t *testing.T) {
	t.Parallel()
	conn := database(t, `DROP ROLE IF EXISTS segue_tenant; CREATE ROLE segue_tenant`)
	exec(t, conn, `SET ROLE segue_tenant`)
	check(t, store.Install(ctx, conn), "…permission denied for database …; grant the role of the upstream URL CREATE on the database once…")
	exec(t, conn, `RESET ROLE`, `CREATE SCHEMA segue AUTHORIZATION segue_tenant`, `SET ROLE segue_tenant`)
	check(t, store.Install(ctx, conn), "")
	exec(t, conn, `RESET ROLE`, `DROP OWNED BY segue_tenant`, `DROP ROLE segue_tenant`)
}

func TestNoSchemaIsMadeThatAPublicationOfAllTablesWouldSend(t *testing.T) {
	t.Parallel()
	conn := database(t, `CREATE TABLE part (a int PRIMARY KEY); CREATE PUBLICATION parts FOR TABLE part; CREATE PUBLICATION "All" FOR ALL TABLES`)
	check(t, store.Install(ctx, conn), `schema segue would be published by "All", which is FOR ALL TABLES…`)
	var made bool
	if err := conn.QueryRow(ctx, `SELECT to_regnamespace('segue') IS NOT NULL`).Scan(&made); err != nil || made {
		t.Errorf("schema segue is there: %v, %v", made, err)
	}
	exec(t, conn, `CREATE SCHEMA segue`)
	check(t, store.Install(ctx, conn), "")
	check(t, store.Install(ctx, conn), "")
}
