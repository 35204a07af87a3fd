package main

import (
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/admin"
)

func newExitSQL(o *options) *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use: "exit-sql ID", Example: "  segue exit-sql surname --to rolled_back > undo.sql",
		Long: "Exit-sql writes a script that takes the migration to its end, or back, with psql alone, for the day on which Segue cannot\n" +
			"be used. Save both scripts in advance; a script is for the phase in which it was written. --to purged drops what a change of\n" +
			"columns has left that is contracted or rolled back, as \"segue purge\" does.",
		Short: "Write a psql script that finishes or undoes the migration without Segue", Args: takesID(),
		RunE: run(func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			var script admin.ExitSQL
			if err := c.get(cmd.Context(), migrationPath(args[0], "exit-sql"), url.Values{"to": {to}}, &script); err != nil {
				return err
			}
			return o.emit(script, func(io.Writer) { fmt.Fprint(o.out, script.SQL) }) // for psql, so names are as they are
		}),
	}
	cmd.Flags().StringVar(&to, "to", "contracted", "contracted (finish), rolled_back (undo), or purged (drop what is left)")
	return cmd
}
