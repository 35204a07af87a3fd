package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// An other is something besides transactions: what it is, in which unit, and how one side is measured once. More is better, but
// for memory.
type other struct {
	name, unit string
	once       func(context.Context, *side) (float64, error)
}

// others are all of them. idle is how many idle connections are held.
func others(idle int) []other {
	return []other{
		{"connections opened and closed", "1/s", connections},
		{"rows read, 1 million", "MB/s", rows},
		{"COPY out, 1 million rows", "MB/s", copyOut},
		{"COPY in, 1 million rows", "MB/s", copyIn},
		{fmt.Sprintf("memory of an idle connection, of %d", idle), "kB", func(ctx context.Context, s *side) (float64, error) { return memory(ctx, s, idle) }},
	}
}

func (s *side) connect(ctx context.Context) (*pgconn.PgConn, error) {
	c, err := pgconn.ParseConfig(fmt.Sprintf("postgres://postgres@%s/%s?sslmode=%s", s.address, s.database, s.sslmode()))
	if err != nil {
		return nil, err
	}
	if s.options != "" {
		c.RuntimeParams["options"] = s.options
	}
	return pgconn.ConnectConfig(ctx, c)
}

// connections opens and closes connections with four at work for a second.
func connections(ctx context.Context, s *side) (float64, error) {
	began := time.Now()
	var n atomic.Int64
	var failed error
	var once sync.Once
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for time.Since(began) < time.Second {
				conn, err := s.connect(ctx)
				if err == nil {
					err = conn.Close(ctx)
				}
				if err != nil {
					once.Do(func() { failed = err })
					return
				}
				n.Add(1)
			}
		})
	}
	all.Wait()
	return float64(n.Load()) / time.Since(began).Seconds(), failed
}

const million = `SELECT n AS aid, n % 10 AS bid, 0 AS abalance, repeat('x', 84) AS filler FROM generate_series(1, 1000000) n`

// timed returns megabytes a second of what do moves.
func timed(ctx context.Context, s *side, do func(*pgconn.PgConn) (int64, error)) (float64, error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	began := time.Now()
	n, err := do(conn)
	return float64(n) / 1e6 / time.Since(began).Seconds(), err
}

func rows(ctx context.Context, s *side) (float64, error) {
	return timed(ctx, s, func(conn *pgconn.PgConn) (n int64, err error) {
		answers := conn.Exec(ctx, million)
		for answers.NextResult() {
			for r := answers.ResultReader(); r.NextRow(); {
				for _, v := range r.Values() {
					n += int64(len(v))
				}
			}
		}
		return n, answers.Close()
	})
}

// A counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func copyOut(ctx context.Context, s *side) (float64, error) {
	return timed(ctx, s, func(conn *pgconn.PgConn) (int64, error) {
		var n counter
		_, err := conn.CopyTo(ctx, &n, "COPY ("+million+") TO STDOUT")
		return int64(n), err
	})
}

// copyIn fills a temporary table, so that the server's disk has little to do with it.
func copyIn(ctx context.Context, s *side) (float64, error) {
	line := []byte("1000000\t5\t0\t" + strings.Repeat("x", 84) + "\n")
	text := bytes.Repeat(line, 1_000_000)
	return timed(ctx, s, func(conn *pgconn.PgConn) (int64, error) {
		if _, err := conn.Exec(ctx, "CREATE TEMPORARY TABLE copied (aid int, bid int, abalance int, filler text)").ReadAll(); err != nil {
			return 0, err
		}
		_, err := conn.CopyFrom(ctx, io.Reader(bytes.NewReader(text)), "COPY copied FROM STDIN")
		if err == nil {
			_, err = conn.Exec(ctx, "DROP TABLE copied").ReadAll() // the session may be another one's next
		}
		return int64(len(text)), err
	})
}

// memory is by how much an idle connection makes the proxy's process larger, in kB.
func memory(ctx context.Context, s *side, idle int) (grown float64, err error) {
	if s.pid == 0 {
		return 0, nil
	}
	before, err := s.resident()
	if err != nil {
		return 0, err
	}
	var held []*pgconn.PgConn
	defer func() {
		for _, conn := range held {
			err = errors.Join(err, conn.Close(ctx))
		}
	}()
	for range idle {
		conn, err := s.connect(ctx)
		if err != nil {
			return 0, err
		}
		held = append(held, conn)
	}
	after, err := s.resident()
	return (after - before) / float64(idle), err
}

// resident is the memory of the proxy's process in kB.
func (s *side) resident() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			return strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
		}
	}
	return 0, fmt.Errorf("process %d tells no VmRSS", s.pid)
}
