package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/admin"
)

func newList(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the migrations and their phases", Args: cobra.NoArgs,
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			var all admin.Migrations
			if err := c.get(cmd.Context(), "/v1/migrations", nil, &all); err != nil {
				return err
			}
			return o.emit(all, func(w io.Writer) { writeList(w, all) })
		}),
	}
}

func writeList(w io.Writer, all admin.Migrations) {
	var rows [][]string
	for _, m := range all.Migrations {
		var ops []string
		for _, op := range m.Operations {
			ops = append(ops, operation(op))
		}
		pending := ""
		if m.Pending != nil {
			pending = fmt.Sprintf("%s, attempt %d", m.Pending.Kind, m.Pending.Attempts)
		}
		rows = append(rows, []string{m.ID, string(m.Phase), strings.Join(ops, "; "), pending})
	}
	table(w, "no migration is stored", []string{"ID", "PHASE", "OPERATIONS", "PENDING"}, rows)
}
