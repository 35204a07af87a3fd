package test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/seguedb/segue/internal/pgcluster"
	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/internal/serve"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

// repriced gives a name another meaning: what was in cents is an amount.
const repriced = `
id: repriced
contract_after: 0s
operations:
  - change_columns:
      table: public.item
      from: [price]
      to: [{ name: price, type: "numeric(12,2)" }]
      up: { price: price / 100.0 }
      down: { price: (price * 100)::integer }
`

// A client whose version ends while it proves who it is must not read the old meaning of a name that it knows for the new one:
// afterwards nothing is live, and statements are passed on as they are.
func TestASessionWhoseVersionEndsWhileItIsLetInReadsNothingOfAnother(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 5*pgtest.Patience)
	defer cancel()
	c, err := pgcluster.Start(ctx, pgcluster.Options{HBA: []string{"host all app 127.0.0.1/32 password", "host all all 127.0.0.1/32 trust"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	f := &fleet{direct: c.URL("postgres")}
	pgtest.Exec(t, f.direct, "CREATE TABLE item (id int PRIMARY KEY, price int); INSERT INTO item VALUES (1, 1000)",
		"CREATE ROLE app LOGIN PASSWORD 'secret'; GRANT ALL ON item TO app")
	f.start(t, "instance-1", func(c *serve.Config) { c.Proxy.AuthenticationTimeout = 5 * pgtest.Patience })
	f.create(t, repriced)
	f.transition(t, "repriced", activate)
	f.stage(t, "repriced", rules.Served)

	conn, err := net.Dial("tcp", f.instances[0].Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * pgtest.Patience)); err != nil {
		t.Fatal(err)
	}
	client := pgproto3.NewFrontend(conn, conn)
	client.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersionNumber, Parameters: map[string]string{
		"user": "app", "database": "postgres", "segue.version": "repriced"}})
	if err := client.Flush(); err != nil {
		t.Fatal(err)
	}
	if m, err := client.Receive(); err != nil {
		t.Fatal(err)
	} else if _, asked := m.(*pgproto3.AuthenticationCleartextPassword); !asked {
		t.Fatalf("the client is sent %#v, and is to be asked for its password", m)
	}
	f.transition(t, "repriced", rollback)
	f.transition(t, "repriced", migrate.Request{Kind: migrate.Purge})
	client.Send(&pgproto3.PasswordMessage{Password: "secret"})
	client.Send(&pgproto3.Query{String: "SELECT price FROM item"})
	if err := client.Flush(); err != nil {
		t.Fatal(err)
	}
	for {
		switch m, err := client.Receive(); m := m.(type) {
		case *pgproto3.ErrorResponse:
			if m.Code != "57P01" && m.Code != "57P03" {
				t.Errorf("the client is told %s %s", m.Code, m.Message)
			}
			return
		case *pgproto3.DataRow:
			t.Fatalf("the new version reads %s, which is in cents", m.Values[0])
		default:
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}
