package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/migrate"
)

func newHistory(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "history ID", Example: "  segue history surname",
		Long: "History has everything that was done to the migrations of this id, also to one that was deleted since. BY is who has\n" +
			"asked for it, or the instance that has tried it; PAUSE is for how long statements were held.",
		Short: "Show what was done to a migration, by whom, and how long traffic paused", Args: takesID(),
		RunE: run(func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			var tr admin.Transitions
			if err := c.get(cmd.Context(), migrationPath(args[0], "transitions"), nil, &tr); err != nil {
				return err
			}
			return o.emit(tr, func(w io.Writer) { writeHistory(w, tr.Events) })
		}),
	}
}

// writeHistory writes events. Only where it would be folded is what happened cut.
func writeHistory(w io.Writer, events []migrate.Event) {
	var rows [][]string
	for _, e := range events {
		detail := strings.Join(strings.Fields(e.Detail), " ")
		if isTerminal(w) {
			detail = oneLine(detail)
		}
		pause := ""
		if e.PauseMS > 0 {
			pause = fmt.Sprintf("%.1f ms", e.PauseMS)
		}
		rows = append(rows, []string{when(e.At), e.Kind, detail, e.Actor, pause})
	}
	table(w, "nothing has happened yet", []string{"AT", "EVENT", "DETAIL", "BY", "PAUSE"}, rows)
}
