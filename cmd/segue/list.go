package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/migrate"
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
	var outage *migrate.Outage
	for _, m := range all.Migrations {
		pending := ""
		if m.Pending != nil {
			pending = fmt.Sprintf("%s, attempt %d", m.Pending.Kind, m.Pending.Attempts)
		}
		if m.NotServed != nil {
			outage = m.NotServed
			pending = strings.TrimPrefix(pending+"; NOT SERVED", "; ")
		}
		rows = append(rows, []string{m.ID, string(m.Phase), pending, operations(m.Operations)})
	}
	table(w, "no migration is stored", []string{"ID", "PHASE", "PENDING", "OPERATIONS"}, rows)
	writeOutage(w, outage)
}

// maxOperations is how much of the operations a line shows, in characters; segue show has them all.
const maxOperations = 60

// operations are all of them in one line, or their number where that would be long.
func operations(ops []migrate.OperationView) string {
	var all []string
	for _, op := range ops {
		all = append(all, operation(op))
	}
	if text := strings.Join(all, "; "); utf8.RuneCountInString(text) <= maxOperations {
		return text
	}
	return fmt.Sprintf("%d operations", len(ops))
}
