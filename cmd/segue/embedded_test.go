package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seguedb/segue/internal/pgtest"
)

// The scripts in testdata/embedded run the whole program against a PostgreSQL that it starts itself. There are these
// commands beside testscript's own, and the variables LISTEN and ADMIN_LISTEN with an address that nobody uses:
//
//	exits CODE segue ARGS…  as in the other scripts
//	ready, alive            wait until the instance at SEGUE_ADMIN is ready, or answers at all; with !, until it is not
//	get PATH                what the admin API answers there
//	sql VERSION STATEMENT   run it through the instance at LISTEN as an app of that version (- for none); its rows are
//	                        written to stdout, after the names of the columns
func TestAnInstanceByTheCommandLine(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/embedded",
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"LISTEN", "ADMIN_LISTEN"} {
				env.Setenv(name, pgtest.FreeAddress(t))
			}
			// The script's own folder for temporary files is closed to the account that PostgreSQL runs as.
			env.Setenv("TMPDIR", os.TempDir())
			env.Setenv("SEGUE_ADMIN", "http://"+env.Getenv("ADMIN_LISTEN"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": cmdExits, "ready": cmdProbe("/readyz"), "alive": cmdProbe("/healthz"), "sql": cmdSQL, "get": cmdGet,
		},
	})
}

func cmdProbe(path string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, _ []string) {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for end := time.Now().Add(pgtest.Patience); time.Now().Before(end); <-tick.C {
			res, err := http.Get(ts.Getenv("SEGUE_ADMIN") + path)
			if err != nil {
				if neg {
					return
				}
				continue
			}
			ts.Check(res.Body.Close())
			if (res.StatusCode == http.StatusOK) != neg {
				return
			}
		}
		ts.Fatalf("%s has not become right (negated: %t)", path, neg)
	}
}

func cmdGet(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: get PATH")
	}
	res, err := http.Get(ts.Getenv("SEGUE_ADMIN") + args[0])
	ts.Check(err)
	defer res.Body.Close()
	_, err = io.Copy(ts.Stdout(), res.Body)
	ts.Check(err)
}

func cmdSQL(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: sql VERSION STATEMENT")
	}
	ctx, cancel := context.WithTimeout(context.Background(), pgtest.Patience)
	defer cancel()
	cfg, err := pgx.ParseConfig("postgres://postgres@" + ts.Getenv("LISTEN") + "/postgres?sslmode=disable")
	ts.Check(err)
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	if args[0] != "-" {
		cfg.RuntimeParams["segue.version"] = args[0]
	}
	out, err := query(ctx, cfg, args[1])
	if err != nil {
		fmt.Fprintf(ts.Stderr(), "%v\n", err)
	}
	fmt.Fprint(ts.Stdout(), out)
	if (err != nil) != neg {
		ts.Fatalf("%s: %v", args[1], err)
	}
}

// query runs one statement on a connection of its own.
func query(ctx context.Context, cfg *pgx.ConnConfig, sql string) (string, error) {
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return "", err
	}
	var names []string
	for _, f := range rows.FieldDescriptions() {
		names = append(names, f.Name)
	}
	out := strings.Join(names, "|") + "\n"
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return "", err
		}
		out += strings.Trim(strings.ReplaceAll(fmt.Sprint(values), " ", "|"), "[]") + "\n"
	}
	return out, rows.Err()
}
