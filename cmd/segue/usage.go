package main

import (
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/admin"
)

func newUsage(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "usage ID", Short: "Show who uses which names: what contract looks at", Args: cobra.ExactArgs(1),
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
	table(w, "nothing was used yet",
		[]string{"VERSION", "NAME", "KIND", "COUNT", "LAST", "USER", "APPLICATION", "SAMPLE"}, rows)
}
