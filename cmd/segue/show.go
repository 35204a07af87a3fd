package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/migrate"
)

// lastEvents is how many events show has; segue history has them all.
const lastEvents = 5

func newShow(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show one migration, what it waits for and its last events", Args: takesID(),
		RunE: run(func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			var st migrate.Status
			if err := c.get(cmd.Context(), migrationPath(args[0]), nil, &st); err != nil {
				return err
			}
			var tr admin.Transitions
			if o.output != "json" {
				if err := c.get(cmd.Context(), migrationPath(args[0], "transitions"), nil, &tr); err != nil {
					return err
				}
			}
			return o.emit(&st, func(w io.Writer) {
				writeStatus(w, &st)
				if n := len(tr.Events); n > 0 {
					fmt.Fprintln(w, "last events:")
					writeHistory(w, tr.Events[max(0, n-lastEvents):])
				}
			})
		}),
	}
}

func writeStatus(w io.Writer, st *migrate.Status) {
	fmt.Fprintf(w, "id:       %s\nphase:    %s, since %s\n", st.ID, phaseWords(st.Phase), when(st.UpdatedAt))
	fmt.Fprintf(w, "means:    %s\ncreated:  %s\n", st.Says(), when(st.CreatedAt))
	for _, op := range st.Operations {
		fmt.Fprintf(w, "does:     %s\n", operation(op))
	}
	if p := st.Progress; p != nil {
		fmt.Fprintf(w, "progress: %s\n", p)
		if p.Waits != "" {
			fmt.Fprintf(w, "waits:    %s\n", p.Waits)
		}
		if p.Deferred != nil {
			fmt.Fprintf(w, "left:     %s\n", p.Deferred)
		}
		if p.Brakes != nil {
			fmt.Fprintf(w, "brakes:   %s\n", p.Brakes)
		}
	}
	writePending(w, st)
	writeOutage(w, st.NotServed)
	fmt.Fprintf(w, "next:     %s\n", st.Next())
}
