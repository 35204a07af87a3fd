package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/admin"
)

// Exit codes. Scripts rely on them.
const (
	exitOK          = 0 // done; of a transition: the phase is reached
	exitFailed      = 1 // refused or failed
	exitUsage       = 2 // the command line, the environment or the configuration file is wrong
	exitTrying      = 3 // the transition is still being tried in the background
	exitUnreachable = 4 // the instance or its database cannot be reached
)

// An exit ends the program with a code other than that of success. A nil err has been reported already.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// exitOf is how the program ends with an error.
func exitOf(err error) *exit {
	var e *exit
	if errors.As(err, &e) {
		return e
	}
	var p *admin.Problem
	if errors.As(err, &p) && p.Type == admin.TypeUnreachable {
		return &exit{code: exitUnreachable, err: err}
	}
	return &exit{code: exitFailed, err: err}
}

// newExitCodes is a page of help and no command.
func newExitCodes() *cobra.Command {
	return &cobra.Command{
		Use: "exit-codes", Short: "What the exit codes of all commands mean",
		Long: `0  done. Of a transition: the phase is reached, or was reached already. Of assess: no error was found. Of status:
   nothing waits for an operator.
1  refused or failed. Of assess: something is in the way. Of status: something waits for an operator. Of health: not ready.
   Of rewrite: the statement would fail.
2  the command line, the environment or the configuration file is wrong; nothing was asked for.
3  the transition was asked for and is still being tried in the background: the time of --timeout is over, --no-wait was
   given, or the command was interrupted. segue show tells how it goes, segue cancel stops it.
4  the instance, or the database behind it, cannot be reached; whether something was asked for is not known.`,
	}
}
