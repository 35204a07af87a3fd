package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/admin"
)

func newPlan(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "plan ID", Example: "  segue plan surname",
		Long:  "Plan shows the statements of each transition to come and of the way back, each with the lock that it takes. Nothing is run.",
		Short: "Show what each transition to come runs and locks, and the way back", Args: takesID(),
		RunE: run(func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			var plan admin.Plan
			if err := c.get(cmd.Context(), migrationPath(args[0], "plan"), nil, &plan); err != nil {
				return err
			}
			return o.emit(plan, func(w io.Writer) { writePlan(w, plan) })
		}),
	}
}

func writePlan(w io.Writer, plan admin.Plan) {
	if len(plan.Steps) == 0 {
		fmt.Fprintln(w, "nothing is left to be run")
		return
	}
	for i, s := range plan.Steps {
		if i == 0 || plan.Steps[i-1].From != s.From || plan.Steps[i-1].Phase != s.Phase {
			fmt.Fprintf(w, "%s → %s:\n", s.From, s.Phase)
		}
		if s.SQL != "" {
			fmt.Fprintf(w, "  %s\n", s.SQL)
		}
		if s.Lock != "" {
			fmt.Fprintf(w, "    lock: %s\n", s.Lock)
		}
		if s.Note != "" {
			fmt.Fprintf(w, "    note: %s\n", s.Note)
		}
	}
}
