package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/migrate"
)

func newShow(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show one migration and what it waits for", Args: cobra.ExactArgs(1),
		RunE: run(func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			var st migrate.Status
			if err := c.get(cmd.Context(), migrationPath(args[0]), nil, &st); err != nil {
				return err
			}
			return showStatus(o, &st)
		}),
	}
}

func showStatus(o *options, st *migrate.Status) error {
	return o.emit(st, func(w io.Writer) {
		fmt.Fprintf(w, "id:       %s\nphase:    %s\ncreated:  %s\nchanged:  %s\n", st.ID, st.Phase, when(st.CreatedAt), when(st.UpdatedAt))
		for _, op := range st.Operations {
			fmt.Fprintf(w, "does:     %s\n", operation(op))
		}
		if p := st.Progress; p != nil {
			fmt.Fprintf(w, "progress: %d of %d rows, %.0f/s, %.0f s left\n", p.Done, p.Total, p.Rate, p.ETA)
		}
		writePending(w, st)
		writeOutage(w, st.NotServed)
	})
}
