package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// passwordTimeout bounds one run of the password command, and maxPassword what it may print, in bytes: as many as the server
// takes (PG_MAX_AUTH_TOKEN_LENGTH).
const (
	passwordTimeout = 10 * time.Second
	maxPassword     = 65535
)

// errNoPassword says that the password command has failed.
var errNoPassword = errors.New("no password for the upstream")

// A passwordCommand is a line for the shell that prints the password of the upstream URL's user. It comes from the
// configuration alone: nothing is put into it.
type passwordCommand string

// password runs the command and returns what it prints, without the newline at the end. An error says how the command has
// failed, in its own words if it has said any on its standard error, and never what it printed.
func (c passwordCommand) password(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, passwordTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", string(c))
	var out, complaint bounded
	out.left, complaint.left = maxPassword+2, 4096
	cmd.Stdout, cmd.Stderr = &out, &complaint
	cmd.WaitDelay = time.Second
	endWithChildren(cmd)
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("--upstream-password-command did not end within %v", passwordTimeout)
	case err != nil:
		if said := strings.Join(strings.Fields(complaint.String()), " "); said != "" {
			err = fmt.Errorf("%w: %s", err, said)
		}
		return "", fmt.Errorf("--upstream-password-command failed: %w", err)
	}
	password := strings.TrimSuffix(strings.TrimSuffix(out.String(), "\n"), "\r")
	switch {
	case password == "":
		return "", errors.New("--upstream-password-command printed nothing")
	case len(password) > maxPassword:
		return "", fmt.Errorf("--upstream-password-command printed more than %d bytes, which is no password", maxPassword)
	case strings.ContainsAny(password, "\x00\n"):
		return "", errors.New("--upstream-password-command printed several lines, and a password has one")
	}
	return password, nil
}

// bounded keeps the first bytes of what is written.
type bounded struct {
	bytes.Buffer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.left -= n
	b.Buffer.Write(p[:n])
	return len(p), nil
}

// identify gives one of the instance's own connections the secrets as they are now, before it is opened. command may be "".
func (s *Secrets) identify(command passwordCommand) func(context.Context, *pgx.ConnConfig) error {
	return func(ctx context.Context, cfg *pgx.ConnConfig) error {
		if owner := s.owner.Load(); owner != nil {
			cfg.TLSConfig, cfg.Fallbacks, cfg.Password = owner.TLSConfig, owner.Fallbacks, owner.Password
		}
		if command == "" {
			return nil
		}
		password, err := command.password(ctx)
		if err != nil {
			return fmt.Errorf("%w: %w", errNoPassword, err)
		}
		cfg.Password = password
		return nil
	}
}
