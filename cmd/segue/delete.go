package main

import (
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/admin"
)

func newDelete(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "delete ID", Short: "Remove a draft or rolled-back migration", Args: takesID(),
		Long: "Delete removes a migration that is a draft or rolled back; its history stays. What is being tried is\n" +
			"stopped by segue cancel.",
		RunE: run(func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			if _, err := c.do(cmd.Context(), http.MethodDelete, migrationPath(args[0]), nil, nil, nil); err != nil {
				return err
			}
			return o.emit(struct {
				Deleted string `json:"deleted"`
			}{args[0]}, func(w io.Writer) { fmt.Fprintf(w, "%s is deleted; its history stays\n", args[0]) })
		}),
	}
}

func newCancel(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "cancel ID", Aliases: []string{"withdraw"}, Short: "Stop a transition that is being tried; nothing else is changed", Args: takesID(),
		Long: "Cancel withdraws the transition of a migration that is being tried. It never undoes one that is made (that is\n" +
			"segue rollback) and never removes a migration (that is segue delete).",
		Example: "  segue cancel surname",
		RunE: run(func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			var out admin.Cancelled
			if _, err := c.do(cmd.Context(), http.MethodDelete, migrationPath(args[0], "transition"), nil, nil, &out); err != nil {
				return err
			}
			return o.emit(out, func(w io.Writer) {
				fmt.Fprintf(w, "%s of %s is withdrawn; %s stays %s, and nothing was changed\n", out.Cancelled, args[0], args[0], phaseWords(out.Migration.Phase))
			})
		}),
	}
}
