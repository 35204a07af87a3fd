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
		Use: "exit-sql ID", Short: "Write a psql script that finishes or undoes the migration without Segue", Args: cobra.ExactArgs(1),
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
	cmd.Flags().StringVar(&to, "to", "contracted", "contracted (finish) or rolled_back (undo)")
	return cmd
}
