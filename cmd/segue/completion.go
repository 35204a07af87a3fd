package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/seguedb/segue/admin"
)

// completionTime is how long a shell may wait for the ids; without an answer it offers none.
const completionTime = time.Second

// completeID offers the ids of the stored migrations.
func completeID(o *options) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		c, err := o.client()
		if len(args) > 0 || err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
		defer cancel()
		var all admin.Migrations
		if c.get(ctx, "/v1/migrations", nil, &all) != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var ids []cobra.Completion
		for _, m := range all.Migrations {
			ids = append(ids, cobra.CompletionWithDesc(m.ID, phaseWords(m.Phase)))
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	}
}
