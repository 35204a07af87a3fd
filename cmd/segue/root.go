package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// Exit codes. Scripts rely on them.
const (
	exitOK     = 0 // done; of a transition: the phase is reached
	exitFailed = 1 // refused or failed
	exitUsage  = 2 // the command line, the environment or the configuration file is wrong
	exitTrying = 3 // the transition is still being tried in the background
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

// usageError marks a mistake of the user in how the command was called.
func usageError(err error) error { return &exit{code: exitUsage, err: err} }

// options are those of every command that talks to the admin API.
type options struct {
	admin     string
	tokenFile string
	output    string
	out       io.Writer
	err       io.Writer
}

// execute runs one command line and returns the exit code.
func execute(args []string, out, errOut io.Writer) int {
	root := newRoot(out, errOut)
	root.SetArgs(args)
	err := root.ExecuteContext(context.Background())
	if err == nil {
		return exitOK
	}
	// What did not come from a command's own work was raised by cobra while it read the command line.
	var e *exit
	if !errors.As(err, &e) {
		e = &exit{code: exitUsage, err: err}
	}
	if e.err != nil {
		output, _ := root.PersistentFlags().GetString("output")
		report(errOut, output, e.err)
	}
	if e.code == exitUsage {
		fmt.Fprintln(errOut, "  hint: segue help lists the commands, segue help COMMAND its flags")
	}
	return e.code
}

func newRoot(out, errOut io.Writer) *cobra.Command {
	o := &options{out: out, err: errOut}
	root := &cobra.Command{
		Use:   "segue",
		Short: "Let two versions of an app share one PostgreSQL database during a rename",
		Long: `Segue is a PostgreSQL proxy. While a migration is active, the version of an app that was written for the
old schema and the one that was written for the new schema each see exactly their own.

A rename, from its rule file to its end:
  segue create surname.yaml     store it as a draft; traffic is untouched
  segue activate surname        both names work; the database has the old one
  segue cutover surname         the database has the new one; both names work
  segue contract surname        the old names end, once nobody needs them
  segue rollback surname        the way back, until contract
  segue cancel surname          stop what is being tried`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(out)
	root.SetErr(errOut)
	root.CompletionOptions.HiddenDefaultCmd = true
	f := root.PersistentFlags()
	f.StringVar(&o.admin, "admin", envOr("SEGUE_ADMIN", "http://127.0.0.1:8432"), "URL of the admin API (SEGUE_ADMIN)")
	f.StringVar(&o.tokenFile, "admin-token-file", os.Getenv("SEGUE_ADMIN_TOKEN_FILE"),
		"file with the admin API's token (SEGUE_ADMIN_TOKEN_FILE)")
	f.StringVarP(&o.output, "output", "o", "text", "text or json")
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if o.output != "text" && o.output != "json" {
			return usageError(fmt.Errorf("--output cannot be %q: give text or json", o.output))
		}
		return nil
	}
	root.AddCommand(
		newServe(o), newDemo(o),
		newCreate(o), newList(o), newShow(o), newDelete(o), newCancel(o), newAssess(o), newPlan(o), newUsage(o), newHistory(o), newExitSQL(o),
		newActivate(o), newCutover(o), newContract(o), newRollback(o), newPurge(o), newPause(o), newResume(o),
		newRewrite(o), newInstances(o), newSessions(o), newHealth(o), newVersion(o),
	)
	return root
}

// run makes a command's work the only source of exit code 1.
func run(work func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := work(cmd, args)
		var e *exit
		if err == nil || errors.As(err, &e) {
			return err
		}
		return &exit{code: exitFailed, err: err}
	}
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}
