package main

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/seguedb/segue/internal/pgcluster"
	"github.com/seguedb/segue/proxy/wire"
)

//go:embed testdata/pgproto
var pgprotoScripts embed.FS

// pgproto plays scripts of messages with the program of that name, of Pgpool-II. What must be equal is each byte that the server
// sends, from the end of the start-up on.
func pgproto(dir string) *suite {
	return &suite{name: "pgproto", run: func(ctx context.Context, c *pgcluster.Cluster, address string) (results, error) {
		scripts, err := pgprotoScripts.ReadDir("testdata/pgproto")
		if err != nil {
			return nil, err
		}
		got := make(results, len(scripts))
		for _, script := range scripts {
			name := strings.TrimSuffix(script.Name(), ".data")
			text, err := pgprotoScripts.ReadFile("testdata/pgproto/" + script.Name())
			if err != nil {
				return nil, err
			}
			path := filepath.Join(c.Dir, script.Name())
			if err := os.WriteFile(path, text, 0o644); err != nil {
				return nil, err
			}
			heard, err := playScript(ctx, filepath.Join(dir, "pgproto"), path, c.Superuser, address)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			got[name] = outcomeOf{passed: true, output: heard}
		}
		return got, nil
	}}
}

// playScript has the program play a script, and returns the messages that it was sent, one on each line.
func playScript(ctx context.Context, program, path, user, address string) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	var heard bytes.Buffer
	recorded := make(chan error, 1)
	go func() { recorded <- overhear(l, address, &heard) }()
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-h", host, "-p", port, "-u", user, "-d", database, "-f", path)
	cmd.Env = []string{"PGSSLMODE=disable", "PGGSSENCMODE=disable", "LC_ALL=C"}
	cmd.WaitDelay = time.Second
	said, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, said)
	}
	if err := <-recorded; err != nil {
		return "", err
	}
	messages, err := afterStartup(&heard)
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, said)
	}
	return messages, nil
}

// overhear relays one connection, and writes down what the server sends.
func overhear(l net.Listener, address string, heard *bytes.Buffer) error {
	client, err := l.Accept()
	if err != nil {
		return err
	}
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.(*net.TCPConn).CloseWrite()
	}()
	_, err = io.Copy(io.MultiWriter(client, heard), server)
	return err
}

// afterStartup shows the messages behind the first ReadyForQuery. Numbers of processes are not told.
func afterStartup(sent *bytes.Buffer) (string, error) {
	in := wire.NewReader(sent, wire.MaxMessage)
	var shown strings.Builder
	for ready := false; ; {
		f, err := in.Next()
		if err == io.EOF {
			if !ready {
				return "", fmt.Errorf("the session never became ready")
			}
			return shown.String(), nil
		}
		if err == nil {
			f, err = in.ReadRest(f, wire.MaxMessage)
		}
		if err != nil {
			return "", err
		}
		body := f.Body
		if f.Type == wire.NotificationResponse {
			body = body[4:]
		}
		if ready {
			fmt.Fprintf(&shown, "%c %q\n", f.Type, body)
		}
		ready = ready || f.Type == wire.ReadyForQuery
	}
}
