package fleet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seguedb/segue/internal/pgcluster"
	"github.com/seguedb/segue/rules"
	"github.com/seguedb/segue/test/checker"
	"github.com/seguedb/segue/test/checker/proof"
	"github.com/seguedb/segue/test/checker/wal"
)

// A Round is one migration under faults.
type Round struct {
	Migration *checker.Migration
	Cluster   *pgcluster.Cluster // of nobody else: its server is crashed
	Program   string             // segue
	Seed      uint64
	Instances int
	Steps     int // of the operator
	Rows      int64
	Pace      time.Duration // between two things that a client does; 0: as many as the machine can take
	Pairs     *Pairs
	Log       func(format string, args ...any)

	Forth  bool                                      // it ends with contract; otherwise the choice is the seed's
	Calm   bool                                      // no faults
	Meddle func(ctx context.Context, r *Round) error // what a test does when both versions are served; nil: nothing

	crew      *checker.Crew
	url       string
	instances []*instance
	members   []*member
	away      [2]atomic.Bool // clients of a version stay away, as apps do that are shut down
	trouble   *trouble
	ambush    atomic.Pointer[ambush]

	mu    sync.Mutex
	found []proof.Anomaly
}

// A member is a client with how far it has come.
type member struct {
	*checker.Member
	done atomic.Int64
	last atomic.Value // of string: why it has no session
}

// patience is how long to wait for what must happen when the faults are over. It is far more than anything takes.
const patience = 4 * time.Minute

// Do sets everything up, lets the operator do its steps and end the migration, and proves what was done.
func (r *Round) Do(ctx context.Context) (found []proof.Anomaly, err error) {
	if err := r.setUp(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.dropDatabase(context.WithoutCancel(ctx))) }()
	slot, err := r.follow(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, slot.drop(context.WithoutCancel(ctx))) }()
	if err := r.crew.Load(ctx, r.url, r.Rows); err != nil {
		return nil, err
	}
	defer func() {
		for _, i := range r.instances {
			i.end()
			i.relay.close()
		}
	}()
	for _, i := range r.instances {
		if err := i.start(); err != nil {
			return nil, err
		}
	}
	if err := r.work(ctx); err != nil {
		return nil, err
	}
	r.inspectLogs()
	committed, err := slot.read(ctx)
	if err != nil {
		return nil, err
	}
	proved, err := r.crew.Prove(committed)
	r.mu.Lock()
	defer r.mu.Unlock()
	return append(r.found, proved...), err
}

// work lets everybody work until the operator has done.
func (r *Round) work(ctx context.Context) error {
	stop := make(chan struct{})
	var all sync.WaitGroup
	for _, m := range r.members {
		all.Go(func() { r.use(ctx, m, stop) })
	}
	all.Go(func() { r.watch(ctx, stop) })
	o := &operator{Round: r, rand: rand.New(rand.NewPCG(r.Seed, 1)), observer: &observer{url: r.url}}
	defer o.observer.close()
	err := o.run(ctx)
	close(stop)
	all.Wait()
	if err == nil {
		err = o.lookAtAll(ctx)
	}
	return err
}

// setUp makes the database and the crew.
func (r *Round) setUp(ctx context.Context) error {
	name := fmt.Sprintf("round_%d", rounds.Add(1))
	if err := execute(ctx, r.Cluster.URL("postgres"), "CREATE DATABASE "+name); err != nil {
		return err
	}
	r.url = r.Cluster.URL(name)
	r.crew = checker.NewCrew(r.Migration, r.Rows, r.Seed)
	r.trouble = &trouble{now: r.crew.Now}
	if err := execute(ctx, r.url, r.crew.Create()...); err != nil {
		return err
	}
	for n := range r.Instances {
		i, err := newInstance(r.Program, fmt.Sprintf("instance-%d", n+1), r.url)
		if err != nil {
			return err
		}
		if i.relay, i.url, err = newRelay(i, r.url, &r.ambush); err != nil {
			return err
		}
		r.instances = append(r.instances, i)
		for _, side := range []proof.Side{proof.Old, proof.New} {
			r.add(fmt.Sprintf("%s version through %s", side, i.id), side, false, through(r.url, i.listen, version(side)))
		}
	}
	for _, side := range []proof.Side{proof.Old, proof.New} {
		r.add(fmt.Sprintf("past, %s side", side), side, true, r.url)
	}
	return nil
}

// rounds tells the databases of rounds apart.
var rounds atomic.Int64

func (r *Round) add(name string, side proof.Side, past bool, url string) {
	r.members = append(r.members, &member{Member: r.crew.Add(name, side, past, url, r.trouble.excuses)})
}

// version is what a client of a side asks for.
func version(side proof.Side) string { return [...]string{rules.Base, migration}[side] }

// through is the database through an instance, as a version.
func through(database, listen, version string) string {
	u, err := url.Parse(database)
	if err != nil {
		panic(err) // it is our own
	}
	u.Host = listen
	q := u.Query()
	q.Set("segue.version", version)
	u.RawQuery = q.Encode()
	return u.String()
}

// execute runs statements over a connection of their own.
func execute(ctx context.Context, url string, statements ...string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, sql := range statements {
		if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

func (r *Round) dropDatabase(ctx context.Context) error {
	return execute(ctx, r.Cluster.URL("postgres"), "DROP DATABASE "+r.url[strings.LastIndex(r.url, "/")+1:strings.Index(r.url, "?")]+" WITH (FORCE)")
}

// Crew is the clients, for who meddles.
func (r *Round) Crew() *checker.Crew { return r.crew }

// Exec runs a statement past the instances, for who meddles.
func (r *Round) Exec(ctx context.Context, sql string) error { return execute(ctx, r.url, sql) }

// A follower is the log of the database since it was made.
type follower struct {
	url  string
	slot *wal.Slot
}

func (r *Round) follow(ctx context.Context) (*follower, error) {
	conn, err := pgx.Connect(ctx, r.url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	slot, err := wal.FollowAll(ctx, conn, fmt.Sprintf("faults_%d", rounds.Load()), r.Migration.Tables()...)
	return &follower{r.url, slot}, err
}

// with does something over a new connection: the server may have been started again since the last one.
func (f *follower) with(ctx context.Context, do func(*wal.Slot) error) error {
	conn, err := pgx.Connect(ctx, f.url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return do(f.slot.Over(conn))
}

func (f *follower) read(ctx context.Context) (all []wal.Transaction, err error) {
	err = f.with(ctx, func(s *wal.Slot) error {
		all, err = s.Read(ctx)
		return err
	})
	return all, err
}

func (f *follower) drop(ctx context.Context) error {
	return f.with(ctx, func(s *wal.Slot) error { return s.Drop(ctx) })
}

// log says something, with the time.
func (r *Round) log(format string, args ...any) {
	r.Log("%7.3f s  "+format, append([]any{r.crew.Now().Seconds()}, args...)...)
}

// fail notes an anomaly that is not about a row.
func (r *Round) fail(kind proof.Kind, format string, args ...any) {
	a := proof.Anomaly{Kind: kind, Rule: r.Migration.Shape(), What: fmt.Sprintf(format, args...)}
	r.log("ANOMALY %s", a)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found = append(r.found, a)
}

// inspectLogs looks for what no instance should say.
func (r *Round) inspectLogs() {
	for _, i := range r.instances {
		for _, word := range []string{"panic:", "DATA RACE", "fatal error:"} {
			if text := i.log.String(); strings.Contains(text, word) {
				r.fail(proof.Stuck, "instance %s says %s\n%s", i.id, word, text[strings.Index(text, word):min(len(text), strings.Index(text, word)+4000)])
			}
		}
	}
}
