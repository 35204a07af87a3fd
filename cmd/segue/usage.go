package main

import (
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/admin"
)

func newUsage(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "usage ID", Example: "  segue usage surname",
		Long: "Usage counts each reference to a name that the migration changes: a statement that names a column twice counts as two.\n" +
			"KIND old is of a name that goes with contract. Samples have no literals.",
		Short: "Show who uses which names: what contract looks at", Args: takesID(),
		RunE: run(func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			var usage admin.Usage
			if err := c.get(cmd.Context(), migrationPath(args[0], "usage"), nil, &usage); err != nil {
				return err
			}
			return o.emit(usage, func(w io.Writer) { writeUsage(w, usage) })
		}),
	}
}

func writeUsage(w io.Writer, usage admin.Usage) {
	var rows [][]string
	for _, u := range usage.Usage {
		name, kind := u.Table, "new"
		if u.Column != "" {
			name += "." + u.Column
		}
		if u.Old {
			kind = "old"
		}
		rows = append(rows, []string{
			u.Version, name, kind, strconv.FormatInt(u.Count, 10), when(u.Last), u.User, u.Application, oneLine(u.Sample),
		})
	}
	table(w, "nothing was used yet; uses are counted while a migration is active or cut over",
		[]string{"VERSION", "NAME", "KIND", "REFERENCES", "LAST", "USER", "APPLICATION", "SAMPLE"}, rows)
}
