package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/migrate"
)

func newAmend(o *options) *cobra.Command {
	cmd, t := transitionCommand(o, migrate.Amend, "Correct up and down while rows are filled",
		"Amend takes a rule file that differs from the stored one in up and down alone, and fills all rows anew with its\n"+
			"expressions. It is for a backfill that has stopped at a row, and refused once nearly all rows are filled.")
	cmd.Use, cmd.Example = "amend ID FILE", "  segue amend amount amount.yaml"
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 2 && args[0] != "" && args[1] != "" {
			return nil
		}
		return mistake(fmt.Sprintf("%s needs the id of a migration and a rule file", cmd.Name()), callOf(cmd))
	}
	cmd.RunE = run(func(cmd *cobra.Command, args []string) error {
		data, err := readFile(cmd.InOrStdin(), args[1])
		if err != nil {
			return noRuleFile(cmd, args[1], err)
		}
		t.body.Source, t.body.File = string(data), args[1]
		return t.run(cmd.Context(), args[0])
	})
	return cmd
}
