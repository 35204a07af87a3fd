package main

import (
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/admin"
	"github.com/seguedb/segue/migrate"
)

func newInstances(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "instances", Short: "List the instances that serve this database", Args: takesNone,
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			var all admin.Instances
			if err := c.get(cmd.Context(), "/v1/instances", nil, &all); err != nil {
				return err
			}
			return o.emit(all, func(w io.Writer) { writeInstances(w, all) })
		}),
	}
}

func writeInstances(w io.Writer, all admin.Instances) {
	var rows [][]string
	var outage *migrate.Outage
	for _, i := range all.Instances {
		state := "live"
		switch {
		case i.Expired:
			state = "expired"
		case i.NotServed != nil:
			state, outage = "not ready", i.NotServed
		}
		if i.Self {
			state += ", answers this"
		}
		rows = append(rows, []string{
			i.ID, strconv.FormatInt(i.Epoch, 10), when(i.Started), when(i.Heartbeat), strconv.Itoa(i.Sessions), state,
		})
	}
	table(w, "no instance is registered", []string{"ID", "EPOCH", "STARTED", "SEEN", "SESSIONS", "STATE"}, rows)
	writeOutage(w, outage)
}
