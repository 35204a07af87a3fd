package main

import (
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"
)

func newDelete(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "delete ID", Short: "Withdraw what is being tried, or remove a draft or rolled-back migration", Args: cobra.ExactArgs(1),
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
			}{args[0]}, func(w io.Writer) { fmt.Fprintf(w, "%s: done\n", args[0]) })
		}),
	}
}
