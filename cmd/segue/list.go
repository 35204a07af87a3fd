package main

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/migrate"
	"github.com/seguedb/segue/rules"
)

func newList(o *options) *cobra.Command {
	var every bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the migrations and their phases", Args: takesNone,
		Long: "List shows each migration that is not over, with how long it has been in its phase (AGE). JSON has all of them.",
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			var all admin.Migrations
			if err := c.get(cmd.Context(), "/v1/migrations", nil, &all); err != nil {
				return err
			}
			return o.emit(all, func(w io.Writer) { writeList(w, all, every) })
		}),
	}
	cmd.Flags().BoolVar(&every, "all", false, "with those that are contracted")
	return cmd
}

func writeList(w io.Writer, all admin.Migrations, every bool) {
	var rows [][]string
	var outage *migrate.Outage
	over, now := 0, time.Now()
	for _, m := range all.Migrations {
		if m.Phase == rules.Contracted && m.Pending == nil && !every {
			over++
			continue
		}
		pending := ""
		if m.Pending != nil {
			pending = fmt.Sprintf("%s, %s", m.Pending.Kind, attempts(m.Pending, now))
		}
		if m.NotServed != nil {
			outage = m.NotServed
			pending = strings.TrimPrefix(pending+"; NOT SERVED", "; ")
		}
		rows = append(rows, []string{m.ID, phaseWords(m.Phase), pending, short(max(now.Sub(m.UpdatedAt), 0)), operations(m.Operations)})
	}
	none := "no migration is stored"
	if over > 0 {
		none = "no migration is under way"
	}
	table(w, none, []string{"ID", "PHASE", "PENDING", "AGE", "OPERATIONS"}, rows)
	if over > 0 {
		fmt.Fprintf(w, "contracted, and not shown: %d (segue list --all)\n", over)
	}
	writeOutage(w, outage)
}

// maxOperations is how much of the operations a line shows, in characters; segue show has them all.
const maxOperations = 60

// operations are all of them in one line. Where that would be long it is their number, or of one what it is about.
func operations(ops []migrate.OperationView) string {
	var all []string
	for _, op := range ops {
		all = append(all, operation(op))
	}
	if text := strings.Join(all, "; "); utf8.RuneCountInString(text) <= maxOperations {
		return text
	}
	if len(ops) == 1 {
		return strings.ReplaceAll(ops[0].Kind, "_", " ") + " " + ops[0].Table
	}
	return fmt.Sprintf("%d operations", len(ops))
}
