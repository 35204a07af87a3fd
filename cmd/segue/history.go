package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/admin"
)

func newHistory(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "history ID", Short: "Show what was done to a migration, by whom, and how long traffic paused", Args: cobra.ExactArgs(1),
		RunE: run(func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			var tr admin.Transitions
			if err := c.get(cmd.Context(), migrationPath(args[0], "transitions"), nil, &tr); err != nil {
				return err
			}
			return o.emit(tr, func(w io.Writer) { writeHistory(w, tr) })
		}),
	}
}

func writeHistory(w io.Writer, tr admin.Transitions) {
	var rows [][]string
	for _, e := range tr.Events {
		pause := ""
		if e.PauseMS > 0 {
			pause = fmt.Sprintf("%.1f ms", e.PauseMS)
		}
		rows = append(rows, []string{when(e.At), e.Kind, oneLine(e.Detail), e.Actor, pause})
	}
	table(w, "nothing has happened yet", []string{"AT", "EVENT", "DETAIL", "BY", "PAUSE"}, rows)
}
