package migrate

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/seguedb/segue/internal/pgtest"
	"github.com/seguedb/segue/rules"
)

// newDisk mounts a file system in memory of so many MiB, makes a tablespace on it, and returns that with what gives it another size.
func newDisk(t *testing.T, size int) (tablespace string, resize func(size int)) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a file system")
	}
	tablespace = fmt.Sprintf("disk_%d", os.Getpid())
	dir := filepath.Join(pgtest.Cluster().Dir, tablespace)
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	run("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm", size), "none", dir)
	t.Cleanup(func() { run("umount", dir) })
	if err := pgtest.Cluster().Own(dir); err != nil {
		t.Fatal(err)
	}
	url := pgtest.Cluster().URL("postgres")
	pgtest.Exec(t, url, fmt.Sprintf("CREATE TABLESPACE %s LOCATION '%s'", tablespace, dir))
	t.Cleanup(func() { pgtest.Exec(t, url, "DROP TABLESPACE "+tablespace) }) // the database is dropped before, which uses it
	return tablespace, func(size int) { run("mount", "-o", fmt.Sprintf("remount,size=%dm", size), dir) }
}

func TestAFullDiskHoldsABackfillUpUntilThereIsRoomAndLosesNothing(t *testing.T) {
	t.Parallel()
	tablespace, resize := newDisk(t, 10)
	f := newFleet(t, 2, `
		CREATE TABLE orders (id int PRIMARY KEY, cents int NOT NULL, note text) TABLESPACE `+tablespace+`;
		ALTER TABLE orders SET (autovacuum_enabled = false), ALTER note SET STORAGE EXTERNAL;
		INSERT INTO orders SELECT i, 10 * i, repeat('n', 400) FROM generate_series(1, 16000) AS i`)
	f.create(money)
	f.must("money", activate)
	const full = "the server is short of something: could not extend file "
	pgtest.Eventually(t, func() bool {
		st, err := f.instances[0].Get(t.Context(), "money")
		if err != nil {
			t.Fatal(err)
		}
		if st.Progress != nil && st.Progress.Failure != "" {
			t.Fatalf("it stops for good: %s", st.Progress.Failure)
		}
		return st.Progress != nil && strings.HasPrefix(st.Progress.Waits, full)
	}, "the backfill says that it waits")

	// What the application writes meanwhile is written as a whole or not at all, as without the change.
	want := make(map[int]int)
	refused := 0
	for id := 1; id <= 400; id++ {
		switch _, err := f.db.Exec(t.Context(), `UPDATE orders SET cents = $2, note = repeat('m', 6000) WHERE id = $1`, id, id); {
		case err == nil:
			want[id] = id
		case isFull(err):
			refused++
			want[id] = 10 * id
		default:
			t.Fatal(err)
		}
	}
	if refused == 0 {
		t.Error("no write was refused: the disk is not full")
	}
	if done := value[int](f, `SELECT done FROM segue.backfill`); done == 0 || done >= 16000 {
		t.Errorf("%d rows are filled on a full disk", done)
	}
	resize(80)
	f.awaitStage("money", rules.Served)
	for id, cents := range want {
		if got := value[int](f, `SELECT cents FROM orders WHERE id = $1`, id); got != cents {
			t.Errorf("order %d has %d cents, want %d", id, got, cents)
		}
	}
	f.inStep("cents")
	f.must("money", cutover)
}

// isFull tells whether the server has no room on the disk.
func isFull(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pg.Code == "53100"
}
