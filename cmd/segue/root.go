package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

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
		errors.As(mistake(err.Error(), "segue help lists the commands"), &e)
	}
	if e.err != nil {
		output, _ := root.PersistentFlags().GetString("output")
		if wantsJSON(args) {
			output = "json"
		}
		report(errOut, output, e.err)
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
		Args:          unknownCommand,
		Version:       program(),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(out)
	root.SetErr(errOut)
	root.SetVersionTemplate("segue {{.Version}}\n")
	root.SetFlagErrorFunc(flagMistake)
	f := root.PersistentFlags()
	f.StringVar(&o.admin, "admin", envOr("SEGUE_ADMIN", "http://127.0.0.1:8432"), "URL or host:port of the admin API (SEGUE_ADMIN)")
	f.StringVar(&o.tokenFile, "admin-token-file", os.Getenv("SEGUE_ADMIN_TOKEN_FILE"),
		"file with the admin API's token (SEGUE_ADMIN_TOKEN_FILE)")
	f.StringVarP(&o.output, "output", "o", "text", "text or json")
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if o.output != "text" && o.output != "json" {
			return mistake(fmt.Sprintf("--output cannot be %q", o.output), "give text or json")
		}
		return nil
	}
	addGroups(root, o)
	return root
}

// addGroups adds the commands, as help lists them.
func addGroups(root *cobra.Command, o *options) {
	for _, g := range []struct {
		id, title string
		commands  []*cobra.Command
	}{
		{"cycle", "The life of a migration:", []*cobra.Command{
			newCreate(o), newActivate(o), newCutover(o), newContract(o), newRollback(o), newCancel(o), newDelete(o),
		}},
		{"look", "What is going on:", []*cobra.Command{
			newStatus(o), newList(o), newShow(o), newAssess(o), newPlan(o), newUsage(o), newHistory(o), newRewrite(o),
		}},
		{"operate", "Running it:", []*cobra.Command{
			newServe(o), newDemo(o), newInstances(o), newSessions(o), newHealth(o), newExitSQL(o), newVersion(o),
		}},
	} {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, c := range g.commands {
			c.GroupID = g.id
			root.AddCommand(c)
		}
	}
	// What a rename has no use for.
	for _, c := range []*cobra.Command{newPurge(o), newPause(o), newResume(o), newBrake(o), newAmend(o)} {
		c.Hidden = true
		root.AddCommand(c)
	}
	for _, c := range root.Commands() {
		if _, argument, _ := strings.Cut(c.Use, " "); argument == "ID" || argument == "[ID]" || argument == "ID FILE" {
			c.ValidArgsFunction = completeID(o)
		}
	}
	root.AddCommand(newExitCodes())
}

// run gives the errors of a command's work their exit codes.
func run(work func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := work(cmd, args); err != nil {
			return exitOf(err)
		}
		return nil
	}
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}
