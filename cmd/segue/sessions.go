package main

import (
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/admin"
)

func newSessions(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "sessions", Short: "List the sessions of this instance and their versions", Args: takesNone,
		RunE: run(func(cmd *cobra.Command, _ []string) error {
			c, err := o.client()
			if err != nil {
				return err
			}
			var all admin.Sessions
			if err := c.get(cmd.Context(), "/v1/sessions", nil, &all); err != nil {
				return err
			}
			return o.emit(all, func(w io.Writer) { writeSessions(w, all) })
		}),
	}
}

func writeSessions(w io.Writer, all admin.Sessions) {
	var rows [][]string
	for _, s := range all.Sessions {
		version, state := s.Version, ""
		if version == "" {
			version = "(unpinned)"
		}
		if s.Held {
			state = "held at a gate"
		}
		rows = append(rows, []string{
			strconv.FormatUint(uint64(s.PID), 10), s.User, s.Database, s.Application, s.Client, version, state,
		})
	}
	table(w, "no session is open",
		[]string{"PID", "USER", "DATABASE", "APPLICATION", "FROM", "VERSION", "STATE"}, rows)
}
