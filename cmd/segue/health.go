package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/admin"
)

// newHealth is for probes in images that have no HTTP client.
func newHealth(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "health [startup|liveness|readiness]", Short: "Ask whether the instance is ready (or started, or alive)",
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"startup", "liveness", "readiness"},
		RunE: run(func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			probe := "readiness"
			if len(args) > 0 {
				probe = args[0]
			}
			var h admin.Health
			if err := c.get(cmd.Context(), "/"+probe, nil, &h); err != nil {
				return err
			}
			return o.emit(h, func(w io.Writer) { fmt.Fprintln(w, h.Status) })
		}),
	}
}
