package main

import (
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/migrate"
)

func newBrake(o *options) *cobra.Command {
	var b migrate.Brakes
	var lag time.Duration
	var slot, wal int64
	cmd := &cobra.Command{
		Use: "brake ID", Short: "Set the limits of a backfill while it runs", Args: takesID(),
		Example: `  segue brake amount --hours "22:00-06:00 Europe/Berlin" --max-wal-mb 20`,
		Long: "Brake sets all limits of a backfill anew: one that is not given has its default. They count within a second, and\n" +
			"segue status shows them, with what the backfill waits for.",
		RunE: run(func(cmd *cobra.Command, args []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			b.MaxLag, b.MaxSlot, b.MaxWAL = lag.Seconds(), slot<<20, wal<<20
			var st migrate.Status
			if _, err := c.post(cmd.Context(), migrationPath(args[0], "brakes"), b, &st); err != nil {
				return err
			}
			return o.emit(&st, func(w io.Writer) { writeStatus(w, &st) })
		}),
	}
	f := cmd.Flags()
	f.StringVar(&b.Hours, "hours", "", `when rows are filled, as in 22:00-06:00 or "22:00-06:00 Europe/Berlin" (default always; UTC)`)
	f.DurationVar(&lag, "max-lag", 0, "how far a replica may be behind (default 10s)")
	f.Int64Var(&slot, "max-slot-mb", 0, "MB of the log that an active replication slot may keep back (default 1024)")
	f.Int64Var(&wal, "max-wal-mb", 0, "MB of the log that the server may write in a second, whoever has it write (default no limit)")
	return cmd
}
